"""Summaries of sets, by which a night is compared with the nights before, and the marks of sets that do not count as good."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, and_, or_, select, update

from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import proofs, sets, shrinkages, summaries
from dr.model.base import RunId, SetId, SystemName
from dr.model.summary import Baselines, SetSummary, Shrinkage


class SummaryRecords(Noun):
    def record_summary(self, summary: SetSummary) -> None:
        """Before the set is committed, since nobody can read it out of an encrypted index later. The first one counts."""
        with self._store.write() as connection:
            row = {"set_id": summary.set, "system": summary.system, "summary": summary.to_facts()}
            insert_if_absent(connection, summaries, row)

    def summary(self, set_id: SetId) -> SetSummary | None:
        return self._one(select(summaries.c.summary).where(summaries.c.set_id == set_id))

    def baselines(self, system: SystemName, set_id: SetId) -> Baselines:
        """What the set is compared with. Only sets that were committed count; a removed one still says how the source was."""
        of_sets = select(summaries.c.summary).join(sets, sets.c.set_id == summaries.c.set_id).where(summaries.c.system == system)
        newest = of_sets.order_by(summaries.c.set_id.desc())
        earlier = newest.outerjoin(shrinkages, shrinkages.c.set_id == summaries.c.set_id).where(summaries.c.set_id < set_id)
        bad = and_(shrinkages.c.set_id.is_not(None), shrinkages.c.accepted_at.is_(None))
        proven = select(proofs.c.set_id).where(proofs.c.level == "proven")
        accepted = select(shrinkages.c.set_id).where(shrinkages.c.accepted_at.is_not(None))
        first = of_sets.order_by(summaries.c.set_id)
        return Baselines(
            good=self._one(earlier.where(~bad)),
            proven=self._one(newest.where(or_(summaries.c.set_id < set_id, summaries.c.set_id == set_id), summaries.c.set_id.in_(proven))),
            known=self._one(newest.where(summaries.c.set_id.in_(accepted))) or self._one(first),
        )

    def mark_shrunken(self, set_id: SetId, causes: Sequence[str], at: datetime, run: RunId) -> None:
        """Every copy of the set stops counting as good, until a person accepts it. What was accepted stays so."""
        with self._store.write() as connection:
            insert_if_absent(connection, shrinkages, {"set_id": set_id, "causes": list(causes), "at": at, "run": run})

    def accept_shrunken(self, set_id: SetId, by: str, reason: str, at: datetime) -> None:
        """A person says that the set is as it should be: what it holds is normal from now on. Again changes nothing."""
        with self._store.write() as connection:
            insert_if_absent(connection, shrinkages, {"set_id": set_id, "causes": [], "at": at, "run": ""})
            values = {"accepted_at": at, "accepted_by": by, "reason": reason}
            connection.execute(update(shrinkages).where(shrinkages.c.set_id == set_id, shrinkages.c.accepted_at.is_(None)).values(**values))

    def shrinkage(self, set_id: SetId) -> Shrinkage | None:
        """Why the set was marked, and whether a person accepted it."""
        with self._store.read() as connection:
            row = connection.execute(select(shrinkages).where(shrinkages.c.set_id == set_id)).mappings().first()
        if row is None:
            return None
        return Shrinkage(set=set_id, causes=tuple(row["causes"]), accepted_by=row["accepted_by"] or "", reason=row["reason"] or "")

    def _one(self, query: Select[tuple[object]]) -> SetSummary | None:
        with self._store.read() as connection:
            facts = connection.execute(query.limit(1)).scalar()
        return SetSummary.from_facts(facts) if isinstance(facts, dict) else None
