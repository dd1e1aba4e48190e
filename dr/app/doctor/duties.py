"""Duties: is somebody behind each of them, were its office lost?"""

from collections.abc import Iterator

from dr.app.home import App
from dr.app.keys import Line
from dr.policy.roster import roster_of
from dr.policy.succession import gaps


def duties(app: App) -> Iterator[Line]:
    """What a loss would find missing, as the inventory stands and with everybody there."""
    found = gaps(roster_of(app.inventory))
    for gap in found:
        yield Line("amber", gap.why, gap.hint)
    if app.inventory.duties and not found:
        yield Line("green", "each duty has another office that could take it over")
    if not app.inventory.duties and len(app.inventory.offices) > 1:
        yield Line("amber", "no duty is written down, so none would move if an office were lost", "write them into inventory/duties.yaml")
