"""Sets and their copies: what was committed where, what it proved, what became of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, ScalarSelect, Select, func, select, update

from dr.catalog import damage
from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import copies, parts, pins, proofs, runs, sets, shrinkages
from dr.errors import Failed
from dr.model.backup import LEVELS, Copy, Manifest, Previous, ProofLevel
from dr.model.base import JsonObject, RepositoryName, RunId, SetId, SystemName
from dr.model.chain import KnownCopy

SHRUNKEN = 0.5
"""A set whose plain bytes are less than this share of the one before it is not a good copy."""


class SetRecords(Noun):
    def record_copy(self, copy: Copy, manifest: Manifest, run: RunId) -> None:
        """A copy that is there stays as it is; one that was removed and has been committed again since is new."""
        with self._store.write() as connection:
            insert_if_absent(connection, sets, _set_row(manifest, run))
            row = _copy_row(copy, run)
            if not insert_if_absent(connection, copies, row):
                gone = copies.c.removed_at <= copy.committed
                fresh = {**row, "damaged_run": None, "removed_at": None, "removed_run": None, "removed_rule": None}
                connection.execute(update(copies).where(*_is(copy.set, copy.repository), gone).values(**fresh))

    def raise_proof(self, set_id: SetId, repository: RepositoryName, level: str, at: datetime, run: RunId, detail: JsonObject) -> None:
        """Levels only rise; a fresh proof of the same level renews its age. Raises Failed for a copy that was never recorded.

        `intact` says that every stored byte was read and is the signed one: a copy that was damaged before is so no longer.
        """
        with self._store.write() as connection:
            row = connection.execute(select(copies).where(*_is(set_id, repository))).first()
            if row is None:
                raise Failed(
                    f"no copy of set {set_id} in repository {repository} is in the catalog", hint="`dr backups list` shows those that are"
                )
            proof = {"set_id": set_id, "repository": repository, "level": level, "run": run, "at": at, "detail": detail}
            insert_if_absent(connection, proofs, proof)
            known = row._mapping
            values: dict[str, object] = {"level": max(known["level"], level, key=LEVELS.index)}
            if level != "stored":
                values["intact_at"] = max(filter(None, (known["intact_at"], at)))
            if level == "proven":
                values["proven_at"] = max(filter(None, (known["proven_at"], at)))
            if level == "intact" and known["damaged_at"] is not None and known["damaged_at"] <= at:
                values |= {"damaged_at": None, "damaged_run": None}
                damage.clear_parts(connection, set_id, repository, at)
            connection.execute(update(copies).where(*_is(set_id, repository)).values(**values))

    def proofs(self, set_id: SetId, repository: RepositoryName) -> list[tuple[ProofLevel, datetime, RunId, JsonObject]]:
        """Every proof that was made of a copy, oldest first: level, when, by which run, detail."""
        query = select(proofs.c.level, proofs.c.at, proofs.c.run, proofs.c.detail).order_by(proofs.c.at)
        with self._store.read() as connection:
            found = connection.execute(query.where(proofs.c.set_id == set_id, proofs.c.repository == repository))
            return [(row.level, row.at, RunId(row.run), row.detail) for row in found]

    def mark_damaged(self, set_id: SetId, repository: RepositoryName, paths: Sequence[str], at: datetime, run: RunId) -> list[SetId]:
        """Also marks every set that shares the damaged parts' bytes in that repository; gives back all that were marked."""
        with self._store.write() as connection:
            marked = sorted({set_id, *damage.mark_parts(connection, set_id, repository, paths, at)})
            connection.execute(
                update(copies)
                .where(copies.c.repository == repository, copies.c.set_id.in_(marked), copies.c.damaged_at.is_(None))
                .values(damaged_at=at, damaged_run=run)
            )
        return marked

    def record_removed(self, set_id: SetId, repository: RepositoryName, at: datetime, run: RunId, rule: str) -> None:
        """The first removal counts. Nothing is known of its parts any more: should it be committed again, they are other bytes."""
        with self._store.write() as connection:
            present = copies.c.removed_at.is_(None)
            values = {"removed_at": at, "removed_run": run, "removed_rule": rule}
            if connection.execute(update(copies).where(*_is(set_id, repository), present).values(**values)).rowcount:
                connection.execute(parts.delete().where(parts.c.set_id == set_id, parts.c.repository == repository))

    def committed_by(self, run: RunId) -> list[tuple[SetId, RepositoryName]]:
        """The existing copies that a run made, oldest set first: what it did before it was killed too."""
        query = select(copies.c.set_id, copies.c.repository).where(copies.c.run == run, copies.c.removed_at.is_(None))
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(copies.c.set_id, copies.c.repository))
            return [(SetId(row.set_id), RepositoryName(row.repository)) for row in rows]

    def removed_by(self, run: RunId) -> list[tuple[SetId, RepositoryName, str]]:
        """The copies that a run removed, and by which rule, oldest set first."""
        query = select(copies.c.set_id, copies.c.repository, copies.c.removed_rule).where(copies.c.removed_run == run)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(copies.c.set_id, copies.c.repository))
            return [(SetId(row.set_id), RepositoryName(row.repository), str(row.removed_rule)) for row in rows]

    def copies(self, system: SystemName | None = None) -> list[Copy]:
        """Those that exist, newest first."""
        with self._store.read() as connection:
            return _copies(connection, system)

    def manifest(self, set_id: SetId) -> Manifest | None:
        """Of any set that was ever recorded, removed or not."""
        with self._store.read() as connection:
            facts = connection.execute(select(sets.c.manifest).where(sets.c.set_id == set_id)).scalar()
        return Manifest.from_facts(facts) if facts else None

    def known_copies(self, system: SystemName) -> list[KnownCopy]:
        """Every copy that was ever recorded, removed ones too, in the order in which they were committed."""
        columns = (copies.c.repository, copies.c.manifest_sha256, copies.c.committed, copies.c.removed_at, copies.c.removed_rule)
        query = select(*columns, sets.c.set_id, sets.c.manifest).join(sets, sets.c.set_id == copies.c.set_id)
        with self._store.read() as connection:
            rows = connection.execute(query.where(sets.c.system == system).order_by(copies.c.committed, sets.c.set_id)).all()
        return [_known(row._mapping) for row in rows]

    def newest(self, system: SystemName) -> Copy | None:
        """The newest committed set (any repository)."""
        return next(iter(self.copies(system)), None)

    def set_instants(self, system: SystemName) -> list[datetime]:
        """When every set of the system that was ever recorded was taken, removed ones too, oldest first: what RPO gaps are counted from.

        As of when it may be counted on: not after a set that came after it.
        """
        query = select(func.coalesce(_not_after(), sets.c.instant).label("at")).where(sets.c.system == system).order_by("at")
        with self._store.read() as connection:
            return list(connection.execute(query).scalars())

    def hold(self, set_id: SetId, repository: RepositoryName, held: bool) -> None:
        """A person's hold, which retention never overrides."""
        with self._store.write() as connection:
            connection.execute(update(copies).where(*_is(set_id, repository)).values(held=held))

    def pin(self, set_id: SetId, run: RunId) -> None:
        """`run` is using the set: no copy of it is removed while that run is running."""
        with self._store.write() as connection:
            insert_if_absent(connection, pins, {"set_id": set_id, "run": run})

    def unpin(self, run: RunId) -> None:
        with self._store.write() as connection:
            connection.execute(pins.delete().where(pins.c.run == run))

    def distinct_proven(self, system: SystemName) -> int:
        """Physical copies, proven and undamaged, across tiers: shared bytes count once."""
        with self._store.read() as connection:
            proven = [c for c in _copies(connection, system) if c.level == "proven" and not c.damaged]
            return damage.distinct(connection, proven)


def _known(row: RowMapping) -> KnownCopy:
    previous = row["manifest"].get("previous")
    return KnownCopy(
        set=row["set_id"],
        repository=row["repository"],
        manifest=row["manifest_sha256"],
        committed=row["committed"],
        previous=Previous.from_facts(previous) if previous else None,
        removed=row["removed_at"],
        rule=row["removed_rule"],
    )


def _is(set_id: SetId, repository: RepositoryName) -> tuple[ColumnElement[bool], ...]:
    return copies.c.set_id == set_id, copies.c.repository == repository


def _set_row(manifest: Manifest, run: RunId) -> dict[str, object]:
    return {
        "set_id": manifest.set,
        "system": manifest.system,
        "instant": manifest.instant,
        "plain": manifest.plain,
        "previous": manifest.previous.set if manifest.previous else None,
        "run": run,
        "manifest": manifest.to_facts(),
    }


def _copy_row(copy: Copy, run: RunId) -> dict[str, object]:
    return {
        "set_id": copy.set,
        "repository": copy.repository,
        "tier": copy.tier,
        "committed": copy.committed,
        "manifest_sha256": copy.manifest,
        "stored": copy.stored,
        "level": copy.level,
        "intact_at": copy.intact_at,
        "proven_at": copy.proven_at,
        "held": copy.held,
        "run": run,
        "damaged_at": copy.committed if copy.damaged else None,
    }


def _not_after() -> ScalarSelect[datetime]:
    """The earliest date of the sets that came after one and are dated before it; NULL where there is none, as there should not be."""
    later = sets.alias("later")
    contradicts = (later.c.previous == sets.c.set_id, later.c.system == sets.c.system, later.c.instant < sets.c.instant)
    return select(func.min(later.c.instant)).where(*contradicts).correlate(sets).scalar_subquery()


def _existing(system: SystemName | None) -> Select[tuple[object, ...]]:
    before = sets.alias("before")
    query = (
        select(
            copies,
            sets.c.system,
            sets.c.instant,
            _not_after().label("not_after"),
            sets.c.plain,
            before.c.plain.label("plain_before"),
            shrinkages.c.at.label("marked_at"),
            shrinkages.c.accepted_at,
        )
        .join(sets, sets.c.set_id == copies.c.set_id)
        .outerjoin(before, before.c.set_id == sets.c.previous)
        .outerjoin(shrinkages, shrinkages.c.set_id == sets.c.set_id)
        .where(copies.c.removed_at.is_(None))
        .order_by(sets.c.instant.desc(), copies.c.set_id.desc(), copies.c.repository)
    )
    return query if system is None else query.where(sets.c.system == system)


def _shrunken(row: RowMapping) -> bool:
    """Marked when it was made, or plainly smaller than the one before; until a person accepts it."""
    smaller = row["plain_before"] is not None and row["plain"] < row["plain_before"] * SHRUNKEN
    return row["accepted_at"] is None and (row["marked_at"] is not None or smaller)


def _copies(connection: Connection, system: SystemName | None) -> list[Copy]:
    in_use = select(pins.c.set_id, pins.c.run).join(runs, runs.c.run == pins.c.run).where(runs.c.state == "running").order_by(pins.c.run)
    pinned = {row.set_id: RunId(row.run) for row in connection.execute(in_use)}
    names = ("repository", "tier", "committed", "stored", "level", "proven_at", "intact_at", "held", "system", "instant", "not_after")
    return [
        Copy(
            set=row["set_id"],
            manifest=row["manifest_sha256"],
            damaged=row["damaged_at"] is not None,
            pinned_by=pinned.get(row["set_id"]),
            shrunken=_shrunken(row),
            **{name: row[name] for name in names},
        )
        for row in connection.execute(_existing(system)).mappings()
    ]
