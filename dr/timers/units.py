"""systemd units: for each schedule a timer and the service that it starts, one timer that looks for what was missed or broken off, and
one that carries the notices."""

from dataclasses import dataclass

from dr.errors import ConfigError
from dr.timers.calendar_events import calendar_events

MARK = "# Written by `dr schedule install` for the home"
"""Begins every file that is ours; the home's path follows."""
CATCH_UP = "catch-up"
"""No runbook: the name of the timer that looks every hour, and after every start of the machine."""

NOTICES = "carry-notices"
"""No runbook either: the timer that sends each minute what is due, and goes on where nobody acknowledged."""


@dataclass(frozen=True)
class Place:
    """Where this `dr` and its home are. `prefix` begins the units' names; `user` runs them (None: whoever owns the manager)."""

    program: str
    home: str
    prefix: str = "dr"
    user: str | None = None


@dataclass(frozen=True)
class Scheduled:
    runbook: str
    title: str
    cron: str


def units(place: Place, scheduled: list[Scheduled], zone: str) -> dict[str, str]:
    """File name to text. Raises ConfigError for a path that no unit can hold."""
    _require_paths(place)
    files = {}
    for one in scheduled:
        name = f"{place.prefix}-{one.runbook}"
        events = [f"OnCalendar={event}" for event in calendar_events(one.cron, zone)]
        files[f"{name}.service"] = _service(place, one.title, ["schedule", "run", one.runbook])
        files[f"{name}.timer"] = _timer(place, f"{one.title} ({one.cron}, {zone})", [*events, "Persistent=true", "AccuracySec=30s"])
    name = f"{place.prefix}-{CATCH_UP}"
    files[f"{name}.service"] = _service(place, "What was missed or broken off", ["schedule", "run", "--due"])
    every = ["OnBootSec=5min", "OnUnitActiveSec=1h", "AccuracySec=1min"]
    files[f"{name}.timer"] = _timer(place, "Every hour: what was missed or broken off", every)
    name = f"{place.prefix}-{NOTICES}"
    files[f"{name}.service"] = _service(place, "Notices that are due", ["notices", "carry", "--quiet"])
    minutely = ["OnBootSec=1min", "OnUnitActiveSec=1min", "AccuracySec=5s"]
    files[f"{name}.timer"] = _timer(place, "Every minute: notices that are due", minutely)
    return files


def _require_paths(place: Place) -> None:
    """systemd takes no quotes, backslashes or dollars in a program's path (systemd.service(5)), and no control characters anywhere."""
    strange = set("\"'\\$") & set(place.program)
    if strange or any(ord(character) < 32 for character in place.program + place.home):
        path = place.program if strange else f"{place.program!r} or {place.home!r}"
        raise ConfigError(f"{path} cannot stand in a unit file", hint="choose a path without quotes, backslashes, dollars and line breaks")


def _service(place: Place, title: str, arguments: list[str]) -> str:
    command = [place.program, "--home", place.home, *arguments]
    user = [f"User={place.user}"] if place.user else []
    return _file(
        place,
        ["[Unit]", f"Description=dr: {_line(title)}", "Wants=network-online.target", "After=network-online.target time-sync.target", ""],
        ["[Service]", "Type=oneshot", f"ExecStart={' '.join(map(quoted, command))}", *user, "UMask=0077", "TimeoutStartSec=infinity"],
        # The end of the machine ends `dr` as Ctrl-C does: what runs stays resumable, and the next start takes it up.
        ["KillMode=mixed", "TimeoutStopSec=2min", "IOSchedulingClass=best-effort", "IOSchedulingPriority=7"],
    )


def _timer(place: Place, title: str, events: list[str]) -> str:
    head = ["[Unit]", f"Description=dr: {_line(title)}", ""]
    return _file(place, head, ["[Timer]", *events, ""], ["[Install]", "WantedBy=timers.target"])


def _file(place: Place, *sections: list[str]) -> str:
    return "\n".join([f"{MARK} {place.home}", *(line for section in sections for line in section), ""])


def quoted(word: str) -> str:
    """One argument of `ExecStart=`, whatever is in it (systemd.service(5), systemd.syntax(7): quotes, specifiers, variables)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _line(text: str) -> str:
    """Printable, and no backslash at its end, which would take the next line for its own (systemd.syntax(7))."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(plain.split()).rstrip("\\ ").replace("%", "%%")


def is_ours(text: str, home: str) -> bool:
    """Whether that file was written for this home."""
    return text.startswith(f"{MARK} {home}\n")
