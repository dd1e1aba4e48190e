"""Shared bytes: which sets a damaged part takes with it, and how many copies are physically apart."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, tuple_, update

from dr.catalog.schema import copies, parts
from dr.model.backup import Copy
from dr.model.base import RepositoryName, SetId

_PART = re.compile(r"^([a-z][a-z0-9-]*)/(\d+)\.")
"""`database-00/000003.zst.age`, with or without a cause after it."""


def shared_bytes(
    connection: Connection, set_id: SetId, repository: RepositoryName, named: Collection[tuple[str, int]]
) -> list[tuple[str, str]]:
    """Origin and digest of these parts (artifact and number) of a set: what identifies bytes on disk within one repository.

    The set's parts are picked here and not in SQL: a statement cannot bind tens of thousands of names.
    """
    own = select(parts.c.artifact, parts.c.number, parts.c.origin, parts.c.sha256)
    rows = connection.execute(own.where(parts.c.repository == repository, parts.c.set_id == set_id))
    wanted = set(named)
    return [(row.origin, row.sha256) for row in rows if (row.artifact, row.number) in wanted]


def mark_parts(connection: Connection, set_id: SetId, repository: RepositoryName, paths: Sequence[str], at: datetime) -> set[SetId]:
    """Mark the parts at these paths, and all that share their bytes, as damaged; gives back the existing sets that hold any of them."""
    named = [(found[1], int(found[2])) for found in map(_PART.match, paths) if found]
    present = select(copies.c.set_id).where(copies.c.repository == repository, copies.c.removed_at.is_(None))
    holders: set[SetId] = set()
    for origin, digest in shared_bytes(connection, set_id, repository, named):
        same = (parts.c.repository == repository, parts.c.origin == origin, parts.c.sha256 == digest)
        connection.execute(update(parts).where(*same, parts.c.damaged_at.is_(None)).values(damaged_at=at))
        holders |= {SetId(s) for s in connection.execute(select(parts.c.set_id).where(*same, parts.c.set_id.in_(present))).scalars()}
    return holders


def clear_parts(connection: Connection, set_id: SetId, repository: RepositoryName, at: datetime) -> None:
    """All parts of a set were read and matched at `at`: what was noticed of their bytes before is over, in every set that shares them."""
    own = select(parts.c.origin, parts.c.sha256).where(parts.c.repository == repository, parts.c.set_id == set_id, parts.c.damaged_at <= at)
    for row in connection.execute(own).all():
        same = (parts.c.repository == repository, parts.c.origin == row.origin, parts.c.sha256 == row.sha256)
        connection.execute(update(parts).where(*same).values(damaged_at=None))


def distinct(connection: Connection, found: Sequence[Copy]) -> int:
    """How many groups these copies fall into, when two that share any part's bytes in one repository are one."""
    group = {(copy.repository, copy.set): (copy.repository, copy.set) for copy in found}

    def root(key: tuple[RepositoryName, SetId]) -> tuple[RepositoryName, SetId]:
        while group[key] != key:
            key = group[key]
        return key

    rows = connection.execute(
        select(parts.c.repository, parts.c.set_id, parts.c.origin, parts.c.sha256).where(
            tuple_(parts.c.repository, parts.c.set_id).in_(list(group))
        )
    )
    owner: dict[tuple[str, str, str], tuple[RepositoryName, SetId]] = {}
    for row in rows:
        key = (RepositoryName(row.repository), SetId(row.set_id))
        first = owner.setdefault((row.repository, row.origin, row.sha256), key)
        group[root(key)] = root(first)
    return len({root(key) for key in group})
