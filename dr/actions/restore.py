"""`restore`: bring one backup set up on a standby host.

Where another run uses the standby it waits, says for whom, and the clock runs on: on the day it would. A time limit of the step or a
cancel ends the wait.

Safe to repeat: it loads into a fresh place that it claims first, and adopts the result last, so a run resumed after a crash either
starts the load again or finds it done.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import Field

from dr.actions.overall import Overall
from dr.actions.turn import Turn
from dr.errors import Damaged
from dr.model.base import ByteCount, HostName, Instant, JsonObject, RepositoryName, RunId, Seconds, SetId, StrictModel, SystemName
from dr.model.ports import Action, ArtifactReader, Effect, OpenSet, Outcome, StepContext, WritableHost
from dr.model.record import HostState

ROOM = 2.5
"""Free space wanted on the standby, as a multiple of the plain bytes: the dump in staging, the loaded cluster, and its indexes."""

_OBJECT = re.compile(r": set [^ :]+: ([^ :]+)")
"""The stored object that a Damaged names: the copies that share its bytes are damaged with it."""


class Params(StrictModel):
    system: SystemName
    set: SetId
    """Concrete by now: 'newest' was resolved, and recorded, by select-backup."""
    from_: RepositoryName = Field(alias="from")
    onto: HostName


class Facts(StrictModel):
    set: SetId
    onto: HostName
    repository: RepositoryName
    bytes: ByteCount
    instant: Instant
    places: JsonObject
    neutralised: tuple[JsonObject, ...] = ()
    """What could have reached out or run by itself, by kind and name, and how it is held back. A recovery lets it go by hand."""
    needle: str | None = None
    recipient: str | None = None
    """The public half of the key that read all of it; None where an interrupted attempt had loaded it, maybe with another key."""
    waited: Seconds = Seconds(0.0)
    """For other runs to leave the standby: inside the recovery time, since the clock never pauses."""
    waited_for: tuple[RunId, ...] = ()


def run(params: Params, ctx: StepContext) -> Outcome:
    turn = Turn(params.onto, ctx)
    host = turn.take(lambda: ctx.writable_host(params.onto))  # raises NotProvablyStandby; the only way to a handle that can write
    repository = ctx.repository(params.from_)
    repository.identity()
    with _noticing_damage(params, ctx):
        opened = ctx.sets.open(params.system, params.set, repository)
    if host.holds(params.set):  # this run loaded it before a crash; another run's load may have been changed since
        _record(params, host, ctx)  # the crash may have come before the record
        return Outcome(changed=False, facts=_facts(params, opened, host.places(), None, turn).to_facts())
    places = _load(params, opened, host, ctx, turn)
    host.adopt(params.set, places)
    ctx.failpoint("after-adopt")
    _record(params, host, ctx)
    return Outcome(changed=True, facts=_facts(params, opened, places, opened.recipient, turn).to_facts())


def _load(params: Params, opened: OpenSet, host: WritableHost, ctx: StepContext, turn: Turn) -> JsonObject:
    turn.take(lambda: host.require_space(int(opened.manifest.plain * ROOM)))
    # an empty place: a claim that is refused leaves no mark, a crash right after it leaves no data
    turn.take(lambda: host.claim(params.set))
    ctx.failpoint("after-claim")
    ctx.records.record_host(HostState(host=params.onto, state="claimed", run=ctx.run, set=params.set, since=ctx.clock.now()))
    ctx.audit("restore.begun", f"{params.onto}/{params.set}", {"from": params.from_})
    places: JsonObject = {}
    overall = Overall(ctx, int(opened.manifest.plain))
    for source, readers in _by_source(opened).items():
        ctx.check_stop()
        size = sum(int(reader.artifact.plain) for reader in readers)
        counted = overall.share(size)
        counted.progress(f"restoring {source}")
        with _noticing_damage(params, ctx):
            places[source] = host.bring(ctx.source(readers[0].artifact.kind), readers, counted, opened)
        overall.settle(size)
        ctx.failpoint("after-source")
    ctx.failpoint("after-load")
    return places


def _by_source(opened: OpenSet) -> dict[str, list[ArtifactReader]]:
    grouped: dict[str, list[ArtifactReader]] = {}
    for reader in opened.artifacts():
        grouped.setdefault(reader.artifact.source, []).append(reader)
    return grouped


def _record(params: Params, host: WritableHost, ctx: StepContext) -> None:
    now = ctx.clock.now()
    claimed = [state.since for state in ctx.records.hosts() if (state.host, state.run, state.set) == (params.onto, ctx.run, params.set)]
    since = claimed[0] if claimed else now  # data lies there since it was claimed
    ctx.records.record_host(HostState(host=params.onto, state="adopted", run=ctx.run, set=params.set, since=since))
    ctx.records.raise_proof(params.set, params.from_, "restored", now, ctx.run, {"host": params.onto})
    ctx.audit("restore.adopted", f"{host.name}/{params.set}", {"from": params.from_})


@contextmanager
def _noticing_damage(params: Params, ctx: StepContext) -> Iterator[None]:
    """Round what reads the copy, and nothing else: a broken file of the standby's voids no proof of a backup."""
    try:
        yield
    except Damaged as error:
        _spoiled(params, error, ctx)
        error.hint = error.hint or _instead(params, ctx)
        raise


def _spoiled(params: Params, error: Damaged, ctx: StepContext) -> None:
    named = _OBJECT.search(error.message)
    ctx.records.mark_damaged(params.set, params.from_, [named[1]] if named else [], ctx.clock.now(), ctx.run)
    ctx.finding(
        f"damaged:{params.system}:{params.from_}:{params.set}",
        "critical",
        f"the copy of {params.set} in {params.from_} cannot be restored: {error.message}",
        system=params.system,
        hint=_instead(params, ctx),
    )


def _instead(params: Params, ctx: StepContext) -> str:
    """What to restore now, by what the catalog knows of the set's other copies."""
    entry = ctx.inventory.systems[params.system].runbooks
    twins = [c for c in ctx.records.copies(params.system) if c.set == params.set and not c.damaged]
    good = next((c for c in sorted(twins, key=lambda c: c.tier not in entry.drill) if c.repository != params.from_), None)
    if good is None:
        again = f" and back up anew: dr run {entry.nightly}" if entry.nightly else ""
        return f"no other copy of this set is undamaged: choose another set (`dr backups list`){again}"
    how = f": dr drill {params.system} --tier {good.tier} --select {params.set}" if good.tier in entry.drill else ""
    return f"its copy in {good.repository} can be restored{how}; the next nightly mends this one from it"


def _facts(params: Params, opened: OpenSet, places: JsonObject, recipient: str | None, turn: Turn) -> Facts:
    return Facts(
        set=params.set,
        onto=params.onto,
        repository=params.from_,
        bytes=opened.manifest.plain,
        instant=opened.manifest.instant,
        places={source: _without(told) for source, told in places.items()},
        neutralised=_neutralised(places),
        needle=opened.index.needle,
        recipient=recipient,
        waited=turn.waited(),
        waited_for=turn.behind(),
    )


def _neutralised(places: JsonObject) -> tuple[JsonObject, ...]:
    told = [(source, one) for source, place in places.items() if isinstance(place, dict) for one in place.get("neutralised", ())]
    return tuple({"source": source, **one} for source, one in told)


def _without(place: Any) -> Any:
    """What a place says, without what is said by itself."""
    return {key: value for key, value in place.items() if key != "neutralised"} if isinstance(place, dict) else place


ACTION = Action(
    kind="restore",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=("after-claim", "after-source", "after-load", "after-adopt"),
)
