"""What starts the schedules of a home, as far as it can be seen; and why it would start nothing.

Seen from the files alone, wherever they may lie: another user's home and a machine without systemd can be looked at too.
"""

import contextlib
import os
import pwd
import shlex
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dr.app.demo import is_demo
from dr.app.home import App
from dr.app.schedule import look, scheduled
from dr.app.schedule_install import BOOTED, CRON, default_folder, has_cron, is_of
from dr.errors import DrError
from dr.hosts.process import LocalRunner
from dr.model.readiness import Reason
from dr.timers.calendar_events import calendar_events

MACHINE = Path("/etc/systemd/system")
_AGAIN = "dr schedule install"


@dataclass(frozen=True)
class Wrong:
    """`grave`: something does not start at all."""

    what: str
    hint: str
    grave: bool


def usual(app: App) -> list[Path]:
    """Where timers of a home may lie: the machine's, one's own, the home's owner's, cron's."""
    folders = [MACHINE, default_folder(), CRON]
    with contextlib.suppress(KeyError):
        folders.append(Path(pwd.getpwuid(app.home.stat().st_uid).pw_dir) / ".config" / "systemd" / "user")
    return list(dict.fromkeys(folders))


def found(app: App, folders: Sequence[Path]) -> list[Path]:
    """The timers and cron files of this home that are there."""
    files = [path for folder in folders if os.access(folder, os.R_OK | os.X_OK) for path in sorted(folder.iterdir()) if path.is_file()]
    return [path for path in files if path.suffix != ".service" and is_of(path, app.home)]


def crontab() -> str:
    """One's own crontab; empty where there is none."""
    try:
        return LocalRunner(threading.Event()).run(["crontab", "-l"], timeout=10.0).stdout.decode(errors="replace")
    except DrError:
        return ""


def in_crontab(text: str, home: Path) -> bool:
    """Whether a line of a crontab looks for what is due in this home."""
    for line in text.splitlines():
        try:
            words = shlex.split(line.replace("\\%", "%"), comments=True)
        except ValueError:
            continue
        named = "--home" in words[:-1] and Path(words[words.index("--home") + 1]) == home.absolute()
        if named and words[-1:] and {"schedule", "run", "--due"} <= set(words):
            return True
    return False


def wrong(app: App, files: Sequence[Path], *, booted: bool) -> Iterator[Wrong]:
    """Why what is there would start nothing, or not in time. `booted`: whether systemd runs this machine."""
    timers = [path for path in files if path.suffix == ".timer"]
    if timers and not booted:
        yield Wrong("systemd does not run this machine, so its timers start nothing", f"{_AGAIN} --cron", True)
    for path in timers if booted else []:
        if not os.path.lexists(path.parent / "timers.target.wants" / path.name):
            user = " --user" if path.parent.name == "user" else ""
            yield Wrong(f"{path.name} is there and not enabled", f"systemctl{user} enable --now {path.name}", True)
    if len(timers) < len(files) and not has_cron():
        yield Wrong("this machine has no cron that was found, so its line starts nothing", "install one", True)
    for path in files:
        program = _program(path.with_suffix(".service") if path.suffix == ".timer" else path)
        if program is not None and not os.access(program, os.X_OK):
            yield Wrong(f"{path.name} starts {program}, which is not there, or no program", _AGAIN, True)
    if timers and len(timers) == len(files):
        texts = {path: path.read_text(encoding="utf-8").splitlines() for path in timers}
        zone = app.inventory.organisation.zone
        for name, runbook in scheduled(app).items():
            events = {f"OnCalendar={event}" for event in calendar_events(runbook.schedule or "", zone)}
            if not any(path.name.endswith(f"-{name}.timer") and events <= set(lines) for path, lines in texts.items()):
                yield Wrong(f"no timer starts {name} at '{runbook.schedule}', only the hourly look does", _AGAIN, False)


class Unstarted:
    """Why nothing would begin a runbook by itself, for the status; what starts things in this home is looked at once."""

    def __init__(self, app: App, folders: Sequence[Path] | None = None, *, booted: bool | None = None) -> None:
        """`folders` and `booted`: None looks at the usual ones, and at this machine."""
        self._app, self._folders, self._booted = app, folders, booted

    def of(self, nightly: str | None) -> list[Reason]:
        """Nothing of a demo, whose nights begin when somebody asks for them."""
        if nightly is None or is_demo(self._app.home):
            return []
        if not self._app.runbooks[nightly].schedule:
            how = f"write schedule: '0 1 * * *' into runbooks/{nightly}.yaml, then {_AGAIN}"
            return [Reason(colour="amber", text=f"'{nightly}' has no schedule: nothing begins the next night", hint=how)]
        why = self._nothing_starts
        return [Reason(colour="amber", text=f"nothing would begin the next '{nightly}': {why.what}", hint=why.hint)] if why else []

    @cached_property
    def _nothing_starts(self) -> Wrong | None:
        """Of everything that is scheduled in this home."""
        app = self._app
        installed = found(app, usual(app) if self._folders is None else self._folders)
        if installed:
            booted = BOOTED.is_dir() if self._booted is None else self._booted
            return next((one for one in wrong(app, installed, booted=booted) if one.grave), None)
        if in_crontab(crontab(), app.home) or any((claim := look(app, name).claim) and claim.run for name in scheduled(app)):
            return None
        return Wrong("no timer of this home is installed here", _AGAIN, True)


def _program(path: Path) -> str | None:
    """What a service or a cron file starts, as it was written for this home."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    for line in text.splitlines():
        if line.startswith('ExecStart="'):
            return line.removeprefix('ExecStart="').partition('"')[0].replace("%%", "%")
        if line.startswith("*/"):
            return shlex.split(line.replace("\\%", "%"))[6]
    return None
