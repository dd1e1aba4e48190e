"""A claim: the paper by which an office holds a duty, numbered, signed, and kept where every office can read it."""

from pydantic import Field

from dr.model.base import Instant, OfficeName, RunId, Slug, StrictModel

EXERCISE = ".exercise"
"""Behind the name of a duty under which rehearsed claims lie: they never stand beside the real ones."""


class Claim(StrictModel):
    """An office is to hold a duty from here on, and nobody with a lower number any more."""

    duty: Slug
    number: int = Field(ge=1)
    """The fencing number. It only rises: who comes with a lower one is refused."""
    office: OfficeName
    at: Instant
    by: str
    """Who typed the command."""
    home: str
    """Which home claimed it: two homes never write the same claim."""
    run: RunId | None = None
    exercise: bool = False

    @property
    def place(self) -> str:
        """The name under which its duty's claims lie in a store."""
        return claim_place(self.duty, exercise=self.exercise)


def claim_place(duty: str, *, exercise: bool) -> str:
    return f"{duty}{EXERCISE}" if exercise else duty
