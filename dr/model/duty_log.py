"""What one machine has seen and done about duties: every turn of the failover machine, in order, and who would take a duty back."""

from collections.abc import Callable

from pydantic import Field

from dr.model.base import Instant, OfficeName, RunId, StrictModel
from dr.model.duty import Board, DutyName, Fence
from dr.model.duty_events import Turn

REAL = ""
"""The log of what is no rehearsal."""


class DutyTurn(StrictModel):
    """One turn, as it was taken. How everything stands is the board of the last one."""

    log: str = REAL
    """The rehearsal that it belongs to; empty: it is real."""
    number: int = Field(ge=1)
    """In its log, from 1, without a gap."""
    by: str
    home: str
    run: RunId | None = None
    turn: Turn


class Wanted(StrictModel):
    """A returned office would take a duty back: whoever holds it by this number may give it."""

    log: str = REAL
    duty: DutyName
    to: OfficeName
    number: Fence
    """By which it was held when this was said; of another number it says nothing."""
    by: str
    at: Instant


Decide = Callable[[Board | None], Turn | None]
"""From how everything stands (None: nothing was ever recorded) to the turn that is taken; None: there is nothing worth recording."""
