"""What was owed to whom, how it went there, and who said that they saw it: a notice as the ledger keeps it."""

from typing import Literal

from dr.model.base import Instant, RunId, StepId, StrictModel
from dr.model.record import Severity

NoticeState = Literal["owed", "delivered", "partial", "failed", "nobody", "unanswered"]
"""`unanswered`: all who could be told were, and nobody said that they saw it."""
Mark = Literal["", "repeat", "again", "raised"]
"""What a message's subject says of it, where the same person had, or may have had, it by the same channel before."""


class Delivery(StrictModel):
    contact: str
    channel: int
    """Its place in the contact's list; the URL is a secret and is never recorded."""
    scheme: str
    state: Literal["delivered", "failed", "unknown"]
    """`unknown`: whoever sent it ended before it could be recorded; it may have arrived."""
    attempt: int
    at: Instant
    detail: str = ""
    round: int = 0
    mark: Mark = ""
    why: str = ""
    """Why this person by this channel, just then."""


class Claim(StrictModel):
    """That somebody is about to send it to this person by this channel: written before it leaves, taken away with its outcome."""

    contact: str
    channel: int
    by: str
    """The process, so that it can be told whether it still lives."""
    at: Instant
    mark: Mark = ""
    why: str = ""


class Acknowledgement(StrictModel):
    """That a person saw it, and when."""

    contact: str
    at: Instant
    comment: str = ""
    channel: int | None = None
    """By which channel the code had come that they typed."""
    round: int = 0


class Notice(StrictModel):
    """A message owed to somebody: in the ledger before it is sent."""

    id: str
    to: str
    template: str
    subject: str
    body: str
    severity: Severity
    state: NoticeState
    run: RunId | None = None
    step: StepId | None = None
    created: Instant
    repeated: int = 0
    """How often it was sent again after a crash (at-least-once; a repeat is marked in its subject)."""
    begun: tuple[str, ...] = ()
    """Contacts to whom somebody began to send it: a crash may have come before or after it left."""
    deliveries: tuple[Delivery, ...] = ()
    outage: str | None = None
    """The outage that it is about."""
    acknowledge: bool = False
    """Whether it is pursued, from channel to channel and person to person, until somebody says that they saw it."""
    acknowledgements: tuple[Acknowledgement, ...] = ()
    exercise: bool = False
    """Marked so in every subject and body."""
    due: Instant | None = None
    """When somebody must look at it again: to send it, to try once more, or to go on to the next channel or person."""
    round: int = 0
    """How often it was begun from the start: by a person, since nobody had acknowledged it, or since its severity rose."""
    raised: int | None = None
    """The round in which its severity had risen."""
    claims: tuple[Claim, ...] = ()
    """What is being sent now."""
    digest: str = ""
    """The notice that it was gathered into, which says it in its place."""
    gathered: int = 0
    """Of a digest: how many it says in one."""
    form: Literal["text", "markdown"] = "text"
    """How `body` is written."""
    channel: int | None = None
    """The only channel that it is to go by: a test of it."""

    @property
    def answered(self) -> bool:
        """Whether somebody said that they saw it as it is now: what they saw before it became more severe does not count."""
        return any(one.round >= (self.raised or 0) for one in self.acknowledgements)
