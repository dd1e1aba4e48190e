"""`open`: what was restored is production, and users are let in. Only in a recovery; with a second person's word, or `--alone` and why.

First the standby's marker is replaced by the signed in-service marker (durably), then the catalog knows the host as production: from
there on no writable handle exists for it. Only then does its server listen where users come from. Safe to repeat: each of the three is
looked at before it is done, and a run that was killed between them goes on where it was.

Right before the first, what somebody asked to be erased or shared no longer since the run's own replay is carried out too: a recovery may
wait for its approval for hours.
"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from pydantic import Field, field_validator, model_validator

from dr.actions.journal import late_after, places_of, require_replayed, require_unasked
from dr.actions.replaying import Order, replay
from dr.actions.settled import record_settled
from dr.clock import local
from dr.errors import DrError, Failed, NotProvablyStandby, Refused
from dr.model.base import HostName, Instant, JsonObject, Seconds, SetId, StrictModel, SystemName
from dr.model.inventory import SecretRef
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, ServingHost, StepContext, WritableHost
from dr.model.record import HostState
from dr.model.runbook import Declaration
from dr.policy.approval import same_person
from dr.policy.recovery import lost, made_here

_ADDRESS = re.compile(r"^(\*|[0-9A-Za-z][0-9A-Za-z.:-]{0,252})$")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NONE: tuple[JsonObject, ...] = ()


class Params(StrictModel):
    host: HostName
    """The standby that this run restored onto."""
    set: SetId
    listen: tuple[str, ...] = Field(default=_LOOPBACK[:1], min_length=1)
    """The addresses at which its server takes connections from now on; `*` is every one."""
    allow: tuple[str, ...] = ()
    """The networks that users and applications come from, such as 10.1.0.0/16; each with the password that it had."""
    login_of: HostName | None = None
    """The host of the inventory whose user and password the server's superuser has from now on: the lost production's, so that whoever
    could log in there can here. Without it the throwaway password stays, in the run's place on the host."""

    unit: Literal["none", "system", "user"] = "none"
    """A unit of systemd's that starts the server with its machine is written there in any case; `system` has it put in force where dr is
    root there, `user` as that user's own. A login with a forced command puts nothing in force: then the commands are told."""

    @field_validator("listen")
    @classmethod
    def _addresses(cls, listen: tuple[str, ...]) -> tuple[str, ...]:
        for one in listen:
            if not _ADDRESS.match(one):
                raise ValueError(f"'{one}' is no address to listen at; write an address of that host, a name of it, or *")
        return listen

    @field_validator("allow")
    @classmethod
    def _networks(cls, allow: tuple[str, ...]) -> tuple[str, ...]:
        for one in allow:
            try:
                ipaddress.ip_network(one)
            except ValueError:
                raise ValueError(f"'{one}' is no network; write for example 10.1.0.0/16, or 10.1.2.3/32 for one machine") from None
        return allow

    @model_validator(mode="after")
    def _somebody_may_come(self) -> "Params":
        if not self.allow and any(one not in _LOOPBACK for one in self.listen):
            raise ValueError("it would listen on the network and let nobody in; name the networks that users come from under `allow`")
        return self


class Facts(StrictModel):
    host: HostName
    set: SetId
    since: Instant
    """When the host became production."""
    servers: tuple[JsonObject, ...]
    """Where each server answers: source, port, user, the addresses that it listens at."""
    lost: Seconds
    """What was entered in this time, between the set and the recognised failure, is not there."""
    as_of: Instant | None = None
    """When the set was taken."""
    made_here: bool = False
    """Whether this run itself made it, as a planned way back does."""
    login: str
    """Whose password the superuser has now, in words."""
    late: tuple[JsonObject, ...] = ()
    """The requests that were made after the run's own replay and carried out here, as that tells them."""
    by_hand: tuple[str, ...] = ()
    """What is left for a person to do on that host, soon but not before anybody can work."""


def run(params: Params, ctx: StepContext) -> Outcome:
    declared = _declaration(ctx).declared
    _require_approval(ctx)
    serving = ctx.serving_host(params.host)
    entered, late = serving is None, _NONE
    if serving is None:
        require_replayed(SystemName(str(ctx.plan.system)), params.set, ctx)
        serving, late = _enter(params, ctx)
    settled = serving.settled()
    if settled["set"] != params.set:
        raise Refused(f"host '{params.host}' went into service with set {settled['set']}, not {params.set}")
    _record(params, settled, ctx)
    ctx.failpoint("after-production")
    ctx.progress("letting users in")
    user, password, login = _login(params, ctx)
    unit = {"unit": params.unit, "name": f"dr-{ctx.plan.system}"}
    told = serving.accept({"listen": list(params.listen), "allow": list(params.allow), "user": user, "password": password, **unit})
    ctx.failpoint("after-accepting")
    ctx.audit("system.opened", params.host, {"set": params.set, "listen": list(params.listen)})
    instant = _instant(params, ctx)
    facts = Facts(
        host=params.host,
        set=params.set,
        since=datetime.fromisoformat(settled["since"]),
        servers=tuple({key: one[key] for key in one if key != "by_hand"} for one in told["servers"]),
        lost=lost(declared, instant),
        as_of=instant,
        made_here=made_here(params.set, ctx.records.steps(ctx.run)),
        login=login,
        late=late,
        by_hand=(*(line for one in told["servers"] for line in one.get("by_hand", ())), *_held(params, ctx)),
    )
    return Outcome(changed=entered, facts=facts.to_facts())


def _declaration(ctx: StepContext) -> Declaration:
    if ctx.plan.kind != "recovery" or ctx.plan.declaration is None:
        raise Refused(
            "nothing is opened but in a recovery that was declared", hint=f"dr recover {ctx.plan.system or 'SYSTEM'} --reason TEXT"
        )
    return ctx.plan.declaration


def _require_approval(ctx: StepContext) -> None:
    """The runbook asks for it; this makes sure that it was given."""
    if _declaration(ctx).alone:
        return
    steps = [s for s in ctx.records.steps(ctx.run) if s.action == "approve" and s.state == "done"]
    given = [str(s.facts["by"]) for s in steps if s.resolved.get("second_person") is True]
    if not any(not same_person(by, ctx.requested_by) for by in given):
        raise Refused(
            f"nobody but {ctx.requested_by} stands for this recovery, so the system is not opened",
            hint="an `approve` step with second_person: true must come before it; or begin it anew with --alone and the reason",
        )


def _enter(params: Params, ctx: StepContext) -> tuple[ServingHost, tuple[JsonObject, ...]]:
    """The host in service, and the requests that were carried out first."""
    host = ctx.writable_host(params.host)
    if not host.holds(params.set):
        raise Refused(f"{params.host} does not hold {params.set} as restored by this run", hint="a restore step must come before open")
    late = _replayed_late(params, host, ctx)
    ctx.audit("standby.enters-service", params.host, {"set": params.set})
    host.enter_service(params.set)
    ctx.failpoint("after-marker")
    serving = ctx.serving_host(params.host)
    if serving is None:
        raise Failed(f"host '{params.host}' does not say that it is in service", hint=f"dr hosts check {params.host}")
    return serving, late


def _replayed_late(params: Params, host: WritableHost, ctx: StepContext) -> tuple[JsonObject, ...]:
    """What keeps it from being carried out is mended while the step's `retry` lasts: a refusal would end a run that took hours."""
    system = SystemName(str(ctx.plan.system))
    known = late_after(system, params.set, ctx)
    if known is None:
        return ()
    wanted = ctx.inventory.systems[system].suppression
    if wanted is None:
        require_unasked(places_of(system, ctx))
        return ()
    ctx.progress("replaying what was asked since this run replayed")
    try:
        done = replay(Order(system, params.host, params.set, wanted), host, ctx)
    except NotProvablyStandby:
        raise
    except Refused as refusal:
        raise Failed(refusal.message, hint=refusal.hint) from None
    return tuple(one for one in done.told if one["entry"] > known)


def _record(params: Params, settled: JsonObject, ctx: StepContext) -> None:
    """What it is recognised by first: with that the guard refuses it even where the marker could not be read."""
    record_settled(settled, params.host, ctx)
    since = datetime.fromisoformat(settled["since"])
    ctx.records.record_host(HostState(host=params.host, state="in-service", run=ctx.run, set=params.set, since=since))
    ctx.audit("host.in-service", params.host, {"set": params.set})
    system = str(ctx.plan.system)
    ctx.finding(
        f"reprotect:{system}",
        "critical",
        f"{system} runs on '{params.host}' since {local(since, ctx.inventory.organisation.zone)}: its nightlies still read the lost "
        "production, and the drills that would write there are suspended",
        hint=f"dr reprotect {system}",
    )


def _login(params: Params, ctx: StepContext) -> tuple[str | None, str | None, str]:
    """User and password of `login_of`, and whose they are. A secret that cannot be had keeps nobody out at 3 in the morning."""
    throwaway = "a throwaway password, in secret/superuser.pgpass of the run's place"
    settings = getattr(ctx.host(params.login_of).settings, "postgres", None) if params.login_of else None
    ref: SecretRef | None = getattr(settings, "password", None)
    if settings is None or ref is None:
        return None, None, throwaway + (f", since {params.login_of} names none" if params.login_of else "")
    try:
        return str(settings.user), ctx.secret(ref), f"the password of {params.login_of} ({ref.place})"
    except DrError as error:
        return None, None, f"{throwaway}, since {error.message}"


def _held(params: Params, ctx: StepContext) -> Iterator[str]:
    """What no program should decide."""
    steps = [s for s in ctx.records.steps(ctx.run) if s.action == "restore" and s.facts.get("onto") == params.host]
    places = [p for s in steps[-1:] for p in s.facts.get("places", {}).values() if isinstance(p, dict) and "data_directory" in p]
    for place in places:
        if place.get("neutralised"):
            again = place["data_directory"].replace("/pgdata", "/secret/neutralised-again.sql")
            yield f"look at what could reach out and was switched off or held ({len(place['neutralised'])}): {again} switches on again"
    yield from _beside(params, steps[-1].facts if steps else {}, ctx)


def _beside(params: Params, restored: JsonObject, ctx: StepContext) -> Iterator[str]:
    """A line for each file set that stays where it was restored, since no step of the runbook puts it anywhere."""
    swaps = [s for s in ctx.plan.steps if s.action == "swap-in" and s.with_.get("host") == params.host]
    put = {source for swap in swaps for source in swap.with_.get("places") or ()}
    for source, place in restored.get("places", {}).items():
        if isinstance(place, dict) and "path" in place and source not in put:
            yield f"file set '{source}' lies in {place['path']} on {params.host}: no step puts it in its place (swap-in would have)"


def _instant(params: Params, ctx: StepContext) -> datetime:
    manifest = ctx.records.manifest(params.set)
    if manifest is None:
        raise Failed(f"set {params.set} is not in the catalog", hint="dr catalog rebuild")
    return manifest.instant


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """Whether the guard would let it, and whether the password is there."""
    problems = [f"the guard refuses {params.host}: {what}" for fine, what in ctx.host_check(params.host) if not fine]
    login = ctx.inventory.hosts[params.login_of].with_.get("postgres", {}).get("password") if params.login_of else None
    if login:
        ctx.secret(SecretRef.from_facts(login))
    where = ", ".join(params.listen)
    says = (
        f"would make {params.host} production: no drill, no scrub and no second recovery can write to it from then on",
        f"would then let users in at {where}" + (f" from {', '.join(params.allow)}" if params.allow else ", from that host only"),
        "would write a unit of systemd's that starts its server with the machine" + _in_force(params.unit),
    )
    return Rehearsal(says, problems=tuple(problems))


def _in_force(unit: str) -> str:
    return "" if unit == "none" else f", and put it in force ({unit})"


ACTION = Action(
    kind="open",
    params=Params,
    facts=Facts,
    effect=Effect.WRITES,
    run=run,
    failpoints=("after-marker", "after-production", "after-accepting"),
    rehearse=rehearse,
)
