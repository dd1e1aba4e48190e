"""The ledger: what was owed to whom, and what became of it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from dr.catalog.noun import Noun, insert_if_absent, upsert
from dr.catalog.schema import notices
from dr.errors import Failed
from dr.model.notice_record import Notice

_GRAVEST = {"critical": 0, "warning": 1, "info": 2}


class NoticeRecords(Noun):
    def owe(self, notice: Notice) -> Notice:
        """Into the ledger before it is sent; the same id again gives back what is there.

        A notice whose sending had begun and that did not reach everybody may have left before a crash: `repeated` is raised.
        """
        with self._store.write() as connection:
            return self._owed(connection, notice)

    def owe_beside(self, notice: Notice, since: datetime, decide: Callable[[Sequence[Notice]], Notice]) -> Notice:
        """As `owe`; where it is new, as it was decided in view of what else was owed to the same since then, oldest first.

        Nobody writes in between: of two at once, one is the first.
        """
        with self._store.write() as connection:
            if _record(connection, notice.id) is not None:
                return self._owed(connection, notice)
            return self._owed(connection, decide(_since(connection, since, notice.to)))

    def _owed(self, connection: Connection, notice: Notice) -> Notice:
        if insert_if_absent(connection, notices, self._row(notice)):
            return notice
        known = _known(connection, notice.id)
        if known.state in ("owed", "partial", "failed") and (known.begun or known.deliveries):
            known = known.model_copy(update={"repeated": known.repeated + 1})
            self._put(connection, known)
        return known

    def record_delivery(self, notice: Notice) -> None:
        """Replace the notice by its newer state. What was delivered stays so, whatever a late repeat says."""
        with self._store.write() as connection:
            if not _settled(connection, notice):
                self._put(connection, notice)

    def amend(self, notice: str, change: Callable[[Notice], Notice]) -> Notice:
        """Read it, change it and keep it, with nobody writing in between. Raises Failed where it is not there."""
        with self._store.write() as connection:
            known = _known(connection, notice)
            changed = change(known)
            if changed != known:
                self._put(connection, changed)
            return changed

    def amend_gathered(self, digest: str, change: Callable[[Notice], Notice]) -> int:
        """As `amend`, each notice that was gathered into that one; how many."""
        members = select(notices.c.record).where(notices.c.digest == digest)
        with self._store.write() as connection:
            known = [Notice.from_facts(row) for row in connection.execute(members).scalars()]
            for notice in known:
                self._put(connection, change(notice))
            return len(known)

    def gather(self, digest: Notice, members: Sequence[str]) -> Notice:
        """Into the ledger, with those of its members that nobody has begun to send: all of it, or nothing."""
        with self._store.write() as connection:
            taken = [notice for notice in (_known(connection, member) for member in members) if is_fresh(notice)]
            for notice in taken:
                self._put(connection, notice.model_copy(update={"digest": digest.id, "due": None}))
            whole = digest.model_copy(update={"gathered": len(taken)})
            if taken:
                insert_if_absent(connection, notices, self._row(whole))
            return whole

    def postpone(self, waiting: Sequence[str], until: datetime) -> None:
        """Nobody looks at these before then."""
        with self._store.write() as connection:
            for notice in (_known(connection, each) for each in waiting):
                if is_fresh(notice):
                    self._put(connection, notice.model_copy(update={"due": until}))

    def notice(self, notice: str) -> Notice | None:
        with self._store.read() as connection:
            return _record(connection, notice)

    def notices(self, limit: int = 50) -> list[Notice]:
        """Newest first."""
        with self._store.read() as connection:
            rows = connection.execute(select(notices.c.record).order_by(notices.c.created.desc(), notices.c.id).limit(limit)).scalars()
            return [Notice.from_facts(row) for row in rows]

    def notices_since(self, since: datetime) -> list[Notice]:
        """Those that were owed since then, oldest first."""
        with self._store.read() as connection:
            return _since(connection, since)

    def notices_of(self, outage: str) -> list[Notice]:
        """Those about one outage, oldest first."""
        query = select(notices.c.record).where(notices.c.outage == outage).order_by(notices.c.created, notices.c.id)
        with self._store.read() as connection:
            return [Notice.from_facts(row) for row in connection.execute(query).scalars()]

    def notices_by(self, template: str) -> list[Notice]:
        """Those of one template, oldest first."""
        query = select(notices.c.record).where(notices.c.template == template).order_by(notices.c.created, notices.c.id)
        with self._store.read() as connection:
            return [Notice.from_facts(row) for row in connection.execute(query).scalars()]

    def due_notices(self, until: datetime, outage: str | None = None) -> list[Notice]:
        """Whose `due` has come, the most severe first. And what was put off by a clock that ran ahead and was set back since: it was
        written later than `until`, and until when it was put off means nothing."""
        put_off_wrongly = (notices.c.due > until) & (notices.c.written > until)
        query = select(notices.c.record).where((notices.c.due <= until) | put_off_wrongly)
        if outage is not None:
            query = query.where(notices.c.outage == outage)
        with self._store.read() as connection:
            found = [Notice.from_facts(row) for row in connection.execute(query).scalars()]
        return sorted(found, key=lambda notice: (_GRAVEST[notice.severity], notice.due or until, notice.id))

    def next_due(self, outage: str | None = None) -> datetime | None:
        query = select(func.min(notices.c.due, type_=notices.c.due.type))
        if outage is not None:
            query = query.where(notices.c.outage == outage)
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    def _put(self, connection: Connection, notice: Notice) -> None:
        upsert(connection, notices, self._row(notice))

    def _row(self, notice: Notice) -> dict[str, object]:
        names = ("id", "created", "state", "outage", "due", "template")
        kept = {name: getattr(notice, name) for name in names}
        return {**kept, "digest": notice.digest or None, "record": notice.to_facts(), "written": self._clock.now()}


def is_fresh(notice: Notice) -> bool:
    """Whether nobody has begun to send it."""
    return not (notice.begun or notice.claims or notice.deliveries or notice.digest or notice.acknowledgements)


def _record(connection: Connection, notice: str) -> Notice | None:
    row = connection.execute(select(notices.c.record).where(notices.c.id == notice)).scalar()
    return None if row is None else Notice.from_facts(row)


def _known(connection: Connection, notice: str) -> Notice:
    known = _record(connection, notice)
    if known is None:
        raise Failed(f"there is no notice '{notice}' in the ledger", hint="`dr notices` shows them")
    return known


def _since(connection: Connection, since: datetime, to: str | None = None) -> list[Notice]:
    query = select(notices.c.record).where(notices.c.created >= since).order_by(notices.c.created, notices.c.id)
    found = (Notice.from_facts(row) for row in connection.execute(query).scalars())
    return [notice for notice in found if to is None or notice.to == to]


def _settled(connection: Connection, notice: Notice) -> bool:
    state = connection.execute(select(notices.c.state).where(notices.c.id == notice.id)).scalar()
    return state == "delivered" and notice.state != "delivered"
