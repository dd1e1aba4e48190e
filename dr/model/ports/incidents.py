"""What is on record of incidents, as the other rooms use it."""

from __future__ import annotations

from typing import Protocol

from dr.model.incident import DecideIncident, Incident, IncidentEntry, IncidentId, KeptCopy


class IncidentLedger(Protocol):
    """Part of the catalog. Every write is idempotent, and in the audit trail in the same breath."""

    def open_incident(self, incident: Incident, entry: IncidentEntry) -> Incident:
        """Put a new one on record; the same id again changes nothing."""
        ...

    def change_incident(self, incident: IncidentId, decide: DecideIncident) -> Incident | None:
        """Do one thing about it, as `decide` (without effects) says from how it stands; None if there is no such incident."""
        ...

    def incident(self, incident: IncidentId) -> Incident | None: ...
    def incidents(self, *, open_only: bool = False) -> list[Incident]:
        """Newest first."""
        ...

    def incident_entries(self, incident: IncidentId) -> list[IncidentEntry]:
        """What was said and done about it, oldest first."""
        ...

    def kept_copies(self) -> list[KeptCopy]:
        """Every copy of every system that was ever recorded, removed ones too, and who can decrypt it."""
        ...
