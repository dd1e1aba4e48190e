"""Judgements that are kept, and how much has befallen each system since: the store itself counts that, whoever writes (see 0005)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from dr.catalog.noun import Noun
from dr.catalog.schema import standings
from dr.model.readiness import Kept

_FIELDS = ("system", "judged", "files", "at", "until", "colour", "as_of")


class StandingRecords(Noun):
    def standings(self) -> dict[str, tuple[int, Kept | None]]:
        """By system, how much has befallen it, and the judgement that was kept last; whether that holds is for `Kept.holds` to say.

        What has befallen a system is a number that rises with every fact that a judgement of it rests on; a system that nothing ever befell
        may be missing: 0.
        """
        query = select(standings.c.revision, *(standings.c[name] for name in _FIELDS))
        with self._store.read() as connection:
            return {row[1]: (row[0], None if row[2] is None else Kept(*row[1:])) for row in connection.execute(query)}

    def keep_judgements(self, kept: Sequence[Kept]) -> None:
        """For the next look. `judged` was read before the facts were: what befell the system meanwhile makes it void."""
        rows = [{"revision": 0} | {name: getattr(one, name) for name in _FIELDS} for one in kept]
        statement = insert(standings)
        values = {name: statement.excluded[name] for name in _FIELDS[1:]}
        if rows:
            with self._store.write() as connection:
                connection.execute(statement.on_conflict_do_update(index_elements=["system"], set_=values), rows)
