"""Incidents: how each stands now, and what was said and done about it, which is never changed and always in the audit trail too."""

import json

from sqlalchemy import Connection, func, select, update

from dr.catalog.audit import append
from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import copies, incident_entries, incidents, sets
from dr.model.base import JsonObject
from dr.model.incident import DecideIncident, Incident, IncidentEntry, IncidentId, KeptCopy


class IncidentRecords(Noun):
    def open_incident(self, incident: Incident, entry: IncidentEntry) -> Incident:
        """Put a new one on record with its first entry; the same id again changes nothing. Gives back the incident as it is."""
        with self._store.write() as connection:
            if not insert_if_absent(connection, incidents, _row(incident)):
                return _get(connection, incident.id) or incident
            _note(connection, entry)
            return incident

    def change_incident(self, incident: IncidentId, decide: DecideIncident) -> Incident | None:
        """Do one thing about it: `decide`, which must be without effects, is given how it stands, and nobody changes it meanwhile.

        What `decide` raises goes through, and nothing was changed. An entry whose key is there already changes nothing.
        None: there is no such incident.
        """
        with self._store.write() as connection:
            known = _get(connection, incident)
            if known is None:
                return None
            changed, entry = decide(known)
            if not _note(connection, entry):
                return known
            connection.execute(update(incidents).where(incidents.c.id == incident).values(**_row(changed)))
            return changed

    def incident(self, incident: IncidentId) -> Incident | None:
        with self._store.read() as connection:
            return _get(connection, incident)

    def incidents(self, *, open_only: bool = False) -> list[Incident]:
        """Newest first; the open ones, or all."""
        query = select(incidents.c.record).order_by(incidents.c.began.desc(), incidents.c.id.desc())
        if open_only:
            query = query.where(incidents.c.state == "open")
        with self._store.read() as connection:
            return [Incident.from_facts(row) for row in connection.execute(query).scalars()]

    def incident_entries(self, incident: IncidentId) -> list[IncidentEntry]:
        """What was said and done about it, oldest first."""
        query = select(incident_entries.c.record).where(incident_entries.c.incident == incident).order_by(incident_entries.c.seq)
        with self._store.read() as connection:
            return [IncidentEntry.from_facts(row) for row in connection.execute(query).scalars()]

    def kept_copies(self) -> list[KeptCopy]:
        """Every copy of every system that was ever recorded, removed ones too, and who can decrypt it; by when it was committed."""
        recipients = func.json_extract(sets.c.manifest, "$.recipients").label("recipients")
        columns = (sets.c.set_id, sets.c.system, copies.c.repository, copies.c.committed, copies.c.removed_at, recipients)
        query = select(*columns).join(copies, sets.c.set_id == copies.c.set_id).order_by(copies.c.committed, sets.c.set_id)
        with self._store.read() as connection:
            return [
                KeptCopy(
                    set=row.set_id,
                    system=row.system,
                    repository=row.repository,
                    committed=row.committed,
                    removed=row.removed_at,
                    recipients=tuple(json.loads(row.recipients or "[]")),
                )
                for row in connection.execute(query)
            ]


def _note(connection: Connection, entry: IncidentEntry) -> bool:
    """The entry and the trail's own, together; False where it was there."""
    row = {"incident": entry.incident, "key": entry.key, "at": entry.at, "record": entry.to_facts()}
    if not insert_if_absent(connection, incident_entries, row):
        return False
    facts: JsonObject = {"text": entry.text, "exposed": [str(one) for one in entry.exposed]}
    noted = {name: value for name, value in facts.items() if value}
    append(connection, f"incident.{entry.act}", entry.incident, noted, actor=entry.by, at=entry.at)
    return True


def _row(incident: Incident) -> dict[str, object]:
    values = {"id": incident.id, "state": incident.state, "began": incident.noticed, "ended": incident.ended}
    return values | {"record": incident.to_facts()}


def _get(connection: Connection, incident: IncidentId) -> Incident | None:
    found = connection.execute(select(incidents.c.record).where(incidents.c.id == incident)).scalar()
    return None if found is None else Incident.from_facts(found)
