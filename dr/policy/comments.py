"""What people noted on a run, as the audit trail has it."""

from collections.abc import Sequence

from dr.model.record import AuditEntry, Comment

COMMENTED = "run.commented"
"""The event's name in the trail."""


def comments_of(entries: Sequence[AuditEntry]) -> list[Comment]:
    """Of what is on record about one run: its comments, in that order."""
    return [Comment(by=one.actor, at=one.at, text=str(one.facts.get("text", ""))) for one in entries if one.event == COMMENTED]
