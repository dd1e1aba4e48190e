"""What is out now, before anything else that a screen shows."""

from collections.abc import Iterator
from datetime import datetime

from dr.cli.show import coloured, screen, wrapped
from dr.model.ports import Records


def out(records: Records, zone: str, now: datetime) -> Iterator[str]:
    """A paragraph each, open incidents too, and an empty line behind them; nothing where nothing is out or open."""
    from dr.app.incidents_open import open_incidents
    from dr.app.outage_banner import banners

    found = banners(records, zone, now)
    for one in found:
        sign, colour = ("✖", "red") if one.real else ("▲", "amber")
        yield from (coloured(line, colour, bold=True) for line in wrapped(f"{sign} {one.text}", screen(), first="", rest="  "))
    incidents = open_incidents(records, zone, now)
    for text in incidents:
        yield from (coloured(line, "amber", bold=True) for line in wrapped(f"▲ {text}", screen(), first="", rest="  "))
    if found or incidents:
        yield ""


def is_out(records: Records, zone: str, now: datetime) -> bool:
    """Whether users cannot work now, for real."""
    from dr.app.outage_banner import banners

    return any(one.real for one in banners(records, zone, now))
