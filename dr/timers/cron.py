"""The cron line: it looks every five minutes, and `dr` knows what is due in the organisation's zone (Debian's cron knows one zone only)."""

import shlex

from dr.errors import ConfigError
from dr.timers.units import MARK, Place

EVERY = "*/5 * * * *"
EVERY_MINUTE = "* * * * *"


def cron_line(place: Place, *, system_wide: bool) -> str:
    """A line for `crontab -e`, or one with its user for a file in /etc/cron.d. Raises ConfigError for a path that no line can hold."""
    return _line(EVERY, place, ["schedule", "run", "--due", "--quiet"], system_wide=system_wide)


def notices_line(place: Place, *, system_wide: bool) -> str:
    """As `cron_line`: each minute what is due of the notices."""
    return _line(EVERY_MINUTE, place, ["notices", "carry", "--quiet"], system_wide=system_wide)


def _line(every: str, place: Place, arguments: list[str], *, system_wide: bool) -> str:
    words = [place.program, "--home", place.home, *arguments]
    if any(ord(character) < 32 for word in words for character in word):
        raise ConfigError("a path with line breaks cannot stand in a crontab", hint="choose another path for the home, or use systemd")
    command = " ".join(shlex.quote(word) for word in words).replace("%", "\\%")  # crontab(5): a bare % ends the command
    user = f"{place.user or 'root'} " if system_wide else ""
    return f"{every} {user}{command}\n"


def cron_file(place: Place) -> str:
    """The whole of a file for /etc/cron.d."""
    return f"{MARK} {place.home}\n{cron_line(place, system_wide=True)}{notices_line(place, system_wide=True)}"
