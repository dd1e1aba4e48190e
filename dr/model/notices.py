"""How people are told: after how long the next is tried, when it is night for them, who stands in; and what a delivery is called."""

import re
from datetime import time
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dr.model.base import Duration, Seconds, Slug, StrictModel
from dr.model.opening import Day

_QUIET = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]-(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
_HOST = r"^(?:\*\.)?[a-z0-9](?:[a-z0-9.:-]{0,252}[a-z0-9])?$"


def quiet_times(text: str) -> tuple[time, time]:
    """When it begins and ends, on a clock of the wall; over midnight where it ends before it begins. Raises ValueError."""
    if not re.match(_QUIET, text):
        raise ValueError(f"'{text}' is no quiet time; write 22:00-07:00")
    begins, ends = (time.fromisoformat(at) for at in text.split("-"))
    if begins == ends:
        raise ValueError(f"'{text}' is no time at all, or all day; write 22:00-07:00")
    return begins, ends


def _quiet(text: str) -> str:
    quiet_times(text)
    return text


def _host(text: str) -> str:
    if not re.match(_HOST, text):
        raise ValueError(f"'{text}' is no host; write hooks.example.org, *.example.org, or hooks.example.org:8443")
    return text


QuietHours = Annotated[str, AfterValidator(_quiet)]
"""`22:00-07:00`, on the clock of whoever is to be left alone."""
WebhookHost = Annotated[str, AfterValidator(_host)]


class Absence(StrictModel):
    """Days on which somebody is not there, both included, in their own zone."""

    from_: Day = Field(alias="from")
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.from_:
            raise ValueError(f"it ends ({self.until}) before it begins ({self.from_})")
        return self


class NoticeRules(StrictModel):
    """`notices:` of the inventory."""

    acknowledge_within: Duration = Seconds(600)
    """How long one waits for "I saw it" before the next channel, then the next person, is tried."""
    retry: tuple[Duration, ...] = (Seconds(60), Seconds(300), Seconds(900))
    """Waits between tries to reach somebody whom no channel reached."""
    again: Duration = Seconds(1800)
    """After nobody acknowledged, though everybody was told by everything: when it begins anew."""
    rounds: int = Field(default=3, ge=1)
    """How often at most, for what is not critical; a critical notice is begun anew until somebody acknowledges."""
    quiet: QuietHours | None = None
    """When nobody is told what is not critical; a contact's own quiet time goes before it."""
    together: tuple[Slug, ...] = ()
    """Groups of which all are told at once. Of the others, one is told after the other, unless it is critical."""
    in_turn: tuple[Slug, ...] = ()
    """Groups of which one is told after the other, even if it is critical."""
    flood: int = Field(default=5, ge=1)
    """So many messages to the same people within `gather`; what comes on top is gathered into one."""
    gather: Duration = Seconds(600)
    """How long it is gathered, once it is a flood; what is more severe than all that was said does not wait. Of what backups and drills
    tell, all but the first is gathered for so long, where the minutely timer comes by."""
    code_valid: Duration = Seconds(86400)
    """How long a code of a message can be used to acknowledge it."""
    contact_valid: Duration = Seconds(90 * 86400)
    """How long a channel counts as proven after somebody acknowledged a test that came by it."""
    webhooks: tuple[WebhookHost, ...] | None = None
    """The hosts that a channel of a webhook's kind (json, xml, form) may post to; None: any."""
