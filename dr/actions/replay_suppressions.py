"""`replay-suppressions`: carry out on what was restored the requests, to be erased or shared no longer, that came after the backup.

After the comparison with the source, which would differ afterwards, and before anybody is let in. Safe to repeat: all requests are one
transaction, and the system's SQL does nothing where it was done before. A journal that is missing, shortened or damaged everywhere stops
the run: nobody knows then what must not come back. A system that declares no `suppression`, and of which no request is on record, has
nothing to replay: so the step may stand in every runbook, and is there when `suppression` is added one day.
"""

from datetime import datetime
from pathlib import Path

from pydantic import Field

from dr.actions.journal import open_key, places_of, require_unasked, tell
from dr.clock import iso
from dr.errors import Damaged, Refused
from dr.model.base import HostName, JsonObject, SetId, Sha256, SourceName, StrictModel, SystemName
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, ReplayOrder, Replays, StepContext
from dr.model.suppression import SuppressionEntry, SuppressionTemplates
from dr.policy.suppression import due

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
    looked = places_of(params.system, ctx).look()
    tell(params.system, looked, ctx)
    journal = looked.holding(params.system)
    entries = due(journal, _instant(params, ctx), wanted.margin)
    source = ctx.source(ctx.inventory.systems[params.system].sources[wanted.source].kind)
    if not isinstance(source, Replays):
        raise Refused(f"source '{wanted.source}' of {params.system} replays no requests", hint="name a database source")
    order = ReplayOrder(wanted.database, _templates(wanted, entries, Path(ctx.home)), _opened(entries, ctx))
    ctx.failpoint("before-replay")
    rows = host.replay(source, _place(host.places(), SourceName(wanted.source)), order, ctx) if entries else []
    ctx.failpoint("after-replay")
    replayed = [_told(entry, count) for entry, count in zip(entries, rows, strict=True)]
    ctx.audit("suppressions.replayed", f"{params.host}/{params.set}", {"replayed": replayed, "entries": journal.seq, "head": journal.head})
    facts = Facts(system=params.system, set=params.set, entries=journal.seq, head=journal.head, replayed=tuple(replayed))
    return Outcome(changed=any(rows), facts=facts.to_facts())


def _require_compared(params: Params, ctx: StepContext) -> None:
    """Of this run, and of this set; whatever it found: that is told by its own verdict."""
    checks = [s for s in ctx.records.steps(ctx.run) if s.action == "check" and s.state == "done"]
    compared = any((s.resolved.get("set"), s.resolved.get("host")) == (params.set, params.host) for s in checks)
    if not compared:
        raise Refused(
            f"{params.set} was not compared with its source yet, and would differ from it afterwards",
            hint="a `check` step with content-equals-source must come before replay-suppressions",
        )


def _instant(params: Params, ctx: StepContext) -> datetime:
    manifest = ctx.records.manifest(params.set)
    if manifest is None:
        raise Refused(f"set {params.set} is not in the catalog", hint="dr catalog rebuild")
    return manifest.instant


def _templates(wanted: SuppressionTemplates, entries: list[SuppressionEntry], home: Path) -> dict[str, str]:
    """Of the kinds that there are requests of. Raises Refused where one is not declared or cannot be read."""
    files = {"erase": wanted.erase, "unshare": wanted.unshare}
    texts: dict[str, str] = {}
    for kind in sorted({entry.kind for entry in entries}):
        named = files[kind]
        if named is None:
            raise Refused(f"there are requests to {kind}, and no SQL that does it", hint=f"name a file under suppression.{kind}")
        try:
            texts[kind] = (home / named).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{named}, by which requests to {kind} are carried out, cannot be read", hint="is it below the home?") from None
    return texts


def _opened(entries: list[SuppressionEntry], ctx: StepContext) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((entry.kind, open_key(entry, ctx.keys)) for entry in entries)
    except Damaged as error:
        raise Refused(error.message, hint="dr suppress verify; another copy may be whole") from None


def _place(places: JsonObject, source: SourceName) -> JsonObject:
    if source not in places:
        raise Refused(f"source '{source}' came up nowhere in this run", hint="`suppression.source` names a source of the system")
    return dict(places[source])


def _told(entry: SuppressionEntry, rows: int) -> JsonObject:
    return {"entry": entry.seq, "kind": entry.kind, "asked": iso(entry.at), "hmac": entry.subject, "rows": rows}


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
