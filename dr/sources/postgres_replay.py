"""Requests carried out in a restored database: which one, and by which of the system's templates."""

from dr.drivers.postgres.connect import dsn_of
from dr.drivers.postgres.names import shown
from dr.drivers.postgres.replay import prepare
from dr.drivers.postgres.replay import replay as run
from dr.errors import Refused
from dr.model.base import JsonObject
from dr.model.ports import ReplayOrder, StepContext

_NOBODYS = ("postgres", "template1")


def replay(place: JsonObject, order: ReplayOrder, ctx: StepContext) -> list[int]:
    """See `ports.Replays`."""
    name = _database(place, order.database)
    statements = {kind: prepare(text, f"the template '{kind}'") for kind, text in order.templates.items()}
    ctx.progress("carrying out what was asked since", 0, len(order.requests), "items")
    return run(dsn_of(place, name), [(statements[kind], key) for kind, key in order.requests])


def _database(place: JsonObject, named: str | None) -> str:
    there = [str(name) for name in place["databases"]]
    own = [name for name in there if name not in _NOBODYS] or there
    if named is not None and named not in there:
        raise Refused(f"the restored server has no database '{shown(named)}'", hint="`suppression` in inventory/systems.yaml names it")
    if named is None and len(own) != 1:
        raise Refused(
            f"the restored server has {len(own)} databases, and none is named", hint="write `database` under the system's `suppression`"
        )
    return named or own[0]
