"""Codes by which people acknowledge, as keyed digests: each for one message to one person, once, for a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from dr.catalog.noun import Noun, insert_if_absent
from dr.catalog.schema import codes
from dr.model.ports.notices import Code

_KEPT = ("channel", "outage", "round", "address")


class CodeRecords(Noun):
    def record_codes(self, new: Sequence[Code]) -> list[str]:
        """The digests of those that are another message's already, now or long ago: they stay what they were."""
        taken = []
        with self._store.write() as connection:
            for code in new:
                row = {"digest": code.digest, "notice": code.notice, "contact": code.contact, "expires": code.expires, "used": code.used}
                if not insert_if_absent(connection, codes, {**row, "record": {name: getattr(code, name) for name in _KEPT}}):
                    taken.append(code.digest)
        return taken

    def code(self, digest: str) -> Code | None:
        with self._store.read() as connection:
            row = connection.execute(select(codes).where(codes.c.digest == digest)).first()
            return None if row is None else _code(row)

    def use_code(self, digest: str, at: datetime) -> bool:
        """Whether it was not used before: of two at once, one is told True."""
        statement = update(codes).where(codes.c.digest == digest, codes.c.used.is_(None)).values(used=at)
        with self._store.write() as connection:
            return connection.execute(statement).rowcount > 0


def _code(row: Row[Any]) -> Code:
    return Code(row.digest, row.notice, row.contact, row.expires, used=row.used, **row.record)
