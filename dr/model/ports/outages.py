"""What is on record of outages, as the other rooms use it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from dr.model.base import RunId
from dr.model.notice_record import Notice
from dr.model.outage import Decide, Outage, OutageEntry, OutageId


class OutageLedger(Protocol):
    """Part of the catalog. Every write is idempotent, and in the audit trail in the same breath."""

    def open_outage(self, outage: Outage, entry: OutageEntry) -> Outage:
        """Put a new one on record; gives back another, where one about the same is open (and both are an exercise, or neither)."""
        ...

    def change_outage(self, outage: OutageId, decide: Decide) -> Outage | None:
        """Do one thing about it, as `decide` (without effects) says from how it stands and its entries; None if there is no such outage."""
        ...

    def keep_outage(self, outage: OutageId, run: RunId) -> None:
        """The run that keeps people told of it."""
        ...

    def outage(self, outage: OutageId) -> Outage | None: ...
    def outages(self, *, open_only: bool = False) -> list[Outage]:
        """Newest first; those that are proposed or declared, or all."""
        ...

    def outage_entries(self, outage: OutageId) -> list[OutageEntry]:
        """What was said and done about it, oldest first."""
        ...

    def drop_notices(self, outage: OutageId, keep: Collection[str]) -> list[str]:
        """Nothing of it is sent, or pursued, any more but these: it is over. Those that it stopped."""
        ...

    def outage_notices(self, outage: OutageId) -> list[Notice]:
        """Who is owed, or was told, what about it, oldest first."""
        ...
