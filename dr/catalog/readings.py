"""What was found when something was looked at: the newest of each thing, and enough before it to see where it goes."""

from datetime import datetime

from sqlalchemy import delete, func, insert, select

from dr.catalog.noun import Noun
from dr.catalog.schema import readings
from dr.model.redundancy import KeptReading


class ReadingRecords(Noun):
    def record_reading(self, kept: KeptReading) -> None:
        """Once for each probe and instant."""
        there = select(readings.c.seq).where(readings.c.probe == kept.probe, readings.c.at == kept.at)
        with self._store.write() as connection:
            if connection.execute(there).first() is None:
                row = {"probe": kept.probe, "at": kept.at, "state": kept.reading.state, "record": kept.to_facts()}
                connection.execute(insert(readings).values(**row))

    def readings(self, probe: str, limit: int = 500) -> list[KeptReading]:
        """Newest first."""
        query = (
            select(readings.c.record).where(readings.c.probe == probe).order_by(readings.c.at.desc(), readings.c.seq.desc()).limit(limit)
        )
        with self._store.read() as connection:
            return [KeptReading.from_facts(row) for row in connection.execute(query).scalars()]

    def latest_readings(self) -> dict[str, KeptReading]:
        """Probe to the newest."""
        newest = select(readings.c.probe, func.max(readings.c.at).label("at")).group_by(readings.c.probe).subquery()
        query = select(readings.c.record).join(newest, (readings.c.probe == newest.c.probe) & (readings.c.at == newest.c.at))
        with self._store.read() as connection:
            found = [KeptReading.from_facts(row) for row in connection.execute(query).scalars()]
        return {kept.probe: kept for kept in found}

    def prune_readings(self, before: datetime) -> int:
        """Forget what is older, but never the newest of a probe; gives back how many."""
        newest = select(func.max(readings.c.seq)).group_by(readings.c.probe)
        with self._store.write() as connection:
            return connection.execute(delete(readings).where(readings.c.at < before, readings.c.seq.not_in(newest))).rowcount
