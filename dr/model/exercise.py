"""A rehearsed disaster: what is made out to have happened, and how well it went."""

from typing import Literal

from pydantic import Field

from dr.model.base import ContactName, Instant, OfficeName, Seconds, Slug, StrictModel
from dr.model.duty import DutyName

ExerciseKind = Literal["office-failover", "call-tree"]


class DownChannel(StrictModel):
    """Nothing that is sent to a person by it arrives. `channel`: its place in the person's list, from 0."""

    contact: ContactName
    channel: int = Field(ge=0)


class Scenario(StrictModel):
    """What is played; the same seed and inventory make the same one."""

    seed: int
    kind: ExerciseKind
    office: OfficeName
    """The lost one."""
    through: tuple[Slug, ...] | None = None
    """What has failed with it, as in `duty_events.Lost`."""
    at: Instant
    """The hour that is played; the real clock runs on from there."""
    away: tuple[ContactName, ...] = ()
    down: tuple[DownChannel, ...] = ()


class DutyScore(StrictModel):
    """One duty that had to move."""

    duty: DutyName
    title: str
    office: OfficeName | None
    """Who holds it in the end."""
    after: Seconds | None
    """When it was held again; None: nobody holds it yet."""
    asked: tuple[OfficeName, ...] = ()
    """In their order."""


class PersonScore(StrictModel):
    """One person who was owed a message. Times count from the declaration; None: it did not happen."""

    contact: ContactName
    reached: Seconds | None = None
    acknowledged: Seconds | None = None


class Scorecard(StrictModel):
    """How an exercise went. Times count from the declaration; None: it did not happen."""

    began: Instant
    first_notice: Seconds | None = None
    """When the first message had left for a person and was taken by their channel."""
    first_acknowledgement: Seconds | None = None
    full_assignment: Seconds | None = None
    """When the last duty that had to move was held."""
    all_acknowledged: Seconds | None = None
    """When the last message that asks for it was acknowledged by somebody."""
    duties: tuple[DutyScore, ...] = ()
    people: tuple[PersonScore, ...] = ()
    gaps: tuple[str, ...] = ()
    """What did not go as the plan has it, in words: the worst first."""
