"""`dr status` of very many systems: how many are ready, and a line for each that is not, the worst first."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from dr.cli.show import MARKS, coloured, marked, wrapped
from dr.clock import local
from dr.model.readiness import COLOURS, Readiness, Reason
from dr.units import show_duration

if TYPE_CHECKING:
    from dr.model.inventory import Inventory

MOST = 40
"""Systems that are named; the rest are counted."""
_WORDS = {"green": "READY", "amber": "NEED ATTENTION", "red": "AT RISK"}


def lines(judged: Sequence[Readiness], inventory: "Inventory", width: int) -> Iterator[str]:
    """The whole screen but its heading."""
    counts = Counter(one.colour for one in judged)
    yield ""
    yield "   ".join(marked(colour, f"{counts[colour]:,} {_WORDS[colour]}") for colour in COLOURS if counts[colour])
    yield ""
    if oldest := _oldest(judged, inventory.organisation.zone):
        yield from wrapped(oldest, width, first="  ", rest="    ")
        yield ""
    poor = sorted((one for one in judged if one.colour != "green"), key=lambda one: (-COLOURS.index(one.colour), one.system))
    for one in poor[:MOST]:
        yield from _line(one, inventory.systems[one.system].title, width)
    if len(poor) > MOST:
        yield f"  and {len(poor) - MOST:,} more that are not ready"
    yield f"  {click.style('next:', dim=True)} dr status SYSTEM shows one in full, dr status --json all of them"


def _oldest(judged: Sequence[Readiness], zone: str) -> str:
    """The answer for whoever would lose most, in words."""
    good = [(one.rpo, one) for one in judged if one.rpo is not None]
    if not good:
        return "If we lost them all now: nothing would come back. There is no good copy."
    lost, worst = max(good, key=lambda pair: pair[0])
    newest = max((tier.instant for tier in worst.tiers if tier.instant is not None), default=None)
    until = f"; what was entered until {local(newest, zone)} would come back" if newest else ""
    return f"If we lost them all now: {worst.system} would lose most, the last {show_duration(lost)}{until}."


def _line(one: Readiness, title: str, width: int) -> Iterator[str]:
    reasons = [*one.reasons, *(r.model_copy(update={"text": f"{t.tier}: {r.text}"}) for t in one.tiers for r in t.reasons)]
    worst: list[Reason] = [reason for reason in reasons if reason.colour == one.colour]
    more = f" (and {len(worst) - 1} more)" if len(worst) > 1 else ""
    for line in wrapped(f"{MARKS[one.colour]} {one.system} · {title}: {worst[0].text}{more}", width, first="  ", rest="      "):
        yield coloured(line, one.colour)
