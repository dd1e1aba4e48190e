"""`probe`: ask over the network whether something answers, outside of any restore: production each night, an application at its new site.

It takes the checks that need nothing restored. What does not answer as it should fails the step, so that `retry` asks again and
`on_error` decides whether the run goes on; it is a finding until a later probe of the same step finds it well. Safe to repeat: it
only asks.
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from dr.drivers.net.http import parse
from dr.errors import ConfigError, DrError, Failed
from dr.model.base import JsonObject, StrictModel, SystemName, canonical, sha256
from dr.model.inventory import SecretRef
from dr.model.ports import Action, Effect, Outcome, Probe, Rehearsal, RehearseContext, StepContext
from dr.model.record import CheckResult
from dr.model.runbook import CheckRef

KINDS = ("http-answers", "sql-answers", "tcp-answers", "tls-expiry")
"""The checks that are a `dr.model.ports.Probe`."""


class Params(StrictModel):
    checks: tuple[CheckRef, ...] = Field(min_length=1)
    system: SystemName | None = None
    """Whose trouble it is when they fail; else the run's."""

    @field_validator("checks")
    @classmethod
    def _ask_the_network(cls, checks: tuple[CheckRef, ...]) -> tuple[CheckRef, ...]:
        for ref in checks:
            if ref.check not in KINDS:
                raise ValueError(f"'{ref.check}' looks at a restored system; a probe takes {', '.join(KINDS)}")
        return checks


class Facts(StrictModel):
    verdict: Literal["PASS"]
    """What fails leaves none: the step's failure says what, and a finding each."""
    answers: tuple[CheckResult, ...]


def run(params: Params, ctx: StepContext) -> Outcome:
    answers = tuple(_ask(ref, ctx) for ref in params.checks)
    wrong = [f"{one.check}: {one.summary}" for one in answers if not _well(one)]
    _note(params, answers, ctx)
    if wrong:
        many = f"{len(wrong)} of {len(answers)} probes failed:\n   " if len(answers) > 1 else ""
        hint = "a `retry` in the runbook asks again for a while; `on_error: continue` goes on all the same"
        raise Failed(many + "\n   ".join(wrong), hint=hint)
    return Outcome(changed=False, facts=Facts(verdict="PASS", answers=answers).to_facts())


def _ask(ref: CheckRef, ctx: StepContext) -> CheckResult:
    ctx.check_stop()
    check = ctx.check(ref.check)
    if not isinstance(check, Probe):
        raise ConfigError(f"'{ref.check}' looks at a restored system", hint=f"a probe takes {', '.join(KINDS)}")
    ctx.progress(f"asking {_about(ref.with_)}")
    return check.probe(check.params.from_facts(ref.with_), ctx)


def _well(answer: CheckResult) -> bool:
    return answer.passed and answer.examined > 0


def _note(params: Params, answers: tuple[CheckResult, ...], ctx: StepContext) -> None:
    """One finding for each question: two that differ in anything are two."""
    prefix = f"probe:{ctx.plan.runbook}:{ctx.step}:"
    keep = []
    for ref, answer in zip(params.checks, answers, strict=True):
        if not _well(answer):
            keep.append(f"{prefix}{answer.check}:{sha256(canonical(ref.to_facts()))[:8]}")
            ctx.finding(keep[-1], "critical", f"{answer.check}: {answer.summary}", system=params.system, hint=f"dr runs show {ctx.run}")
    ctx.records.close_findings(prefix, keep, ctx.clock.now(), ctx.run)


def _about(asked: JsonObject) -> str:
    """What of a check's parameters says whom it asks; never a URL's query."""
    if "login_of" in asked:
        return f"PostgreSQL of {asked.get('host', '?')}"
    if "url" in asked:
        try:
            return str(parse(str(asked["url"])))
        except ValueError:
            return "a web address"
    return f"{asked.get('host', '?')}:{asked.get('port', 443)}"


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    """Nobody is asked now; a secret that is missing is found now."""
    says = tuple(f"would ask {_about(ref.with_)} ({ref.check})" for ref in params.checks)
    return Rehearsal(says, problems=tuple(_missing(params, ctx)))


def _missing(params: Params, ctx: RehearseContext) -> Iterator[str]:
    for ref in params.checks:
        secret = ref.with_.get("authorization")
        if isinstance(secret, dict):
            try:
                ctx.secret(SecretRef.from_facts(secret))
            except DrError as error:
                yield f"{ref.check}: {error.message} ({error.hint})"


ACTION = Action(kind="probe", params=Params, facts=Facts, effect=Effect.READS, run=run, rehearse=rehearse)
