"""Duties: is somebody behind each of them, were its office lost? And has that ever been tried with people?"""

from collections.abc import Iterator

from dr.app.exercises import exercises
from dr.app.home import App
from dr.app.keys import Line
from dr.model.exercise import HEADS
from dr.policy.roster import roster_of
from dr.policy.succession import gaps
from dr.policy.words import spoken

STALE = 365 * 86400.0
"""Seconds after which people have changed, and nobody remembers an exercise."""
_REHEARSE = "dr exercise office-failover"


def duties(app: App) -> Iterator[Line]:
    """What a loss would find missing, as the inventory stands and with everybody there."""
    found = gaps(roster_of(app.inventory))
    for gap in found:
        yield Line("amber", gap.why, gap.hint)
    if app.inventory.duties and not found:
        yield Line("green", "each duty has another office that could take it over")
    if not app.inventory.duties and len(app.inventory.offices) > 1:
        yield Line("amber", "no duty is written down, so none would move if an office were lost", "write them into inventory/duties.yaml")
    if app.inventory.duties:
        yield _exercised(app)


def _exercised(app: App) -> Line:
    """When a disaster was last rehearsed with people, and how that went."""
    last = next(exercises(app), None)
    if last is None:
        return Line("amber", "no disaster was ever rehearsed with people", _REHEARSE)
    ago = (app.clock.now() - last.ended).total_seconds()
    words = f"the last exercise, {last.scenario.kind}, was {spoken(ago)} ago"
    if last.verdict == "FAIL":
        return Line("amber", f"{words}, and the plan did not carry it", f"mend what evidence/{last.exercise}.html says, then: {_REHEARSE}")
    return Line("amber", words, _REHEARSE) if ago > STALE else Line("green", f"{words}: {HEADS[last.verdict].lower()}")
