"""The stories that no run is behind and that are told from here: many messages in one, who acknowledged, the test of a channel."""

from dr.model.base import StrictModel


class Said(StrictModel):
    """One of the messages that were gathered, or several that say the same: its subject, and when the first was owed."""

    severity: str
    subject: str
    at: str
    times: int = 1


class DigestStory(StrictModel):
    organisation: str
    count: int
    critical: int
    warnings: int
    failed: int
    """Of those that runs told: how many say that one failed."""
    since: str
    """When the first of them was owed."""
    shown: tuple[Said, ...]
    """The most severe, as many as fit."""
    more: int
    """Not shown."""


class AcknowledgedStory(StrictModel):
    organisation: str
    subject: str
    """Of what was acknowledged."""
    by: str
    """Their name in full."""
    at: str
    comment: str
    notice: str


class ContactTestStory(StrictModel):
    organisation: str
    name: str
    channel: int
    """Its place in the contact's list, from 1."""
    channels: int
    kind: str
    """`mailto`, `ntfy`, ...: never its address."""
    at: str
    valid: str
    """How long the answer counts."""
