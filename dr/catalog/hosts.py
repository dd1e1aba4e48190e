"""Hosts: how production is recognised, and what each standby holds."""

from sqlalchemy import select

from dr.catalog.noun import Noun, upsert
from dr.catalog.schema import hosts, production
from dr.model.base import canonical, sha256
from dr.model.record import HostState, ProductionFacts


class HostRecords(Noun):
    def record_production(self, facts: ProductionFacts) -> None:
        """Refresh what is known of one place; older facts than the recorded ones change nothing."""
        identity = _place(facts)
        with self._store.write() as connection:
            known = connection.execute(select(production.c.recorded).where(production.c.identity == identity)).scalar()
            if known is None or known <= facts.recorded:
                upsert(connection, production, {"identity": identity, "recorded": facts.recorded, "facts": facts.to_facts()})

    def production(self) -> list[ProductionFacts]:
        with self._store.read() as connection:
            rows = connection.execute(select(production.c.facts).order_by(production.c.recorded, production.c.identity)).scalars()
            return [ProductionFacts.from_facts(row) for row in rows]

    def record_host(self, state: HostState) -> None:
        """The newest state of a host counts; an older one, repeated late, changes nothing."""
        with self._store.write() as connection:
            known = connection.execute(select(hosts.c.since).where(hosts.c.host == state.host)).scalar()
            if known is None or known <= state.since:
                upsert(connection, hosts, {"host": state.host, "since": state.since, "state": state.to_facts()})

    def hosts(self) -> list[HostState]:
        with self._store.read() as connection:
            return [HostState.from_facts(row) for row in connection.execute(select(hosts.c.state).order_by(hosts.c.host)).scalars()]


def _place(facts: ProductionFacts) -> str:
    """One place has one row: a data directory (or, unseen, an address and port) and the protected paths that were read with it.

    Device and inode are what is known of the place, not which place it is: a re-made folder has new ones, and a stale inode number,
    given out again by the file system, would make the guard refuse a standby that is none of production's.
    """
    where = facts.data_directory or [facts.address, facts.port]
    return sha256(canonical([facts.host, facts.system, where, sorted(str(path.get("path")) for path in facts.paths)]))
