"""`scrub`: remove every trace of a drill from the standby and sign a certificate that says so.

Safe to repeat: a second scrub finds nothing to remove and certifies that.
"""

from dr.actions.turn import Turn
from dr.errors import DrError, Failed, NotProvablyStandby, Refused, StandbyInUse, Stopped
from dr.model.base import HostName, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext, WritableHost
from dr.model.record import HostState, ScrubCertificate, StepRecord


class Params(StrictModel):
    host: HostName


class Facts(StrictModel):
    certificate: ScrubCertificate | None = None
    left_to: str = ""
    """In words, where this run brought nothing there and another run uses the standby: that one scrubs it."""


def run(params: Params, ctx: StepContext) -> Outcome:
    if ctx.plan.kind == "recovery":
        raise Refused("a scrub never runs in a recovery: it would remove what has just been brought back", hint="mark it `only: drill`")
    try:
        host = ctx.writable_host(params.host)
    except StandbyInUse as used:
        if not _brought(params.host, ctx):  # then it is another run's, which scrubs it
            return _left(params.host, used)
        host = Turn(params.host, ctx).take(lambda: ctx.writable_host(params.host))
    canaries, unknown = _canaries(params.host, ctx)
    ctx.progress("removing what was restored, and looking for what may be left of it")
    try:
        certificate = host.scrub(canaries)
    except StandbyInUse as used:
        return _left_to_another(params.host, host, used)
    ctx.failpoint("after-removal")
    key = f"scrub:{params.host}"
    if certificate.found:
        ctx.finding(
            key, "critical", f"{certificate.found} canaries are left on {params.host} after the scrub", hint="look where it searched"
        )
        raise Failed(f"{params.host} still holds drill data after the scrub", hint="the certificate's 'searched' says where to look")
    ctx.records.close_findings(key, _say_unknown(params.host, unknown, ctx), ctx.clock.now(), ctx.run)
    ctx.records.record_host(HostState(host=params.host, state="clean", run=ctx.run, since=certificate.at))
    ctx.audit("standby.scrubbed", params.host, {"removed": len(certificate.removed), "canaries": certificate.canaries})
    return Outcome(changed=bool(certificate.removed), facts=Facts(certificate=certificate).to_facts())


def _brought(host: HostName, ctx: StepContext) -> bool:
    """Whether anything of this run was begun there, by the record."""
    sets = {str(step.resolved.get("set")) for step in ctx.records.steps(ctx.run) if step.action == "restore"}
    begun = [entry for one in sorted(sets) for entry in ctx.records.audit_of(f"{host}/{one}") if entry.event == "restore.begun"]
    return any(entry.facts.get("run") == ctx.run for entry in begun)


def _canaries(host: HostName, ctx: StepContext) -> tuple[list[bytes], list[str]]:
    """Words that were, or may have been, on the standby: the needles of what this run restored, and of what a run before it left there.

    Beside them the sets whose needle cannot be known, each with its cause.
    """
    runs = {ctx.run, *(state.run for state in ctx.records.hosts() if state.host == host and state.run and state.state != "clean")}
    needles: set[bytes] = set()
    unknown: list[str] = []
    for step in [s for run in sorted(runs) for s in ctx.records.steps(run) if s.action == "restore" and s.resolved.get("onto") == host]:
        try:
            needle = _needle(step, ctx)
        except Stopped:
            raise
        except DrError as error:  # the data goes all the same
            unknown.append(f"{step.resolved['set']}: {error.message}")
        else:
            needles |= {needle.encode()} if needle else set()
    return sorted(needles), unknown


def _needle(step: StepRecord, ctx: StepContext) -> str | None:
    """As the restore recorded it; one that was killed or cancelled recorded nothing, so the set itself is asked."""
    if step.facts:
        return step.facts.get("needle")
    asked = step.resolved
    begun = ctx.records.audit_of(f"{asked['onto']}/{asked['set']}")
    if not any(entry.event == "restore.begun" and entry.facts.get("run") == step.run for entry in begun):
        return None  # it was refused before it loaded anything
    return ctx.sets.open(asked["system"], asked["set"], ctx.repository(asked["from"])).index.needle


def _left_to_another(name: HostName, host: WritableHost, used: StandbyInUse) -> Outcome:
    """A run that only waited for its turn has nothing there to remove. Raises what it was told where it has."""
    try:
        host.place()
    except NotProvablyStandby:
        raise
    except Refused:  # it claimed nothing
        return _left(name, used)
    raise used


def _left(name: HostName, used: StandbyInUse) -> Outcome:
    said = f"this run brought nothing to {name}; {used.message}, which scrubs it"
    return Outcome(changed=False, facts=Facts(left_to=said).to_facts())


def _say_unknown(host: HostName, unknown: list[str], ctx: StepContext) -> list[str]:
    """The keys of the findings that stay open."""
    if not unknown:
        return []
    key = f"scrub:{host}:blind"
    message = f"what an unfinished restore left on {host} was removed, but could not be looked for afterwards: {'; '.join(unknown)}"
    ctx.finding(key, "warning", message, hint="the next drill whose set can be read looks on this host again")
    return [key]


ACTION = Action(kind="scrub", params=Params, facts=Facts, effect=Effect.DELETES, run=run, failpoints=("after-removal",))
