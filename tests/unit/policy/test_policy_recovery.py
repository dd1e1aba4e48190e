"""What a recovery loses, from which tier it comes, which plans may be begun, when its clock ends."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.base import JsonObject, sha256
from dr.model.outage import Outage
from dr.model.runbook import Plan
from dr.policy.burndown import burns
from dr.policy.recovery import best_tier, clock_ends_after, declared_already, in_the_way, lost, targets, unfit
from tests.support.catalog_copies import NOW, copy_at

pytestmark = pytest.mark.unit
DECLARED = {"declared": NOW.isoformat(), "reason": "it burnt", "by": "ann"}
ALONE = {**DECLARED, "alone": "nobody answers"}


def step(name: str, action: str, *needs: str, section: str = "steps", **with_: object) -> JsonObject:
    return {"id": name, "section": section, "action": action, "needs": list(needs), "with": with_}


RESTORE = step("restore", "restore", onto="standby")
PROVE = step("prove", "check", "restore", host="standby")
APPROVE = step("approval", "approve", second_person=True, instructions="Look.")
OPEN = step("open", "open", "prove", "approval", host="standby")
PROBE = step("usable", "probe", "open")
SCRUB = step("scrub", "scrub", section="always", host="standby")
WHOLE = (RESTORE, PROVE, APPROVE, OPEN, PROBE)


def plan(*steps: JsonObject, kind: str = "recovery", declaration: JsonObject | None = None, always: tuple[JsonObject, ...] = ()) -> Plan:
    return Plan.from_facts(
        {
            "runbook": "recover",
            "title": "Recover",
            "kind": kind,
            "system": "hmis",
            "objective": {"rto": 14400.0},
            "steps": list(steps),
            "always": list(always),
            "declaration": declaration,
            "inventory": sha256(b"inventory"),
        }
    )


@given(st.floats(-1e6, 1e6))
@settings(max_examples=30, deadline=None)
def test_what_is_lost_is_never_less_than_nothing(hours: float) -> None:
    """From the set to the failure; a set that was taken afterwards loses nothing."""
    assert lost(NOW, NOW - timedelta(hours=hours)) == pytest.approx(max(0.0, hours * 3600), abs=1e-3)


def test_the_newest_set_wins_and_among_equals_the_tier_that_is_sooner_back() -> None:
    """A vault that has last night's set loses less than a file server that missed it."""
    old, new = copy_at(NOW - timedelta(days=1)), copy_at(NOW)
    rto = {"online": 4.0, "vault": 8.0}
    assert best_tier({"online": old, "vault": new}, rto) == "vault"
    assert best_tier({"online": new, "vault": new}, rto) == "online"
    assert best_tier({}, rto) is None


def test_a_whole_recovery_may_be_begun() -> None:
    assert unfit(plan(*WHOLE, declaration=DECLARED)) is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (plan(*WHOLE), "'recover' is a recovery, which replaces production"),
        (plan(*WHOLE, declaration=DECLARED, always=(SCRUB,)), "step 'scrub' would scrub what the recovery brings back"),
        (plan(RESTORE, PROVE, declaration=DECLARED), "runbook 'recover' opens nothing, so it recovers nothing"),
        (
            plan(RESTORE, PROVE, APPROVE, step("open", "open", "prove", host="standby"), declaration=DECLARED),
            "step 'open' would open the system without a second person's word",
        ),
        (
            plan(RESTORE, PROVE, step("approval", "approve", instructions="Look."), OPEN, declaration=DECLARED),
            "step 'open' would open the system without a second person's word",
        ),
        (plan(*WHOLE, kind="drill", always=(SCRUB,)), "step 'open' opens a system, which only a recovery does"),
        (plan(*WHOLE, kind="maintenance"), "step 'open' opens a system, which only a recovery does"),
        (plan(RESTORE, PROVE, kind="drill"), "runbook 'recover' as a drill would leave client data on the standby"),
    ],
)
def test_a_plan_that_would_do_harm_is_refused_before_it_begins(wrong: Plan, words: str) -> None:
    """Each alone, and it says what to do."""
    found = unfit(wrong)
    assert found is not None
    assert found[0] == words and found[1]


@pytest.mark.positive_control
def test_control_the_same_plans_with_what_was_missing_may_be_begun() -> None:
    """The twins: declared, nothing scrubbed, approved or alone with a reason; a drill that scrubs."""
    without = plan(RESTORE, PROVE, step("open", "open", "prove", host="standby"), PROBE, declaration=ALONE)
    assert unfit(without) is None
    assert unfit(plan(RESTORE, PROVE, kind="drill", always=(SCRUB,))) is None
    assert unfit(plan(RESTORE, kind="maintenance")) is None


def test_a_run_that_writes_to_what_is_in_service_is_in_the_way() -> None:
    """By every action that works on a standby; a command on production is the runbook's author's to answer for."""
    for one in (RESTORE, PROVE, OPEN):
        assert in_the_way(plan(one), {"standby"}) == "standby"
    assert in_the_way(plan(step("wait", "approve"), always=(SCRUB,)), {"standby"}) == "standby"
    assert in_the_way(plan(step("address", "command", host="standby")), {"standby"}) is None
    assert in_the_way(plan(*WHOLE), {"other"}) is None
    assert targets(plan(*WHOLE, step("late", "restore", onto="${steps.x.y}"))) == ["standby"]


def test_a_recoverys_clock_runs_until_the_first_probe_after_open() -> None:
    """A drill's stops at its first check; a recovery's may not: nobody can work before it is open."""
    recovery, drill = plan(*WHOLE, step("later", "command", "usable")), plan(RESTORE, PROVE, step("late", "command", "prove"), kind="drill")
    assert clock_ends_after(recovery) == "usable"
    assert [name for name in ("restore", "prove", "approval", "open", "usable", "later") if burns(recovery, name)] == [
        "restore",
        "prove",
        "approval",
        "open",
        "usable",
    ]
    assert [name for name in ("restore", "prove", "late") if burns(drill, name)] == ["restore"]
    assert clock_ends_after(plan(RESTORE, PROVE, step("early", "probe", "restore"), APPROVE, OPEN)) is None


def test_the_clock_of_a_declared_outage_is_the_recoverys() -> None:
    """Who types `dr recover` under stress says the time no second time; a rehearsal, a mere proposal and another system start no clock."""

    def outage(minutes: int, **more: object) -> Outage:
        facts = {"id": f"out-{minutes}", "system": "hmis", "severity": "major", "what": "it burnt", "state": "declared", "by": "ann"}
        return Outage.from_facts({**facts, "began": (NOW - timedelta(minutes=minutes)).isoformat(), **more})

    others = [outage(50, system="other"), outage(40, exercise=True), outage(30, state="proposed"), outage(20, state="resolved")]
    assert declared_already(others, "hmis") is None
    assert declared_already([*others, outage(10), outage(5)], "hmis") == NOW - timedelta(minutes=10)
