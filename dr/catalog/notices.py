"""The ledger: what was owed to whom, and what became of it."""

from sqlalchemy import Connection, select

from dr.catalog.noun import Noun, insert_if_absent, upsert
from dr.catalog.schema import notices
from dr.model.record import Notice


class NoticeRecords(Noun):
    def owe(self, notice: Notice) -> Notice:
        """Into the ledger before it is sent; the same id again gives back what is there.

        A notice whose sending had begun and that did not reach everybody may have left before a crash: `repeated` is raised.
        """
        with self._store.write() as connection:
            if insert_if_absent(connection, notices, _row(notice)):
                return notice
            known = Notice.from_facts(connection.execute(select(notices.c.record).where(notices.c.id == notice.id)).scalar_one())
            if known.state in ("owed", "partial", "failed") and (known.begun or known.deliveries):
                known = known.model_copy(update={"repeated": known.repeated + 1})
                upsert(connection, notices, _row(known))
            return known

    def record_delivery(self, notice: Notice) -> None:
        """Replace the notice by its newer state. What was delivered stays so, whatever a late repeat says."""
        with self._store.write() as connection:
            if not _settled(connection, notice):
                upsert(connection, notices, _row(notice))

    def notices(self, limit: int = 50) -> list[Notice]:
        """Newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(notices.c.record).order_by(notices.c.created.desc(), notices.c.id).limit(limit)).scalars()
            return [Notice.from_facts(row) for row in rows]


def _settled(connection: Connection, notice: Notice) -> bool:
    state = connection.execute(select(notices.c.state).where(notices.c.id == notice.id)).scalar()
    return state == "delivered" and notice.state != "delivered"


def _row(notice: Notice) -> dict[str, object]:
    return {"id": notice.id, "created": notice.created, "state": notice.state, "record": notice.to_facts()}
