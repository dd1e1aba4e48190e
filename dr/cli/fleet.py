"""`dr status` of very many systems: how many are ready, and a line for each that is not, the worst first."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from dr.cli.show import MARKS, coloured, marked, titled, wrapped
from dr.clock import local
from dr.model.readiness import COLOURS, Readiness, Reason
from dr.units import show_duration

if TYPE_CHECKING:
    from dr.app.fleet import Fleet

_WORDS = {"green": "READY", "amber": "NEED ATTENTION", "red": "AT RISK"}


def lines(seen: "Fleet", zone: str, width: int) -> Iterator[str]:
    """The whole screen but its heading."""
    yield ""
    yield "   ".join(marked(colour, f"{seen.counts[colour]:,} {_WORDS[colour]}") for colour in COLOURS if seen.counts[colour])
    yield ""
    yield from wrapped(_oldest(seen.oldest, zone), width, first="  ", rest="    ")
    yield ""
    for one in seen.poor:
        yield from _line(one, seen.titles[one.system], width)
    if seen.more:
        yield f"  and {seen.more:,} more that are not ready"
    yield f"  {click.style('next:', dim=True)} dr status SYSTEM shows one in full, dr status --json all of them"


def _oldest(worst: Readiness | None, zone: str) -> str:
    """The answer for whoever would lose most, in words."""
    if worst is None or worst.rpo is None:
        return "If we lost them all now: nothing would come back. There is no good copy."
    newest = max((tier.instant for tier in worst.tiers if tier.instant is not None), default=None)
    until = f"; what was entered until {local(newest, zone)} would come back" if newest else ""
    return f"If we lost them all now: {worst.system} would lose most, the last {show_duration(worst.rpo)}{until}."


def _line(one: Readiness, title: str, width: int) -> Iterator[str]:
    reasons = [*one.reasons, *(r.model_copy(update={"text": f"{t.tier}: {r.text}"}) for t in one.tiers for r in t.reasons)]
    worst: list[Reason] = [reason for reason in reasons if reason.colour == one.colour]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    for line in wrapped(f"{MARKS[one.colour]} {titled(one.system, title)}: {worst[0].text}{more}", width, first="  ", rest="      "):
        yield coloured(line, one.colour)
