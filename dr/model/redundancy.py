"""What there are two of, so that one may fail: how it stands, and since when. And what is asked to find out whether a system answers."""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from dr.model.base import Duration, HostName, Instant, JsonObject, RunId, Seconds, Slug, StrictModel

RedundancyState = Literal["whole", "degraded", "rebuilding", "lost", "absent", "unknown"]
"""`whole`: every half was looked at and works. `degraded`: it works, and one more failure ends it. `rebuilding`: a half is on its way
back. `lost`: no half works. `absent`: there is no such thing here. `unknown`: it could not be looked at, which is never whole."""


class Half(StrictModel):
    """One of the things that stand in for each other: a disk of a mirror, a provider, a battery."""

    name: str
    state: RedundancyState
    words: str = ""


class Reading(StrictModel):
    """What one look found."""

    state: RedundancyState
    halves: tuple[Half, ...] = ()
    words: str = ""
    figures: dict[str, float] = Field(default_factory=dict)
    """Numbers that a later look is compared with: `free:/srv`, in bytes."""

    @model_validator(mode="after")
    def _never_whole_unseen(self) -> Self:
        if self.state == "whole" and (not self.halves or any(half.state != "whole" for half in self.halves)):
            raise ValueError("whole is only what was looked at, every half of it")
        return self

    @property
    def failing(self) -> tuple[Half, ...]:
        return tuple(half for half in self.halves if half.state != "whole")


def judged(halves: Sequence[Half], words: str = "") -> Reading:
    """The thing by its halves: the gravest truth about them, and `unknown` where there is none to look at."""
    states = {half.state for half in halves}
    state: RedundancyState
    if not halves:
        return Reading(state="unknown", words=words or "nothing was found that could be looked at")
    if len(states) == 1:
        state = halves[0].state
    elif states & {"lost", "degraded", "absent"}:
        state = "degraded"
    else:
        state = "unknown" if "unknown" in states else "rebuilding"
    return Reading(state=state, halves=tuple(halves), words=words)


def unseen(words: str) -> Reading:
    """That nobody knows how it stands, and why."""
    return Reading(state="unknown", words=words)


class KeptReading(StrictModel):
    """A reading as the catalog keeps it."""

    probe: str
    """The inventory's name of it; `detect:<system>:<probe>:<vantage>` where a system was asked."""
    at: Instant
    since: Instant
    """Since when it has stood so."""
    reading: Reading
    run: RunId | None = None


class RedundancyEntry(StrictModel):
    """One thing that there are two of."""

    kind: Slug
    host: HostName | None = None
    """Where it is looked at; without one, on the machine where dr runs."""
    title: str = ""
    """What people call it, in the notices."""
    stale_after: Duration = Field(default=Seconds(3600.0), gt=0)
    """A reading that is older says nothing any more."""
    with_: JsonObject = Field(default_factory=dict, alias="with")


class DetectionProbe(StrictModel):
    """One question to a system, as a user's program would ask it."""

    check: Literal["http-answers", "tcp-answers"]
    with_: JsonObject = Field(default_factory=dict, alias="with")


class Detection(StrictModel):
    """How it is noticed that a system does not answer. One machine that sees nothing may itself be cut off: two must agree."""

    vantages: tuple[HostName, ...] = Field(min_length=2)
    """From where it is asked. Hosts of kind `local` are all this machine, and count as one."""
    probes: dict[Slug, DetectionProbe] = Field(min_length=1)
    failures: int = Field(default=3, ge=2, le=100)
    """How many times in a row a vantage must fail before it is believed."""
    agree: int = Field(default=2, ge=2)
    """How many vantages must say so."""
    stale_after: Duration = Field(default=Seconds(3600.0), gt=0)
    """An answer that is older counts for nothing."""
    declares: Literal["person", "itself"] = "person"
    """Whether a person declares the outage that is proposed, or it declares itself."""

    @model_validator(mode="after")
    def _can_agree(self) -> Self:
        if self.agree > len(set(self.vantages)):
            raise ValueError(f"{self.agree} vantages must agree, and there are {len(set(self.vantages))}")
        return self
