"""Outages: how each stands now, and what was said and done about it, which is never changed and always in the audit trail too."""

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from dr.catalog.audit import append
from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import notices, outage_entries, outages
from dr.model.base import JsonObject, RunId
from dr.model.notice_record import Notice
from dr.model.outage import Decide, Outage, OutageEntry, OutageId

_OPEN = ("proposed", "declared")


class OutageRecords(Noun):
    def open_outage(self, outage: Outage, entry: OutageEntry) -> Outage:
        """Put a new one on record with its first entry. The same id again changes nothing.

        Gives back the outage as it is; another one, where one of the same system or office (and both an exercise, or neither) is open.
        """
        with self._store.write() as connection:
            for known in _all(connection, open_only=True):
                if (known.about, known.exercise) == (outage.about, outage.exercise):
                    return known
            if not insert_if_absent(connection, outages, _row(outage)):
                return _get(connection, outage.id) or outage
            _note(connection, outage, entry)
            return outage

    def change_outage(self, outage: OutageId, decide: Decide) -> Outage | None:
        """Do one thing about it: `decide`, which must be without effects, is given how it stands, and nobody changes it meanwhile.

        What `decide` raises goes through, and nothing was changed. An entry whose key is there already changes nothing.
        None: there is no such outage.
        """
        with self._store.write() as connection:
            known = _get(connection, outage)
            if known is None:
                return None
            changed, entry = decide(known, _entries(connection, outage))
            if not _note(connection, changed, entry):
                return known
            _put(connection, changed)
            return changed

    def keep_outage(self, outage: OutageId, run: RunId) -> None:
        """The run that keeps people told of it."""
        with self._store.write() as connection:
            known = _get(connection, outage)
            if known is not None and known.run != run:
                _put(connection, known.model_copy(update={"run": run}))
                append(connection, "outage.kept", outage, {"run": run}, actor="", at=self._clock.now())

    def outage(self, outage: OutageId) -> Outage | None:
        with self._store.read() as connection:
            return _get(connection, outage)

    def outages(self, *, open_only: bool = False) -> list[Outage]:
        """Newest first; those that are proposed or declared, or all."""
        with self._store.read() as connection:
            return _all(connection, open_only=open_only)

    def outage_entries(self, outage: OutageId) -> list[OutageEntry]:
        """What was said and done about it, oldest first."""
        with self._store.read() as connection:
            return _entries(connection, outage)

    def drop_notices(self, outage: OutageId, keep: Collection[str]) -> list[str]:
        """Nothing of it is sent, or pursued, any more but these, and what is on its way just now: it is over. Those that it stopped."""
        query = select(notices.c.record).where(notices.c.outage == outage, notices.c.due.is_not(None), notices.c.id.not_in(list(keep)))
        stopped = []
        with self._store.write() as connection:
            for notice in [Notice.from_facts(row) for row in connection.execute(query).scalars()]:
                if not notice.claims:
                    values = {"due": None, "record": notice.model_copy(update={"due": None}).to_facts()}
                    connection.execute(update(notices).where(notices.c.id == notice.id).values(**values))
                    stopped.append(notice.id)
        return stopped

    def outage_notices(self, outage: OutageId) -> list[Notice]:
        """Who is owed, or was told, what about it, oldest first."""
        query = select(notices.c.record).where(notices.c.outage == outage).order_by(notices.c.created, notices.c.id)
        with self._store.read() as connection:
            return [Notice.from_facts(row) for row in connection.execute(query).scalars()]


def _note(connection: Connection, outage: Outage, entry: OutageEntry) -> bool:
    """The entry and the trail's own, together; False where it was there."""
    row = {"outage": entry.outage, "key": entry.key, "at": entry.at, "record": entry.to_facts()}
    if not insert_if_absent(connection, outage_entries, row):
        return False
    append(connection, f"outage.{entry.act}", entry.outage, _noted(outage, entry), actor=entry.by, at=entry.at)
    return True


def _noted(outage: Outage, entry: OutageEntry) -> JsonObject:
    facts: JsonObject = {"text": entry.text, "to": entry.to, "severity": entry.severity, "exercise": outage.exercise or None}
    return {"about": outage.about, **{name: value for name, value in facts.items() if value}}


def _row(outage: Outage) -> dict[str, object]:
    names = ("id", "system", "office", "severity", "state", "began", "ended")
    return {name: getattr(outage, name) for name in names} | {"record": outage.to_facts()}


def _entries(connection: Connection, outage: OutageId) -> list[OutageEntry]:
    query = select(outage_entries.c.record).where(outage_entries.c.outage == outage).order_by(outage_entries.c.seq)
    return [OutageEntry.from_facts(row) for row in connection.execute(query).scalars()]


def _put(connection: Connection, outage: Outage) -> None:
    connection.execute(update(outages).where(outages.c.id == outage.id).values(**_row(outage)))


def _get(connection: Connection, outage: OutageId) -> Outage | None:
    found = connection.execute(select(outages.c.record).where(outages.c.id == outage)).scalar()
    return None if found is None else Outage.from_facts(found)


def _all(connection: Connection, *, open_only: bool) -> list[Outage]:
    query = select(outages.c.record).order_by(outages.c.began.desc(), outages.c.id.desc())
    if open_only:
        query = query.where(outages.c.state.in_(_OPEN))
    return [Outage.from_facts(row) for row in connection.execute(query).scalars()]
