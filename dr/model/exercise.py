"""A rehearsed disaster: what is made out to have happened, and how well it went."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from dr.model.base import ContactName, Instant, OfficeName, RunId, Seconds, Slug, StrictModel
from dr.model.duty import DutyName
from dr.model.outage import OutageId
from dr.model.record import AuditHead, Verdict

ExerciseKind = Literal["office-failover", "call-tree"]
NOW = "exercise.now"
"""The catalog's setting that has the `Playing` of an exercise while it lasts; empty, or not there, where none does."""

HEADS: Mapping[Verdict, str] = {
    "PASS": "The plan carried it",
    "INCOMPLETE": "The plan carried it, with gaps",
    "FAIL": "The plan did not carry it",
}
"""How it went, in a few words."""


MADE_OUT = "EXERCISE: this channel is made out to be down"
"""Why a message of an exercise did not arrive by a channel that its scenario has down."""


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


class Playing(StrictModel):
    """An exercise that is under way: every process of the home goes by it."""

    id: str
    """Of its own log of duties, too: `exercise-20261123t140500z`."""
    outage: OutageId
    """Of its messages, those that say what is out; those about duties are of `id`."""
    scenario: Scenario
    began: Instant
    """On the real clock."""
    until: Instant
    """From when on it is over, whatever became of who led it."""


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
    asked: bool = True
    """Whether a message of theirs wanted to be acknowledged."""
    reached: Seconds | None = None
    acknowledged: Seconds | None = None


class Measure(StrictModel):
    """One time that is measured, against what the policy has."""

    what: str
    took: Seconds | None
    """None: it did not happen."""
    expected: Seconds
    why: str
    """Where that comes from, in words."""

    @property
    def within(self) -> bool:
        return self.took is not None and self.took <= self.expected


class Gap(StrictModel):
    """Something that did not go as the plan has it, and what to do about it."""

    text: str
    next: str
    grave: bool
    """Whether on a real day a duty would have been nobody's, or nobody would have known."""


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
    measures: tuple[Measure, ...] = ()
    duties: tuple[DutyScore, ...] = ()
    people: tuple[PersonScore, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """What did not go as the plan has it, in words: the worst first."""

    @property
    def verdict(self) -> Verdict:
        """FAIL: a gap of weight; INCOMPLETE: gaps that a better day forgives."""
        return "FAIL" if any(gap.grave for gap in self.gaps) else "INCOMPLETE" if self.gaps else "PASS"


class ExerciseEvidence(StrictModel):
    """An exercise that is over, as it is kept: signed, beside the evidence of runs."""

    exercise: str
    organisation: str
    zone: str
    tool: str
    by: str
    scenario: Scenario
    words: tuple[str, ...]
    """The scenario, as it was told."""
    ended: Instant
    outage: OutageId
    run: RunId | None = None
    """The rehearsed failover's."""
    names: dict[str, str]
    """Contacts and offices to what people call them."""
    audit: AuditHead
    verdict: Verdict
    card: Scorecard
