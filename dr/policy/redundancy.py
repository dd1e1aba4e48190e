"""What of the looks at a thing is told to people: its change, once; not the one look that did not get through. Pure."""

from collections.abc import Sequence
from typing import Literal

from dr.model.record import Severity
from dr.model.redundancy import RedundancyState

GRAVITY: dict[RedundancyState, int] = {"whole": 0, "rebuilding": 1, "unknown": 2, "degraded": 3, "absent": 3, "lost": 4}
REMEMBERED = 50
"""Looks that are considered."""
Told = Literal["lost", "regained", ""]


def standing(oldest_first: Sequence[RedundancyState]) -> RedundancyState:
    """How it stands by all looks: one `unknown` alone changes nothing, since a link may fail for a moment. Before the first: whole."""
    stands: RedundancyState = "whole"
    before: RedundancyState | None = None
    for state in oldest_first:
        if state != "unknown" or before == "unknown":
            stands = state
        before = state
    return stands


def told(newest_first: Sequence[RedundancyState]) -> Told:
    """What the newest look gives to tell: it got worse, or it is whole again. A half on its way back is told when it is back."""
    oldest_first = list(reversed(newest_first[:REMEMBERED]))
    if not oldest_first:
        return ""
    before, now = standing(oldest_first[:-1]), standing(oldest_first)
    if GRAVITY[now] > GRAVITY[before]:
        return "lost"
    return "regained" if now == "whole" and before != "whole" else ""


def severity(state: RedundancyState) -> Severity:
    return "critical" if state == "lost" else "warning"
