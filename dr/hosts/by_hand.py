"""What is left to do on the machine of a server that was opened, as commands that a person can run there as they stand."""

import contextlib
import os
import pwd
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from dr.drivers.postgres.cluster import Cluster
from dr.hosts.process import before_server_programs

_HERE = {"*": "127.0.0.1", "0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}  # noqa: S104 - what it listens at, as told
_SET = re.compile(r"^([a-z_.A-Z]+) = ", re.MULTILINE)


def left(cluster: Cluster, told: Mapping[str, object], listen: Sequence[str]) -> list[str]:
    """One line a thing; a command comes last, after a colon. Asks for nothing and changes nothing. Raises Refused (root, see `process`)."""
    who = whoever()
    return [
        _statistics(cluster, told, [_HERE.get(one, one) for one in listen], who),
        f"to start it by hand, after a start of the machine, as {who}: {_start(cluster)}",
        _settings(Path(cluster.data)),
    ]


def whoever() -> str:
    """The user who runs this, as the machine calls it."""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return f"user {os.geteuid()}"


def _statistics(cluster: Cluster, told: Mapping[str, object], listen: Sequence[str], who: str) -> str:
    at = "127.0.0.1" if "127.0.0.1" in listen else listen[0]
    user, passfile = str(told["user"]), Path(str(told["passfile"]))
    words = [f"{cluster.binaries}/vacuumdb", "-h", at, "-p", str(cluster.port), "-U", user, "--all", "--analyze-only"]
    known = at == "127.0.0.1" and passfile.exists()  # its line is for that address
    before = f"PGPASSFILE={shlex.quote(str(passfile))} " if known else ""
    asks = "" if known else f"; it asks for the password of {user}"
    return f"full statistics (there are first ones only{asks}), as {who}: {before}{shlex.join(words)}"


def _start(cluster: Cluster) -> str:
    """As `cluster.start` does it: pg_ctl hands paths to a shell, so neither is among its words."""
    log = Path(cluster.log)
    words = [*before_server_programs(), f"{cluster.binaries}/pg_ctl", "start", f"--log={log.name}"]
    return f"cd {shlex.quote(str(log.parent))} && PGDATA={shlex.quote(cluster.data)} {shlex.join(words)}"


def _settings(data: Path) -> str:
    carried: list[str] = []
    with contextlib.suppress(OSError):
        carried = _SET.findall((data / "postgresql.auto.conf").read_text(encoding="utf-8"))
    came = f"a set carries only what changes answers, here {', '.join(sorted(carried))}" if carried else "the set carried none"
    return (
        f"memory (shared_buffers), WAL, archiving and logging are set as initdb sets them, and there is no unix socket: {came}; "
        f"put the lost production's own settings into {data}/postgresql.conf and start it anew"
    )
