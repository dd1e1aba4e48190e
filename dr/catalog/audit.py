"""The audit log: append-only, each entry bearing the hash of the one before it; its head goes into every set."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from dr.catalog.noun import Noun
from dr.catalog.schema import audit
from dr.model.base import JsonObject, Sha256, canonical, sha256
from dr.model.record import AuditEntry, AuditHead

GENESIS = AuditHead(seq=0, hash=Sha256("0" * 64), at=datetime(1970, 1, 1, tzinfo=UTC))
"""What the first entry follows."""


def entry_hash(entry: JsonObject) -> Sha256:
    """SHA-256 over the canonical entry (as `AuditEntry.to_facts` spells it) without its own hash."""
    return sha256(canonical({key: value for key, value in entry.items() if key != "hash"}))


class AuditRecords(Noun):
    def audit(self, event: str, subject: str, facts: JsonObject, *, actor: str, at: datetime) -> AuditHead:
        """Append one entry; a repeated step appends again, since both happened."""
        with self._store.write() as connection:
            return append(connection, event, subject, facts, actor=actor, at=at)

    def audit_head(self) -> AuditHead:
        """The newest entry's; `GENESIS` when there is none."""
        with self._store.read() as connection:
            return _head(connection)

    def audit_entries(self, after: int = 0, limit: int = 1000) -> list[AuditEntry]:
        """Oldest first, those that follow entry number `after`."""
        with self._store.read() as connection:
            rows = connection.execute(select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(limit))
            return [AuditEntry(**row._mapping) for row in rows]

    def audit_hashes(self, numbers: Sequence[int]) -> dict[int, Sha256]:
        """Hashes of the entries with these numbers; one that the log does not have is left out."""
        with self._store.read() as connection:
            query = select(audit.c.seq, audit.c.hash)
            rows = [row for number in sorted(set(numbers)) for row in connection.execute(query.where(audit.c.seq == number))]
        return {row.seq: Sha256(row.hash) for row in rows}

    def audit_of(self, subject: str) -> list[AuditEntry]:
        """What is on record about one subject (a run, a copy), oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(audit).where(audit.c.subject == subject).order_by(audit.c.seq))
            return [AuditEntry(**row._mapping) for row in rows]


def append(connection: Connection, event: str, subject: str, facts: JsonObject, *, actor: str, at: datetime) -> AuditHead:
    """One more entry, together with whatever else the transaction writes: neither is ever there without the other."""
    head = _head(connection)
    entry = AuditEntry(seq=head.seq + 1, at=at, actor=actor, event=event, subject=subject, facts=facts, previous=head.hash, hash=Sha256(""))
    entry = entry.model_copy(update={"hash": entry_hash(entry.to_facts())})
    connection.execute(insert(audit).values(**dict(entry)))
    return AuditHead(seq=entry.seq, hash=entry.hash, at=entry.at)


def _head(connection: Connection) -> AuditHead:
    row = connection.execute(select(audit.c.seq, audit.c.hash, audit.c.at).order_by(audit.c.seq.desc()).limit(1)).first()
    return AuditHead(**row._mapping) if row else GENESIS


def verify_chain(catalog: AuditRecords, head: AuditHead | None = None) -> int | None:
    """The number of the first entry that is changed, missing or out of order; None when the chain is whole.

    With `head`, a head kept elsewhere (in a set, in evidence): also whether the log still has that entry, so that a cut tail is found.
    """
    expected, last = GENESIS, 0
    while entries := catalog.audit_entries(after=last):
        for entry in entries:
            broken = entry.seq != expected.seq + 1 or entry.previous != expected.hash or entry_hash(entry.to_facts()) != entry.hash
            if broken or (head is not None and entry.seq == head.seq and entry.hash != head.hash):
                return expected.seq + 1
            expected = AuditHead(seq=entry.seq, hash=entry.hash, at=entry.at)
        last = expected.seq
    return expected.seq + 1 if head is not None and head.seq > expected.seq else None
