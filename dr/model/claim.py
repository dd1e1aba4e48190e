"""A claim: the paper by which an office holds a duty, numbered, signed, and kept where every office can read it.

A duty's claims stand in a line, and each place in the line is given once. A claim names the fencing number of the one before it: who did
not know the newest claim gets no place behind it.
"""

from pydantic import Field

from dr.model.base import Instant, OfficeName, RunId, Slug, StrictModel
from dr.model.duty import Fence


class Claim(StrictModel):
    """An office is to hold a duty from here on, and nobody with a lower number any more."""

    duty: Slug
    office: OfficeName
    number: Fence = Field(ge=1)
    """The fencing number. It only rises: who comes with a lower one is refused."""
    after: Fence = Fence(0)
    """The number of the claim before it, as far as the claimant knew; 0: there was none."""
    place: int = Field(default=0, ge=0)
    """In the line of the duty's claims, from 1; 0 while it has none."""
    at: Instant
    by: str
    """Who accepted the duty; where it was handed back, both."""
    home: str
    """Which home claimed it: two homes never write the same claim."""
    run: RunId | None = None
    exercise: str = ""
    """The rehearsal that it belongs to; empty: it is real."""

    @property
    def line(self) -> str:
        return line_of(self.duty, self.exercise)


def line_of(duty: str, exercise: str = "") -> str:
    """The name under which a duty's claims lie in a store. Rehearsed ones never stand beside the real ones, or another rehearsal's."""
    return f"{duty}.{exercise}" if exercise else duty
