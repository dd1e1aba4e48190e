"""Evidence made up for tests: a drill that passed, failed, was cancelled or left nothing, and a night."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dr.model.base import HostName, JsonObject, RunId, Seconds, SetId, StepId, SystemName, sha256
from dr.model.evidence import Chosen, CopyFact, Evidence
from dr.model.record import (
    AuditHead,
    CheckResult,
    Difference,
    Failure,
    Finding,
    RpoMeasured,
    RtoMeasured,
    RunRecord,
    ScrubCertificate,
    StepRecord,
    StepState,
    Verdict,
)

BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DRILL = RunId("drill-online-20261122T090000Z-7f3a")
NIGHT = RunId("nightly-20261122T070000Z-1a2b")
SET = SetId("20261122T070000Z-7f3a9c")
HOUR = 3600.0


def after(minutes: float) -> datetime:
    return BEGAN + timedelta(minutes=minutes)


def drill_run(**more: object) -> RunRecord:
    return RunRecord.from_facts(
        {
            "run": DRILL,
            "runbook": "drill-online",
            "title": "Restore the client database to the standby",
            "kind": "drill",
            "system": "hmis",
            "tier": "online",
            "state": "running",
            "started": BEGAN.isoformat(),
            "plan": sha256(b"plan"),
            "objective": {"rto": 4 * HOUR, "target": 3 * HOUR},
            "requested_by": "root",
            **more,
        }
    )


def step(
    name: str,
    action: str,
    begins: float,
    takes: float,
    *,
    state: StepState = "done",
    budget: float | None = None,
    facts: JsonObject | None = None,
    failure: Failure | None = None,
    run: RunId = DRILL,
) -> StepRecord:
    """Minutes after the run's begin, and how many it took."""
    return StepRecord(
        run=run,
        step=StepId(name),
        section="steps",
        action=action,
        state=state,
        attempt=1,
        started=after(begins),
        ended=after(begins + takes),
        budget=Seconds(budget) if budget else None,
        facts=facts or {},
        failure=failure,
    )


def check(
    kind: str,
    ended: float,
    *,
    passed: bool = True,
    examined: int = 5,
    user_level: bool = False,
    proves: bool = False,
    differences: Sequence[Difference] = (),
    details: JsonObject | None = None,
) -> CheckResult:
    return CheckResult(
        check=kind,
        passed=passed,
        examined=examined,
        summary=f"{examined} looked at",
        started=after(ended - 1),
        ended=after(ended),
        user_level=user_level,
        proves=proves,
        differences=tuple(differences),
        details=details or {},
    )


def database(tables: int = 3, wrong: str = "") -> JsonObject:
    """The details of content-equals-source for one database."""
    found = {
        f"public.Table{n}": {"rows": 1000 * n, "digest": sha256(b"%d" % n), "equal": f"public.Table{n}" != wrong} for n in range(tables)
    }
    one = {"tables": found, "schema": 12, "sequences": 1, "large_objects": 0, "method": "fast", "server": ["18.6", "18.6"]}
    return {"digest": "fast", "databases": {"hmis": one}}


def steps(*, prove: StepState = "done") -> tuple[StepRecord, ...]:
    return (
        step("select", "select-backup", 0, 1),
        step("restore", "restore", 1, 40, budget=2 * HOUR, facts={"bytes": 100_904_960, "onto": "standby"}),
        step("prove", "check", 41, 10, budget=0.5 * HOUR, state=prove),
        step("always-1-scrub", "scrub", 51, 2),
    )


def evidence(**more: object) -> Evidence:
    """A drill that passed; `more` changes fields."""
    checks = (
        check("starts-up", 42, user_level=True),
        check("content-equals-source", 50, proves=True, examined=721, details=database()),
        check("site-files-equal", 51, proves=True, examined=270),
    )
    whole: JsonObject = {
        "organisation": "Example Shelter",
        "zone": "America/Chicago",
        "written": after(54),
        "tool": "dr 0.1.0",
        "run": drill_run(),
        "verdict": "PASS",
        "reasons": (),
        "scope": {"system": "hmis", "title": "HMIS", "sources": {"database": {"kind": "postgres_logical", "host": "production"}}},
        "chosen": Chosen.from_facts(
            {
                "set": SET,
                "tier": "online",
                "repository": "fileserver",
                "instant": (BEGAN - timedelta(hours=2)).isoformat(),
                "level": "intact",
                "how": "the newest of 3",
                "plain": 100_904_960,
                "stored": 38_855_923,
            }
        ),
        "steps": steps(),
        "rto": RtoMeasured(seconds=Seconds(42 * 60), objective=Seconds(4 * HOUR), target=Seconds(3 * HOUR), within=True),
        "rpo": RpoMeasured(seconds=Seconds(26 * HOUR), objective=Seconds(24 * HOUR), within=False, what="the worst gap, over 30 sets"),
        "copies": (
            CopyFact.from_facts(
                {
                    "set": SET,
                    "repository": "fileserver",
                    "tier": "online",
                    "instant": BEGAN.isoformat(),
                    "level": "proven",
                    "damaged": False,
                }
            ),
        ),
        "checks": checks,
        "scrub": ScrubCertificate(
            host=HostName("standby"),
            run=DRILL,
            at=after(53),
            removed=("drills/one",),
            searched=("/srv/standby",),
            canaries=1,
            found=0,
            signature="c2ln",
        ),
        "audit": AuditHead(seq=14, hash=sha256(b"head"), at=after(53)),
        **more,
    }
    return Evidence(**whole)


def failed() -> Evidence:
    """One table differs, and a finding says so."""
    wrong = tuple(Difference(kind="rows", name=f"hmis: public.Table{n}", detail="content differs") for n in range(40))
    proof = check("content-equals-source", 50, proves=True, passed=False, differences=wrong, details=database(wrong="public.Table1"))
    finding = Finding(
        key="check:hmis:content", severity="critical", system=SystemName("hmis"), message="40 differ", hint="look", run=DRILL, at=after(50)
    )
    return evidence(
        verdict="FAIL",
        reasons=("check 'content-equals-source': 40 differences", "check 'prove' found FAIL"),
        checks=(check("starts-up", 42, user_level=True), proof),
        findings=(finding,),
    )


def crowded() -> Evidence:
    """Names without a break, 300 tables, 60 findings, a step after another."""
    long = "a_schema_with_a_very_long_name." + "TableWhoseNameGoesOnAndOn" * 4
    wrong = (Difference(kind="rows", name=long, detail=f"content differs {long}"),)
    proof = check("content-equals-source", 50, proves=True, passed=False, differences=wrong, details=database(300, "public.Table1"))
    findings = tuple(
        Finding(key=f"f{n}", severity="warning", system=SystemName("hmis"), message=f"{n}: {long}", hint=long, run=DRILL, at=after(50))
        for n in range(60)
    )
    failure = Failure(error="Failed", exit_code=1, message=long, hint=long)
    late = tuple(step(f"a-step-with-a-long-name-{n}", "check", 53, 11.9, budget=2 + n) for n in range(12))
    lost = step("on-failure-1-notify", "notify", 53, 1, state="failed", failure=failure)
    return evidence(
        organisation="The very long name of an association of shelters and services of a whole region, registered",
        verdict="FAIL",
        reasons=tuple(f"reason {n}: {long}" for n in range(12)),
        checks=(check("starts-up", 42, user_level=True), proof),
        findings=findings,
        steps=(*steps(), *late, lost),
    )


def broken() -> Evidence:
    """The restore failed, so there is no check, no RTO and, here, no scrub certificate either."""
    failure = Failure(error="Damaged", exit_code=4, message="database-00/000003.zst.age: changed", hint="another copy is used next")
    ran = (step("select", "select-backup", 0, 1), step("restore", "restore", 1, 3, state="failed", failure=failure))
    why = ("step 'restore' failed", "no check gave a verdict: nothing was proven")
    return evidence(verdict="FAIL", reasons=why, steps=ran, checks=(), rto=None, scrub=None)


def incomplete() -> Evidence:
    return evidence(verdict="INCOMPLETE", reasons=("the run was cancelled",), checks=(), rto=None, steps=steps(prove="cancelled"))


def empty() -> Evidence:
    """Nothing was done and nothing is known."""
    bare: JsonObject = {"chosen": None, "rto": None, "rpo": None, "copies": (), "checks": (), "scrub": None, "steps": (), "scope": {}}
    verdict: Verdict = "INCOMPLETE"
    return evidence(verdict=verdict, reasons=("the run was cancelled",), **bare)


def night(*, verified: bool = True, failed_to: str = "") -> Evidence:
    places = ["fileserver", "bank-vault"]
    backup: JsonObject = {
        "set": SET,
        "system": "hmis",
        "instant": BEGAN.isoformat(),
        "bytes": 100_904_960,
        "stored": 38_855_923,
        "reused": 1024,
        "copies": [p for p in places if p != failed_to],
        "failed": {failed_to: "no space left"} if failed_to else {},
        "witnessed": True,
        "adopted": False,
    }
    read = [{"set": SET, "repository": p, "parts": 25, "bytes": 38_860_652} for p in backup["copies"]] if verified else []
    decisions = [
        {"set": SET, "repository": p, "tier": "online", "keep": True, "loud": False, "rule": "newest-intact", "reason": "kept: newest"}
        for p in backup["copies"]
    ]
    old = {**decisions[0], "set": "20261101T070000Z-aaaaaa", "keep": False, "rule": "expired", "reason": "older than 24 h"}
    prune = {
        "removed": [{"set": old["set"], "repository": old["repository"], "rule": "expired"}],
        "decisions": [*decisions, old],
        "frozen": "",
        "needs_person": "",
    }
    ran = (
        step("backup", "backup", 0, 5, facts=backup, run=NIGHT),
        step("verify", "verify", 5, 1, facts={"verified": read, "bytes": 1}, run=NIGHT),
        step("prune", "prune", 6, 1, facts=prune, run=NIGHT),
    )
    run = drill_run(run=NIGHT, runbook="nightly", title="Nightly backup", kind="backup", objective=None)
    return evidence(run=run, steps=ran, chosen=None, checks=(), rto=None, scrub=None)
