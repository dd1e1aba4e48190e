"""`check`: prove a restored system, by the checks that the runbook names. Zero checks, or a check that looked at nothing, is FAIL.

Safe to repeat: checks only read. A FAIL is a verdict with its facts, not an exception, so that the evidence keeps what was found.
"""

from datetime import datetime

from pydantic import Field

from dr.actions.source_review import review_newest
from dr.errors import DrError, Refused, Stopped, Unreachable
from dr.model.base import ByteCount, HostName, RepositoryName, SetId, StrictModel, SystemName
from dr.model.ports import Action, Effect, OpenSet, Outcome, Restored, StepContext
from dr.model.record import CheckResult, Verdict
from dr.model.runbook import CheckRef


class Params(StrictModel):
    host: HostName
    system: SystemName
    set: SetId
    from_: RepositoryName = Field(alias="from")
    checks: tuple[CheckRef, ...] = Field(min_length=1)


class Facts(StrictModel):
    verdict: Verdict
    proven: bool
    """Whether every artifact of the set was compared with the source, and equal."""
    results: tuple[CheckResult, ...]
    bytes: ByteCount = ByteCount(0)
    """Plain bytes of the set that was proven, and the rows that were compared: what its time is later seen against."""
    rows: int = 0


def run(params: Params, ctx: StepContext) -> Outcome:
    host = ctx.writable_host(params.host)
    if not host.holds(params.set):
        raise Refused(f"{params.host} does not hold {params.set} as restored by this run", hint="a restore step must come before check")
    opened = ctx.sets.open(params.system, params.set, ctx.repository(params.from_))
    restored = Restored(host=host, set=opened, places=host.places())
    results = tuple(_one(ref, restored, ctx) for ref in params.checks)
    passed = bool(results) and all(r.passed and r.examined > 0 for r in results)
    proven = passed and _covers(opened, results)
    if proven:
        detail = {"checks": [r.check for r in results], "digest": _digest(results)}
        ctx.records.raise_proof(params.set, params.from_, "proven", ctx.clock.now(), ctx.run, detail)
        ctx.audit("copy.proven", f"{params.from_}/{params.set}", detail)
        review_newest(params.system, ctx)
        ctx.records.close_finding(f"no-standby:{params.system}", ctx.clock.now(), ctx.run)  # which a recovery left: here is one
    _say(params, results, ctx)
    facts = Facts(verdict="PASS" if passed else "FAIL", proven=proven, results=results, bytes=opened.manifest.plain, rows=_rows(results))
    return Outcome(changed=False, facts=facts.to_facts())


def _one(ref: CheckRef, restored: Restored, ctx: StepContext) -> CheckResult:
    ctx.check_stop()
    ctx.progress(f"checking {ref.check}")
    started = ctx.clock.now()
    try:
        check = ctx.check(ref.check)
        return restored.host.prove(check, check.params.from_facts(ref.with_), restored, ctx)
    except Stopped:
        raise
    except Unreachable as error:
        restored.host.recheck()  # a standby that is lost has failed no check: then this raises, and the step can be tried again
        return _could_not_look(ref, error, started, ctx)
    except DrError as error:
        return _could_not_look(ref, error, started, ctx)


def _could_not_look(ref: CheckRef, error: DrError, started: datetime, ctx: StepContext) -> CheckResult:
    summary = f"could not look: {error.message}"
    return CheckResult(check=ref.check, passed=False, examined=0, summary=summary, started=started, ended=ctx.clock.now())


def _covers(opened: OpenSet, results: tuple[CheckResult, ...]) -> bool:
    covered = {name for r in results if r.proves for name in r.artifacts}
    return {a.name for a in opened.manifest.artifacts} <= covered


def _rows(results: tuple[CheckResult, ...]) -> int:
    """As the proofs counted them, table by table."""
    databases = [database for r in results if r.proves for database in r.details.get("databases", {}).values()]
    return sum(int(table.get("rows", 0)) for database in databases for table in database.get("tables", {}).values())


def _digest(results: tuple[CheckResult, ...]) -> str:
    methods = {str(r.details["digest"]) for r in results if r.proves and "digest" in r.details}
    return "fast" if "fast" in methods or not methods else "cryptographic"


def _say(params: Params, results: tuple[CheckResult, ...], ctx: StepContext) -> None:
    prefix = f"check:{params.system}:"
    keep = []
    for result in results:
        if not (result.passed and result.examined > 0):
            keep.append(f"{prefix}{result.check}")
            hint = "the evidence of the run names every difference: dr report RUN"
            ctx.finding(keep[-1], "critical", f"{result.check} failed: {result.summary}", system=params.system, hint=hint)
    ctx.records.close_findings(prefix, keep, ctx.clock.now(), ctx.run)


ACTION = Action(kind="check", params=Params, facts=Facts, effect=Effect.READS, run=run)
