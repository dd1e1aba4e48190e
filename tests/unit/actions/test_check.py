"""The verdict of `check`: a proof that looked at nothing, could not look, or covered a part of the set only, is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.actions.check import ACTION, Facts
from dr.clock import FixedClock
from dr.errors import DrError, Refused, Stopped, Unreachable
from dr.model.base import JsonObject, RunId, SetId, StrictModel, SystemName
from dr.model.ports import Check, OpenSet, Restored, StepContext
from dr.model.record import CheckResult
from tests.support.proof_restored import SET, opened

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ARTIFACTS = ("db-00", "db-globals")
Look = Callable[[], CheckResult]


class NoParams(StrictModel):
    """The toy checks have none."""


def result(kind: str, *, passed: bool = True, examined: int = 7, proves: bool = False, artifacts: Sequence[str] = ()) -> CheckResult:
    return CheckResult(
        check=kind,
        passed=passed,
        examined=examined,
        summary="as it says",
        started=NOW,
        ended=NOW,
        proves=proves,
        artifacts=tuple(artifacts),
        details={"digest": "cryptographic"} if proves else {},
    )


def proof(*artifacts: str, examined: int = 7, passed: bool = True) -> CheckResult:
    return result("content", examined=examined, passed=passed, proves=True, artifacts=artifacts)


@dataclass
class ToyCheck:
    """Gives back what it is told to, or raises it."""

    kind: str
    says: CheckResult | BaseException
    params: type[StrictModel] = NoParams

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:
        if isinstance(self.says, BaseException):
            raise self.says
        return self.says


@dataclass
class ToyStandby:
    holding: SetId | None = SET
    lost: bool = False

    def recheck(self) -> None:
        if self.lost:
            raise Unreachable("host 'standby' was lost")

    def holds(self, set_id: SetId) -> bool:
        return self.holding == set_id

    def places(self) -> JsonObject:
        return {}

    def prove(self, check: Any, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:
        result: CheckResult = check.run(params, restored, ctx)
        return result


@dataclass
class ToyRecords:
    """Keeps what it is told."""

    proven: list[JsonObject] = field(default_factory=list)
    open: set[str] = field(default_factory=set)

    def raise_proof(self, set_id: SetId, repository: str, level: str, at: datetime, run: RunId, detail: JsonObject) -> None:
        assert (set_id, repository, level) == (SET, "online", "proven")
        self.proven.append(detail)

    def close_findings(self, prefix: str, keep: Sequence[str], at: datetime, run: RunId) -> None:
        self.open = {key for key in self.open if not key.startswith(prefix) or key in keep}

    def close_finding(self, key: str, at: datetime, run: RunId) -> None:
        self.open.discard(key)

    def newest(self, system: SystemName) -> None:
        return None


class ToySets:
    def open(self, system: SystemName, set_id: SetId, repository: object) -> OpenSet:
        return opened({name: {} for name in ARTIFACTS})


@dataclass
class CheckingContext:
    """What `check` reaches of ports.StepContext."""

    checks: Sequence[ToyCheck]
    standby: ToyStandby = field(default_factory=ToyStandby)
    records: ToyRecords = field(default_factory=ToyRecords)
    sets: ToySets = field(default_factory=ToySets)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    run: RunId = field(default_factory=lambda: RunId("drill-online-20261122T090000Z-7f3a"))

    def check_stop(self) -> None:
        return None

    def progress(self, what: str) -> None:
        return None

    def finding(self, key: str, severity: str, message: str, *, system: SystemName, hint: str) -> None:
        self.records.open.add(key)

    def audit(self, event: str, subject: str, facts: JsonObject) -> None:
        assert (event, subject) == ("copy.proven", f"online/{SET}")

    def repository(self, name: str) -> str:
        return name

    def writable_host(self, name: str) -> ToyStandby:
        return self.standby

    def check(self, kind: str) -> Check:
        return next(cast("Check", one) for one in self.checks if one.kind == kind)


def asked(*kinds: str) -> Any:
    return ACTION.params.from_facts({"host": "standby", "system": "hmis", "set": SET, "from": "online", "checks": list(kinds)})


def carried_out(*says: CheckResult | BaseException, standby: ToyStandby | None = None) -> tuple[Facts, CheckingContext]:
    checks = [ToyCheck(one.check if isinstance(one, CheckResult) else f"broken-{n}", one) for n, one in enumerate(says)]
    ctx = CheckingContext(checks, standby or ToyStandby())
    return Facts.from_facts(ACTION.run(asked(*(c.kind for c in checks)), cast("StepContext", ctx)).facts), ctx


def outcome(*says: CheckResult | BaseException) -> tuple[str, bool, int]:
    """Verdict, whether it is proven by its own word, and how many proofs went on record."""
    facts, ctx = carried_out(*says)
    return facts.verdict, facts.proven, len(ctx.records.proven)


# ---------------------------------------------------------------- the guards, and beside each what it would let through


def test_no_check_at_all_is_refused() -> None:
    """Zero checks prove nothing, so a step without any does not even begin."""
    with pytest.raises(ValidationError, match="at least 1 item"):
        asked()


def test_a_check_that_examined_nothing_fails() -> None:
    """An empty database 'equals' an empty one: who looked at nothing has shown nothing, whatever it says of itself."""
    assert outcome(proof(*ARTIFACTS, examined=0)) == ("FAIL", False, 0)
    assert outcome(proof(*ARTIFACTS), result("starts-up", examined=0)) == ("FAIL", False, 0)


@pytest.mark.positive_control
def test_control_the_same_proof_that_examined_one_thing_passes() -> None:
    """The twin: nothing but the count of what was looked at made the difference."""
    assert outcome(proof(*ARTIFACTS, examined=1)) == ("PASS", True, 1)
    assert outcome(proof(*ARTIFACTS), result("starts-up", examined=1)) == ("PASS", True, 1)


def test_a_check_that_could_not_look_fails_and_the_others_are_still_heard() -> None:
    """The evidence keeps what the others found; what was not seen is no success."""
    facts, ctx = carried_out(Unreachable("the server does not answer"), proof(*ARTIFACTS))
    assert (facts.verdict, facts.proven, ctx.records.proven) == ("FAIL", False, [])
    assert [(r.passed, r.examined, r.summary) for r in facts.results] == [
        (False, 0, "could not look: the server does not answer"),
        (True, 7, "as it says"),
    ]
    assert ctx.records.open == {"check:hmis:broken-0"}


def test_a_standby_that_was_lost_has_failed_nothing() -> None:
    """A cut link is no verdict: the step can be tried again when the standby answers."""
    with pytest.raises(Unreachable, match="was lost"):
        carried_out(Unreachable("the link broke"), proof(*ARTIFACTS), standby=ToyStandby(lost=True))


@pytest.mark.positive_control
def test_control_a_check_that_looked_takes_nothing_from_the_others() -> None:
    assert outcome(result("starts-up"), proof(*ARTIFACTS)) == ("PASS", True, 1)


@pytest.mark.parametrize("covered", [(), ("db-00",), ("db-globals",), ("db-00", "another")])
def test_a_pass_that_did_not_cover_every_artifact_is_not_proven(covered: tuple[str, ...]) -> None:
    """Promise 2: *proven* is said of the whole set, or not at all; the checks may still pass."""
    assert outcome(proof(*covered)) == ("PASS", False, 0)


@pytest.mark.positive_control
def test_control_every_artifact_covered_by_whichever_checks_is_proven() -> None:
    site = proof("db-globals").model_copy(update={"check": "site"})
    assert outcome(proof("db-00"), site) == ("PASS", True, 1)


def test_a_check_that_does_not_compare_with_the_source_covers_nothing() -> None:
    """That it starts and answers is no proof of content, whatever artifacts it names."""
    assert outcome(result("starts-up", artifacts=ARTIFACTS)) == ("PASS", False, 0)


def test_one_failed_check_takes_the_proof() -> None:
    """Content may be equal and the system still not work."""
    assert outcome(proof(*ARTIFACTS), result("http-answers", passed=False)) == ("FAIL", False, 0)


def test_what_this_run_did_not_restore_is_not_looked_at() -> None:
    """What lies there from another run may have been changed since."""
    ctx = CheckingContext([ToyCheck("content", proof(*ARTIFACTS))], ToyStandby(None))
    with pytest.raises(Refused) as caught:
        ACTION.run(asked("content"), cast("StepContext", ctx))
    assert str(caught.value) == (f"standby does not hold {SET} as restored by this run\n   HINT: a restore step must come before check")


@pytest.mark.parametrize("error", [Stopped("cancelled"), RuntimeError("a bug")])
def test_neither_a_cancel_nor_a_bug_is_a_verdict(error: BaseException) -> None:
    """Both end the step: FAIL is for what was found about the restored system."""
    assert not isinstance(error, DrError) or isinstance(error, Stopped)
    with pytest.raises(type(error)):
        outcome(error)


@pytest.mark.parametrize(("methods", "said"), [(("cryptographic",), "cryptographic"), (("cryptographic", "fast"), "fast")])
def test_the_weakest_digest_is_what_is_on_record(methods: tuple[str, ...], said: str) -> None:
    """A proof is as strong as its weakest part."""
    parts = [
        proof(name).model_copy(update={"check": f"c{n}", "details": {"digest": m}})
        for n, (name, m) in enumerate(zip(ARTIFACTS, (methods * 2)[:2], strict=True))
    ]
    _, ctx = carried_out(*parts)
    assert [detail["digest"] for detail in ctx.records.proven] == [said]


def test_a_finding_closes_when_the_check_passes_again() -> None:
    facts, ctx = carried_out(proof(*ARTIFACTS, passed=False))
    assert (facts.verdict, ctx.records.open) == ("FAIL", {"check:hmis:content"})
    ctx.checks = [ToyCheck("content", proof(*ARTIFACTS))]
    ACTION.run(asked("content"), cast("StepContext", ctx))
    assert ctx.records.open == set()
