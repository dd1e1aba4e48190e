"""Time zones: whether a name is one, and which one was probably meant."""

from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

_LIKE = 0.85
"""How alike a city must be to be offered: a town that has no zone of its own is answered with no other."""


def is_zone(name: str) -> bool:
    """Whether it is an IANA zone."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError in some versions and carries an OSError in others
        return False
    except KeyError:
        return False
    return True


def zone_hint(word: str) -> str:
    """What to write in its place: the zone of that city, or of one that is spelled nearly so."""
    cities: dict[str, list[str]] = {}
    for zone in available_timezones():
        cities.setdefault(_city(zone), []).append(zone)
    found = get_close_matches(_city(word), sorted(cities), 1, _LIKE)
    if not found:
        return "write an IANA name such as America/Chicago"
    region = word.rpartition("/")[0].lower()
    zone = min(cities[found[0]], key=lambda one: (one.rpartition("/")[0].lower() != region, len(one), one))
    return f"Did you mean '{zone}'?"


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].strip().replace(" ", "_").lower()
