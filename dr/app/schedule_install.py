"""Writing the timers: systemd's units, or a cron file, for the schedules of a home; and what of them is there."""

import os
import pwd
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dr.app.home import App
from dr.app.schedule import anchor, scheduled
from dr.disk import replace_file
from dr.errors import ConfigError, DrError, Failed, Refused
from dr.hosts.process import LocalRunner
from dr.model.runbook import Runbook
from dr.program import program as this_program
from dr.timers.cron import cron_file, cron_line, notices_line
from dr.timers.units import MARK, Place, Scheduled, is_ours, units

BOOTED = Path("/run/systemd/system")
"""Is there where systemd runs the machine (sd_booted(3))."""
CRON = Path("/etc/cron.d")
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
Run = Callable[[Sequence[str]], None]
"""Runs a program to its end. Raises where it fails."""


@dataclass
class Installed:
    """What was done, and what is left for the person to do."""

    written: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    same: list[Path] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)


def install(app: App, prefix: str, user: str | None, to: Path | None, scheduler: str | None) -> Installed:
    """Write the timers and let the scheduler know. `scheduler`: systemd, cron, or None for the one that runs this machine."""
    place = Place(program(), str(app.home.absolute()), _prefix(prefix), _known(user) if user else _owner(app.home))
    if scheduler == "cron" or (scheduler is None and not BOOTED.is_dir()):
        return install_cron(app, replace(place, user=place.user or _me()), to or CRON)
    folder = to or default_folder()
    done = install_units(app, place, folder)
    here = folder == default_folder() and BOOTED.is_dir()
    enable(done, [*texts(app, place)], _run, booted=here, user=os.geteuid() != 0)
    return done


def _owner(home: Path) -> str | None:
    """Whose home it is, where root installs it for somebody else; root's own needs no `User=`."""
    owner = home.stat().st_uid
    if os.geteuid() != 0 or not owner:
        return None
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        raise Refused(f"the home belongs to user {owner}, whom this machine does not know", hint="name one with --user") from None


def _known(user: str) -> str:
    """Cron says nothing of a line whose user is none, and a unit fails each time."""
    if os.geteuid() != 0 and user != _me():
        raise ConfigError("only root can have somebody else run it", hint="leave --user out, or install it as root")
    try:
        return pwd.getpwnam(user).pw_name
    except (KeyError, ValueError):
        raise ConfigError(f"this machine knows no user '{user}'", hint="`getent passwd` lists them") from None


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise ConfigError(f"this machine knows no user {os.geteuid()}, as whom cron could run it", hint="add it, or use systemd") from None


def _run(command: Sequence[str]) -> None:
    try:
        LocalRunner(threading.Event()).run(command, timeout=60.0)
    except DrError as error:
        raise Failed(f"{' '.join(command)}: {error.message}", hint="the units are written; type it yourself and see what it says") from None


def program() -> str:
    """This `dr`, as a timer can start it. Raises Refused where it was started in a way that no timer can repeat."""
    found = this_program()
    if found is None:
        raise Refused("there is no program 'dr' that a timer could start", hint="install it: pip install . in a virtual environment")
    return found


def default_folder() -> Path:
    """Where systemd looks: the machine's units for root, one's own for anybody else (systemd.unit(5))."""
    if os.geteuid() == 0:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def texts(app: App, place: Place) -> dict[str, str]:
    """The units of this home. Raises Refused where no runbook has a schedule."""
    found = [Scheduled(name, runbook.title, runbook.schedule or "") for name, runbook in _having(app).items()]
    return units(place, found, app.inventory.organisation.zone)


def _having(app: App) -> dict[str, Runbook]:
    found = scheduled(app)
    if not found:
        raise Refused("no runbook has a schedule", hint="write one into its file, such as schedule: '0 1 * * *'")
    return found


def install_units(app: App, place: Place, folder: Path) -> Installed:
    """Write what is new or changed, take away what no schedule asks for any more. Raises Refused for a unit that is not this home's."""
    wanted = texts(app, place)
    there = {
        path.name: path for path in folder.glob(f"{place.prefix}-*") if path.suffix in (".service", ".timer") and is_of(path, app.home)
    }
    _refuse_foreign(folder, wanted, there)
    done = Installed()
    _put(folder, wanted, there, done)
    for name in sorted(set(there) - set(wanted)):
        there[name].unlink()
        done.removed.append(there[name])
    anchor(app, scheduled(app))
    return done


def enable(done: Installed, names: Sequence[str], run: Run, *, booted: bool, user: bool) -> None:
    """Let systemd know; where it does not run here, what to type is said instead."""
    systemctl = ["systemctl", *(["--user"] if user else [])]
    timers = [name for name in names if name.endswith(".timer")]
    gone = [path.name for path in done.removed if path.suffix == ".timer"]
    commands = [[*systemctl, "daemon-reload"], [*systemctl, "enable", "--now", *timers]]
    commands[:0] = [[*systemctl, "disable", "--now", *gone]] if gone else []
    for command in commands:
        if booted:
            run(command)
        else:
            done.to_do.append(" ".join(command))
    if user:
        done.to_do.append("loginctl enable-linger    # so that timers run while you are not logged in")


def install_cron(app: App, place: Place, folder: Path) -> Installed:
    """One file for the machine's cron, as root; anybody else gets the line to put into `crontab -e`."""
    done = Installed()
    anchor(app, _having(app))
    if os.geteuid() != 0 and folder == CRON:
        lines = cron_line(place, system_wide=False), notices_line(place, system_wide=False)
        done.to_do += [f"crontab -e, and in it: {line.rstrip()}" for line in lines]
        return done
    if not has_cron():
        done.to_do.append("this machine runs neither systemd nor a cron that was found: install one, or nothing will start")
    path = folder / place.prefix
    wanted = {path.name: cron_file(place)}
    there = {path.name: path} if path.is_file() and is_of(path, app.home) else {}
    _refuse_foreign(folder, wanted, there)
    _put(folder, wanted, there, done)
    return done


def has_cron() -> bool:
    """Whether this machine has a cron, as far as its programs tell."""
    return any(shutil.which(name, path=_SYSTEM_PATH) for name in ("cron", "crond", "busybox"))


def _put(folder: Path, wanted: Mapping[str, str], there: Mapping[str, Path], done: Installed) -> None:
    """Write what is new or changed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        if name in there and there[name].read_text(encoding="utf-8") == text:
            done.same.append(folder / name)
        else:
            replace_file(folder / name, text.encode(), 0o644)
            done.written.append(folder / name)


def is_of(path: Path, home: Path) -> bool:
    """Whether that file was written for this home, under whatever path it was named then."""
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return False
    try:
        return is_ours(first + "\n", str(home.absolute())) or (first.startswith(MARK) and home.samefile(first.removeprefix(MARK).strip()))
    except OSError:
        return False


def _refuse_foreign(folder: Path, wanted: Mapping[str, str], ours: Mapping[str, Path]) -> None:
    foreign = sorted(name for name in wanted if name not in ours and os.path.lexists(folder / name))
    if foreign:
        hint = "another home's, or written by hand: choose other names with --prefix; of a home that is gone, disable and remove them first"
        raise Refused(f"{folder} has {', '.join(foreign)} already, not written for this home", hint=hint)


def _prefix(prefix: str) -> str:
    """A prefix that units and cron files can bear (cron reads no file with a dot in its name)."""
    if not prefix or not all(character.isascii() and (character.isalnum() or character in "-_") for character in prefix):
        raise ConfigError(f"'{prefix}' cannot begin the names of units", hint="letters, digits, - and _")
    return prefix
