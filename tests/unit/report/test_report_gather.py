"""What evidence is gathered from: measured from recognition, over every set there ever was, and judged as the engine judges."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.base import JsonObject, RepositoryName, StepId, canonical, sha256
from dr.model.evidence import Evidence
from dr.model.forecast import Unmeasured
from dr.model.record import CheckResult, StepRecord
from dr.model.runbook import Plan
from dr.policy.still import taken_up
from dr.report.gather import gather, measure_rto
from dr.report.page import answer, page, since_set
from tests.support.catalog_copies import NOW, RUN, copy_of, manifest_at
from tests.support.catalog_runs import inventory_of
from tests.support.report_evidence import BEGAN, DRILL, HOUR, after, check, drill_run, step

pytestmark = pytest.mark.unit
WRITTEN = after(60)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        yield catalog


def plan() -> Plan:
    def planned(name: str, action: str, section: str = "steps") -> JsonObject:
        return {"id": name, "section": section, "action": action}

    return Plan.from_facts(
        {
            "runbook": "drill-online",
            "title": "Drill",
            "kind": "drill",
            "system": "hmis",
            "tier": "online",
            "objective": {"rto": "4h", "target": "3h"},
            "steps": [planned("restore", "restore"), planned("prove", "check")],
            "always": [planned("always-1-report", "report", "always"), planned("always-2-notify", "notify", "always")],
            "inventory": "0" * 64,
        }
    )


def proven(*results: CheckResult, verdict: str = "PASS") -> StepRecord:
    facts = {"verdict": verdict, "proven": True, "results": [r.to_facts() for r in results]}
    return step("prove", "check", 40, 10, facts=facts)


USABLE = check("starts-up", 42, user_level=True)
RESTORED = step("restore", "restore", 0, 40, facts={"set": "s", "needle": "secret-token", "places": {"database": "/srv"}})


def gathered(records: Catalog, *steps: StepRecord, started: datetime = BEGAN) -> Evidence:
    run = drill_run(started=started.isoformat())
    records.begin_run(run, plan())
    for one in steps:
        records.record_step(one)
    return gather(run, plan(), records, inventory_of({}), WRITTEN, tool="dr test", writing=StepId("always-1-report"))


def test_the_recovery_clock_runs_from_recognition_to_the_first_user_level_success() -> None:
    """What failed, looked at nothing or is no user's view does not stop it."""
    later = (check("a", 30), check("b", 35, user_level=True, passed=False), check("c", 38, user_level=True, examined=0))
    measured = measure_rto(drill_run(), (*later, check("second", 50, user_level=True), USABLE))
    assert measured and float(measured.seconds) == 42 * 60 and measured.within is True
    assert measure_rto(drill_run(), later) is None
    assert measure_rto(drill_run(kind="backup"), (USABLE,)) is None


def test_a_quick_proven_drill_passes(records: Catalog) -> None:
    found = gathered(records, RESTORED, proven(USABLE))
    assert (found.verdict, found.reasons) == ("PASS", ())
    assert found.remarks == ("written before always-2-notify ran",)


def test_a_drill_over_the_objective_fails_and_one_over_the_target_says_so(records: Catalog) -> None:
    slow = gathered(records, RESTORED, proven(USABLE), started=BEGAN - timedelta(hours=4))
    assert slow.verdict == "FAIL"
    assert slow.reasons == ("RTO 4 h 42 min is over the objective of 4 h",)


def test_one_over_the_target_passes_and_says_so(records: Catalog) -> None:
    found = gathered(records, RESTORED, proven(USABLE), started=BEGAN - timedelta(hours=3))
    assert found.verdict == "PASS"
    assert "RTO 3 h 42 min is within the objective, but over the target of 3 h" in found.remarks


VAULT = Unmeasured.from_facts({"declared": [{"name": "courier", "seconds": 3 * HOUR}, {"name": "decision", "seconds": 0.5 * HOUR}]})


def judged(records: Catalog, kind: str = "drill", **more: object) -> Evidence:
    """A drill that measured 42 min of its 4 h, with what was declared beside it."""
    said = plan().model_copy(update={"unmeasured": VAULT, "kind": kind, **more})
    records.begin_run(drill_run(), said)
    for one in (RESTORED, proven(USABLE)):
        records.record_step(one)
    return gather(drill_run(), said, records, inventory_of({}), WRITTEN, tool="dr test", writing=StepId("always-1-report"))


def test_a_drill_passes_only_where_what_is_declared_fits_beside_what_it_measured(records: Catalog) -> None:
    found = judged(records)
    assert found.verdict == "FAIL"
    assert found.reasons == ("RTO 4 h 12 min is over the objective of 4 h (measured 42 min + declared courier 3 h, decision 30 min)",)
    assert found.rto and (float(found.rto.seconds), float(found.rto.total)) == (42 * 60, 4.2 * HOUR)
    assert "RTO: measured 42 min + declared courier 3 h, decision 30 min = 4 h 12 min" in found.remarks
    assert "+ declared courier 3 h" in page(found, "0" * 64, "1" * 64)


@pytest.mark.positive_control
def test_without_the_declaration_the_same_drill_passes_as_before(records: Catalog) -> None:
    found = judged(records, unmeasured=None)
    assert (found.verdict, found.remarks) == ("PASS", ("written before always-2-notify ran",))


def test_a_phase_that_the_drill_went_through_is_measured_and_not_added(records: Catalog) -> None:
    """Who takes the courier's way in a drill too has it in the clock."""
    steps = (plan().steps[0].model_copy(update={"phase": "courier"}), *plan().steps[1:])
    found = judged(records, steps=steps)
    assert found.verdict == "PASS"
    assert found.rto and [one.name for one in found.rto.declared] == ["decision"]


def test_a_door_that_is_shut_at_the_worst_hour_is_said_and_fails_no_drill(records: Catalog) -> None:
    """It depends on the hour at which the system is lost, which no drill can better."""
    found = judged(records, unmeasured=Unmeasured(open=("Mon-Fri 09:00-17:00",)))
    assert found.verdict == "PASS"
    assert "RTO: measured 42 min; at the worst hour of the week (Friday 17:00) + 2 d 16 h until online opens" in found.remarks
    assert "RTO: the objective of 4 h holds while online is open; at the worst hour of the week it does not" in found.remarks
    assert "(Friday 17:00) + 2 d 16 h until online opens" in page(found, "0" * 64, "1" * 64)


def test_how_long_a_run_lay_still_is_said_of_one_with_a_recovery_time_and_of_one_without(records: Catalog) -> None:
    records.audit("run-taken-up", DRILL, taken_up(after(5), after(25)), actor="root", at=after(25))
    said = "lay still for 20 min of it (nobody carried it on: 20 min); the clock ran on, and no forecast is made from this drill"
    found = judged(records, unmeasured=None)
    assert f"RTO: the run {said}" in found.remarks
    assert "20 min of that it lay still." in page(found, "0" * 64, "1" * 64)
    other = gathered(records, step("prove", "check", 40, 1, state="failed"))
    assert other.rto is None
    assert "the run lay still for 20 min (nobody carried it on: 20 min)" in other.remarks


def test_a_check_that_examined_nothing_fails_whatever_its_step_says(records: Catalog) -> None:
    found = gathered(records, RESTORED, proven(USABLE, check("needle", 45, examined=0)))
    assert (found.verdict, found.reasons) == ("FAIL", ("check 'needle' examined nothing",))


def test_a_drill_that_nobody_could_have_used_is_not_passed(records: Catalog) -> None:
    found = gathered(records, RESTORED, proven(check("content", 45, proves=True)))
    assert (found.verdict, found.rto) == ("INCOMPLETE", None)


def test_a_cancelled_drill_is_incomplete_while_it_still_tidies_up(records: Catalog) -> None:
    """Its own record says `running` until the very end; the audit trail knows better."""
    records.audit("run-cancel", DRILL, {}, actor="root", at=after(41))
    found = gathered(records, RESTORED, step("prove", "check", 40, 1, state="cancelled"))
    assert found.verdict == "INCOMPLETE"
    assert "the run was cancelled" in found.reasons


def test_rpo_counts_the_gaps_between_all_sets_removed_ones_too(records: Catalog) -> None:
    """Two old sets that retention has removed since still bound the month's worst gap; a vanished one must not make it look worse."""
    for hours in (30, 10, 1):
        manifest = manifest_at(BEGAN - timedelta(hours=hours))
        records.record_copy(copy_of(manifest), manifest, RUN)
        if hours > 1:
            records.record_removed(manifest.set, RepositoryName("online-disk"), BEGAN, RUN, "expired")
    found = gathered(records, RESTORED, proven(USABLE))
    assert found.rpo and float(found.rpo.seconds) == 20 * HOUR and found.rpo.within is True


def test_a_failed_drills_evidence_says_which_step_broke(records: Catalog) -> None:
    found = gathered(records, step("restore", "restore", 0, 1, state="failed"))
    assert (found.verdict, found.chosen, found.scrub) == ("FAIL", None, None)
    assert found.reasons[0] == "step 'restore' failed"


def test_no_needle_and_no_place_goes_into_evidence(records: Catalog) -> None:
    """A needle is a secret until the set expires; where on the standby things lay is nobody's business."""
    text = canonical(gathered(records, RESTORED, proven(USABLE)).to_facts())
    assert b"secret-token" not in text and b"/srv" not in text


def test_what_a_drill_waited_before_its_first_step_is_inside_its_rto_and_said(records: Catalog) -> None:
    """The clock starts when the drill was asked for and never pauses: a run that was taken up first in the same process is no excuse."""
    evidence = gathered(records, RESTORED, proven(USABLE), started=BEGAN - timedelta(minutes=2))
    assert evidence.rto is not None and evidence.rto.seconds == 44.0 * 60
    assert "2 min of the RTO passed before the first step began, as when another run is taken up first" in evidence.remarks


def test_a_drill_that_began_at_once_says_nothing_of_waiting(records: Catalog) -> None:
    evidence = gathered(records, RESTORED, proven(USABLE), started=BEGAN - timedelta(seconds=2))
    assert not [remark for remark in evidence.remarks if "first step" in remark]


DECLARED = {"declared": BEGAN.isoformat(), "reason": "it burnt", "by": "ann", "alone": "it is night"}
OPENED = step("open", "open", 50, 5, facts={"host": "standby"})


def recovered(records: Catalog, *steps: StepRecord, before: float = 2) -> Evidence:
    """As `gathered`, of a recovery that was declared when it began, from a set of `before` hours before."""
    manifest = manifest_at(BEGAN - timedelta(hours=before))
    records.record_copy(copy_of(manifest), manifest, RUN)
    planned = [{"id": name, "section": "steps", "action": action} for name, action in (("restore", "restore"), ("prove", "check"))]
    planned += [{"id": name, "section": "steps", "action": action} for name, action in (("open", "open"), ("usable", "probe"))]
    left = [{"id": "scrub", "section": "always", "action": "scrub", "why": "only in a drill"}]
    more = {"kind": "recovery", "steps": planned, "declaration": DECLARED, "left_out": left}
    whole = Plan.from_facts({**plan().to_facts(), **more})
    run = drill_run(kind="recovery")
    records.begin_run(run, whole)
    chosen = {"set": manifest.set, "tier": "online", "repository": "online-disk", "instant": manifest.instant.isoformat()}
    select = step("select", "select-backup", 0, 1, facts={**chosen, "level": "stored", "how": "the newest of 1"})
    for one in (select, RESTORED, *steps):
        records.record_step(one)
    return gather(run, whole, records, inventory_of({}), WRITTEN, tool="dr test", writing=StepId("always-1-report"))


def usable(ended: float) -> StepRecord:
    answer = check("sql-answers", ended, user_level=True)
    return step("usable", "probe", ended - 1, 1, facts={"verdict": "PASS", "answers": [answer.to_facts()]})


def test_a_recoverys_clock_ends_with_the_first_answer_after_it_was_opened(records: Catalog) -> None:
    """What a check saw before nobody could work is no user's success, as it is in a drill."""
    found = recovered(records, proven(USABLE), OPENED, usable(58))
    assert found.rto and float(found.rto.seconds) == 58 * 60
    assert found.declaration and (found.declaration.reason, found.declaration.alone) == ("it burnt", "it is night")
    assert "left out: scrub (scrub), only in a drill" in found.remarks


def test_a_recovery_that_nobody_could_use_yet_has_no_time_and_says_so(records: Catalog) -> None:
    """A check that passed on loopback is not enough."""
    found = recovered(records, proven(USABLE), OPENED)
    assert found.rto is None
    assert "no user-level check succeeded after it was opened, so no RTO was measured" in found.reasons
    assert found.verdict != "PASS"


def test_what_a_recovery_lost_is_told_in_place_of_what_a_drill_would_have(records: Catalog) -> None:
    """From the set to the failure as it was recognised; not until the page was written."""
    found = recovered(records, proven(USABLE), OPENED, usable(58))
    assert found.rpo and (float(found.rpo.seconds), found.rpo.what) == (2 * HOUR, "what was entered between the set and the failure")
    assert "What was entered in the 2 h before the failure is lost." in answer(found) and since_set(found) == ""


def test_of_a_set_that_was_taken_after_the_failure_nobody_is_told_that_nothing_was_lost(records: Catalog) -> None:
    """People may have worked on until production died: how long nobody knows, and what was damaged may be in the set."""
    found = recovered(records, proven(USABLE), OPENED, usable(58), before=-0.1)
    assert found.rpo and found.rpo.within is None
    assert found.rpo.what == "the set was taken after the failure was recognised, and may hold the damage"
    said = answer(found)
    assert "Nothing was lost" not in said
    assert "What was entered since Sun 22 Nov 2026, 03:06 CST is lost: the set was taken then, which was after the failure" in said
    assert since_set(found) == "all since 03:06"
    drawn = page(found, sha256(b"file"), "key")
    assert "all since 03:06" in drawn and ">nothing</div>" not in drawn


def test_what_a_planned_way_back_loses_is_what_came_after_its_own_backup(records: Catalog) -> None:
    """The run stopped people first, then backed up: the set is of after the declaration, and holds no damage."""
    made = manifest_at(BEGAN + timedelta(hours=0.1))
    backed_up = {"set": made.set, "bytes": 1024, "stored": 512, "reused": 0, "copies": ["online-disk"], "failed": {}}
    found = recovered(records, step("backup", "backup", 0, 1, facts=backed_up), OPENED, usable(58), before=-0.1)
    assert found.rpo and found.rpo.what == "this run itself made the set"
    assert "What was entered since this run made its own backup, Sun 22 Nov 2026, 03:06 CST, is not there" in answer(found)
