"""Parts: where each encoded part physically lies. Parts of one repository with one origin and one digest share their bytes on disk."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Exists, bindparam, delete, exists, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from dr.catalog.damage import shared_bytes
from dr.catalog.noun import Noun
from dr.catalog.schema import copies, parts
from dr.model.backup import PartCopy, PartRead
from dr.model.base import RepositoryName, SetId, SystemName

_COLUMNS = [column for column in parts.c if column.name != "damaged_at"]
_KEY = [column.name for column in parts.primary_key]


def _present() -> Exists:
    """The part's set has a copy in its repository."""
    return exists().where(copies.c.set_id == parts.c.set_id, copies.c.repository == parts.c.repository, copies.c.removed_at.is_(None))


class PartRecords(Noun):
    def record_parts(self, parts_: Sequence[PartCopy]) -> None:
        """Many at once. Of a copy that exists, one that is there already stays as it is; of one that does not yet, the last word counts:
        an attempt that never committed may have left another."""
        if not parts_:
            return
        rows = [{("set_id" if name == "set" else name): value for name, value in part} for part in parts_]
        key = [parts.c[name] == bindparam(f"of_{name}") for name in _KEY]
        with self._store.write() as connection:
            connection.execute(delete(parts).where(*key, ~_present()), [{f"of_{name}": row[name] for name in _KEY} for row in rows])
            connection.execute(insert(parts).on_conflict_do_nothing(), rows)

    def parts(self, system: SystemName, repository: RepositoryName, set_id: SetId | None = None) -> list[PartCopy]:
        """Those that exist and are not known to be damaged, newest set first, in stream order."""
        removed = exists().where(
            copies.c.set_id == parts.c.set_id, copies.c.repository == parts.c.repository, copies.c.removed_at.is_not(None)
        )
        query = select(*_COLUMNS).where(parts.c.system == system, parts.c.repository == repository, parts.c.damaged_at.is_(None), ~removed)
        if set_id is not None:
            query = query.where(parts.c.set_id == set_id)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(parts.c.set_id.desc(), parts.c.artifact, parts.c.number))
            return [PartCopy(**{("set" if name == "set_id" else name): value for name, value in row._mapping.items()}) for row in rows]

    def part_reads(self, system: SystemName, repository: RepositoryName) -> list[PartRead]:
        """When each part of every copy that exists was last read back; damaged ones too. Newest set first, in stream order."""
        names = ("set_id", "artifact", "number", "origin", "sha256", "read_back", "damaged_at")
        query = select(*(parts.c[name] for name in names)).where(parts.c.system == system, parts.c.repository == repository, _present())
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(parts.c.set_id.desc(), parts.c.artifact, parts.c.number)).all()
        return [
            PartRead(
                set=SetId(row.set_id),
                artifact=row.artifact,
                number=row.number,
                origin=SetId(row.origin),
                sha256=row.sha256,
                read_back=row.read_back,
                damaged=row.damaged_at is not None,
            )
            for row in rows
        ]

    def record_read_back(self, repository: RepositoryName, set_id: SetId, paths: Sequence[tuple[str, int]], at: datetime) -> None:
        """These parts' stored bytes were read and matched; so did every other set's part that shares them."""
        if not paths:
            return
        instant = parts.c.read_back.type
        statement = (
            update(parts)
            .where(parts.c.repository == repository, parts.c.origin == bindparam("of"), parts.c.sha256 == bindparam("digest"))
            .where(or_(parts.c.read_back.is_(None), parts.c.read_back < bindparam("read", type_=instant)))
            .values(read_back=bindparam("read", type_=instant))
        )
        with self._store.write() as connection:
            if found := shared_bytes(connection, set_id, repository, paths):
                connection.execute(statement, [{"of": origin, "digest": digest, "read": at} for origin, digest in found])
