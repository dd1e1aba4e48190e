"""Duties: every turn of the failover machine, in order, never changed, and always in the audit trail too. A rehearsal has a log of its own.

The board is the last turn's. A turn is taken under the write lock, so that two processes never decide from the same board.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from dr.catalog.audit import append
from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import duty_entries, notices
from dr.model.base import JsonObject, RunId
from dr.model.duty import Board
from dr.model.duty_log import REAL, Decide, DutyTurn, Wanted
from dr.model.notice_record import Notice

_ALL = "all"
"""The name of the real log: a duty is no more than a line in a turn, which moves several."""
_TURN, _CARRIED, _WANTED = "turn:", "carried:", "wanted:"


class DutyRecords(Noun):
    def take_turn(self, log: str, decide: Decide, *, by: str, home: str, run: RunId | None, at: datetime) -> DutyTurn | None:
        """Let `decide`, which must be without effects, say what follows from how everything stands, and put it on record.

        None, where it says that nothing is worth recording. What it raises goes through, and nothing was changed.
        """
        with self._store.write() as connection:
            last = _last(connection, log)
            turn = decide(last.turn.board if last else None)
            if turn is None:
                return None
            taken = DutyTurn(log=log, number=last.number + 1 if last else 1, by=by, home=home, run=run, turn=turn)
            _put(connection, log, f"{_TURN}{taken.number:09}", at, taken.to_facts())
            append(connection, f"duty.{turn.event.event}", _subject(taken), _noted(taken), actor=by, at=at)
            return taken

    def board(self, log: str = REAL) -> Board | None:
        """How everything stands; None where nothing was ever recorded."""
        with self._store.read() as connection:
            last = _last(connection, log)
        return last.turn.board if last else None

    def duty_turns(self, log: str = REAL) -> list[DutyTurn]:
        """Oldest first."""
        with self._store.read() as connection:
            return [DutyTurn.from_facts(row) for row in connection.execute(_records(log, _TURN)).scalars()]

    def uncarried_turns(self, log: str = REAL) -> list[DutyTurn]:
        """Those of which not everything that follows was done yet, oldest first."""
        done = select(func.substr(duty_entries.c.key, len(_CARRIED) + 1)).where(
            duty_entries.c.duty == (log or _ALL), duty_entries.c.key.startswith(_CARRIED)
        )
        query = _records(log, _TURN).where(func.substr(duty_entries.c.key, len(_TURN) + 1).not_in(done))
        with self._store.read() as connection:
            return [DutyTurn.from_facts(row) for row in connection.execute(query).scalars()]

    def carried_turn(self, log: str, number: int, at: datetime) -> None:
        """Everything that follows from a turn was done."""
        with self._store.write() as connection:
            _put(connection, log, f"{_CARRIED}{number:09}", at, {})

    def want_duty(self, wanted: Wanted) -> bool:
        """An office would take a duty back. False where that is on record already."""
        with self._store.write() as connection:
            fresh = _put(connection, wanted.log, f"{_WANTED}{wanted.duty}:{wanted.number}:{wanted.to}", wanted.at, wanted.to_facts())
            if fresh:
                facts: JsonObject = {"to": wanted.to, "number": wanted.number, **({"exercise": wanted.log} if wanted.log else {})}
                append(connection, "duty.wanted", wanted.duty, facts, actor=wanted.by, at=wanted.at)
            return fresh

    def wanted_duties(self, log: str = REAL) -> list[Wanted]:
        """Oldest first."""
        with self._store.read() as connection:
            return [Wanted.from_facts(row) for row in connection.execute(_records(log, _WANTED)).scalars()]

    def call_off(self, prefix: str, over: Callable[[str], bool]) -> list[str]:
        """Nothing more is sent, or asked, by the notices whose name begins so and of whose name `over` says so, but for what is on its way
        just now; those that it stopped."""
        query = select(notices.c.record).where(notices.c.id.startswith(prefix, autoescape=True), notices.c.due.is_not(None))
        with self._store.read() as connection:
            if connection.execute(query.limit(1)).first() is None:
                return []
        with self._store.write() as connection:
            found = [Notice.from_facts(row) for row in connection.execute(query).scalars()]
            stopped = [one.model_copy(update={"due": None}) for one in found if not one.claims and over(one.id)]
            for one in stopped:
                connection.execute(update(notices).where(notices.c.id == one.id).values(due=None, record=one.to_facts()))
            return [one.id for one in stopped]

    def duty_exercises(self) -> list[str]:
        """The rehearsals that there were, the newest last."""
        query = select(duty_entries.c.duty).where(duty_entries.c.duty != _ALL).group_by(duty_entries.c.duty)
        with self._store.read() as connection:
            return list(connection.execute(query.order_by(func.min(duty_entries.c.seq))).scalars())


def _records(log: str, kind: str) -> Select[tuple[Any]]:
    return (
        select(duty_entries.c.record)
        .where(duty_entries.c.duty == (log or _ALL), duty_entries.c.key.startswith(kind))
        .order_by(duty_entries.c.seq)
    )


def _put(connection: Connection, log: str, key: str, at: datetime, record: JsonObject) -> bool:
    return insert_if_absent(connection, duty_entries, {"duty": log or _ALL, "key": key, "at": at, "record": record})


def _last(connection: Connection, log: str) -> DutyTurn | None:
    query = (
        select(duty_entries.c.record)
        .where(duty_entries.c.duty == (log or _ALL), duty_entries.c.key.startswith(_TURN))
        .order_by(duty_entries.c.seq.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar()
    return None if found is None else DutyTurn.from_facts(found)


def _subject(taken: DutyTurn) -> str:
    event = taken.turn.event.to_facts()
    return str(event.get("duty") or event.get("office") or event.get("contact") or "duties")


def _noted(taken: DutyTurn) -> JsonObject:
    """What was decided, without the reasons: those stay in the log."""
    kept = ("does", "duty", "office", "number", "why")
    said = [{name: value for name, value in each.to_facts().items() if name in kept and value} for each in taken.turn.transitions]
    return {"turn": taken.number, "decided": said, **({"exercise": taken.log} if taken.log else {})}
