"""A unit of systemd's by which a restored PostgreSQL starts with its machine: written in the run's place, and put in force where asked.

It starts the very server that was restored: its data directory, its programs, its user. No word of a secret is in it. What cannot be put
in force is told as commands, never raised: by then people work with that server.
"""

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dr.drivers.postgres.cluster import Cluster
from dr.errors import DrError
from dr.hosts.durably import write_durably
from dr.hosts.process import before_server_programs
from dr.model.ports import Runner

Scope = Literal["none", "system", "user"]
"""Whose unit is put in force: nobody's, the machine's (as root), or the user's own."""
MARK = "# Written by `dr open`"
BOOTED = Path("/run/systemd/system")
"""Is there where systemd runs the machine (sd_booted(3))."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Unit:
    """A file's name and its text. `scope`: for whose manager it is written."""

    name: str
    text: str
    scope: Literal["system", "user"]


def unit_of(cluster: Cluster, name: str, user: str, scope: Scope, before: Sequence[str] | None = None) -> Unit | None:
    """None where systemd could not hold it: a path of its program with quotes, backslashes or dollars (systemd.service(5)).

    `before`: the words before that program; those that this user needs, found by themselves.
    """
    words = [*(before_server_programs() if before is None else before), f"{cluster.binaries}/postgres", "-D", cluster.data]
    program = shutil.which(words[0]) or words[0]
    if set("\"'\\$%") & set(program) or not f"{program}{cluster.data}".isprintable():
        return None
    whose: Literal["system", "user"] = "user" if scope == "user" else "system"
    lines = [
        f"{MARK}: starts the PostgreSQL in {cluster.data} with the machine.",
        "[Unit]",
        f"Description=PostgreSQL on port {cluster.port}, as dr brought it back",
        f"RequiresMountsFor={_quoted(cluster.data)}",
        *(["Wants=network-online.target", "After=network-online.target"] if whose == "system" else []),
        "",
        "[Service]",
        f"Type={'notify' if _notifies(f'{cluster.binaries}/postgres') else 'exec'}",
        *([f"User={user}"] if whose == "system" and os.geteuid() else []),
        f"ExecStart={' '.join(_word(word) for word in (program, *words[1:]))}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "KillMode=mixed",
        "KillSignal=SIGINT",
        "TimeoutSec=infinity",
        "UMask=0077",
        "",
        "[Install]",
        f"WantedBy={'multi-user' if whose == 'system' else 'default'}.target",
        "",
    ]
    return Unit(f"{name if _PLAIN.fullmatch(name) else 'dr-postgresql'}.service", "\n".join(lines), whose)


def _quoted(text: str) -> str:
    """One word of a unit, whatever is in it (systemd.syntax(7): quotes and specifiers)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'


def _word(text: str) -> str:
    """One argument of a program, where a dollar names a variable too."""
    return text if re.fullmatch(r"[A-Za-z0-9_./=:,-]+", text) else _quoted(text).replace("$", "$$")


def _notifies(program: str) -> bool:
    """Whether it was built to tell systemd that it is ready: one that was not would be waited for without an end."""
    with Path(program).open("rb") as file:
        before = b""
        while block := file.read(_BLOCK):
            if b"READY=1" in before + block:
                return True
            before = block[-8:]
    return False


def folder_of(scope: Literal["system", "user"]) -> Path:
    """Where systemd looks for such units first (systemd.unit(5))."""
    if scope == "system":
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def put_in_force(unit: Unit, run_place: str, runner: Runner, *, asked: Scope, into: Path | None = None, booted: bool | None = None) -> str:
    """Write it into the run's place; where it is asked for and may be, into systemd's folder too. Gives back what is left, in a line.

    `into`, `booted`: systemd's folder, and whether systemd runs here; found by themselves.
    """
    written, folder = Path(run_place) / unit.name, into or folder_of(unit.scope)
    write_durably(written, unit.text, 0o644)
    enabling = ["systemctl", *(["--user"] if unit.scope == "user" else []), "enable", unit.name]
    if asked == "none" or (asked == "system" and os.geteuid() and into is None):
        return _by_hand(unit, written, folder, enabling)
    if not _installed(unit, folder):
        return f"{folder / unit.name} is somebody else's, so it was left alone: {written} is the unit that starts this server"
    if not (BOOTED.is_dir() if booted is None else booted) or not _enabled(enabling, runner):
        return f"{folder / unit.name} is written, and not in force yet: {shlex.join(enabling)}"
    lingers = " while its user is logged in; `loginctl enable-linger` has it started always" if unit.scope == "user" else ""
    return f"{unit.name} starts this server with the machine{lingers}; it runs outside of systemd until then"


def _by_hand(unit: Unit, written: Path, folder: Path, enabling: Sequence[str]) -> str:
    make = [] if unit.scope == "system" else [shlex.join(["mkdir", "-p", str(folder)])]
    copying = shlex.join(["cp", str(written), f"{folder}/"])
    who = "as root" if unit.scope == "system" else "as that user"
    return f"or have systemd start it with the machine, {who}: {' && '.join([*make, copying, shlex.join(enabling)])}"


def _installed(unit: Unit, folder: Path) -> bool:
    """False where there is one of that name which is not of `dr open`."""
    target = folder / unit.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or (target.exists() and not target.read_text(encoding="utf-8", errors="replace").startswith(MARK)):
            return False
        write_durably(target, unit.text, 0o644)
    except OSError:
        return False
    return True


def _enabled(enabling: Sequence[str], runner: Runner) -> bool:
    try:
        return runner.run(enabling, timeout=60, check=False).returncode == 0
    except DrError:
        return False
