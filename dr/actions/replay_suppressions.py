"""`replay-suppressions`: carry out on what was restored the requests, to be erased or shared no longer, that came after the backup.

After the comparison with the source, which would differ afterwards, and before anybody is let in; what is asked for between this step and
`open` is carried out by `open`. Safe to repeat: all requests are one transaction, and the system's SQL does nothing where it was done
before. A journal that is missing, shortened or damaged everywhere stops the run: nobody knows then what must not come back. A system that
declares no `suppression`, and of which no request is on record, has nothing to replay: so the step may stand in every runbook, and is
there when `suppression` is added one day.
"""

from pydantic import Field

from dr.actions.journal import places_of, require_unasked
from dr.actions.replaying import Order, replay
from dr.errors import Refused
from dr.model.base import HostName, JsonObject, SetId, Sha256, StrictModel, SystemName
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, StepContext
from dr.model.suppression import SuppressionTemplates

_UNDECLARED = "nothing to replay: {system} declares no `suppression`"


class Params(StrictModel):
    system: SystemName
    host: HostName
    """The standby that this run restored onto."""
    set: SetId


class Facts(StrictModel):
    system: SystemName
    set: SetId
    declared: bool = True
    """Whether the system says how requests are replayed; where it does not, none is on record."""
    entries: int
    """Requests in the journal."""
    head: Sha256 | None = None
    """Hash of its last entry: a journal that is shown later must hold it."""
    replayed: tuple[JsonObject, ...] = Field(default=())
    """Each request by number, kind, date, the HMAC of its key, and the rows that it touched."""


def run(params: Params, ctx: StepContext) -> Outcome:
    wanted = ctx.inventory.systems[params.system].suppression
    return _nothing(params, ctx) if wanted is None else _replay(params, wanted, ctx)


def _nothing(params: Params, ctx: StepContext) -> Outcome:
    require_unasked(places_of(params.system, ctx))
    ctx.progress(_UNDECLARED.format(system=params.system))
    facts = Facts(system=params.system, set=params.set, declared=False, entries=0)
    return Outcome(changed=False, facts=facts.to_facts())


def _replay(params: Params, wanted: SuppressionTemplates, ctx: StepContext) -> Outcome:
    host = ctx.writable_host(params.host)
    if not host.holds(params.set):
        raise Refused(f"{params.host} does not hold {params.set} as restored by this run", hint="a restore step must come before")
    _require_compared(params, ctx)
    done = replay(Order(params.system, params.host, params.set, wanted), host, ctx, ctx.failpoint)
    facts = Facts(system=params.system, set=params.set, entries=done.entries, head=done.head, replayed=done.told)
    return Outcome(changed=any(one["rows"] for one in done.told), facts=facts.to_facts())


def _require_compared(params: Params, ctx: StepContext) -> None:
    """Of this run, and of this set; whatever it found: that is told by its own verdict."""
    checks = [s for s in ctx.records.steps(ctx.run) if s.action == "check" and s.state == "done"]
    compared = any((s.resolved.get("set"), s.resolved.get("host")) == (params.set, params.host) for s in checks)
    if not compared:
        raise Refused(
            f"{params.set} was not compared with its source yet, and would differ from it afterwards",
            hint="a `check` step with content-equals-source must come before replay-suppressions",
        )


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """Whether the system says how."""
    if ctx.inventory.systems[params.system].suppression is None:
        return Rehearsal((_UNDECLARED.format(system=params.system),))
    return Rehearsal(("would replay every request that came after the set, by the system's SQL",))


ACTION = Action(
    kind="replay-suppressions",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=("before-replay", "after-replay"),
    rehearse=rehearse,
)
