"""Green is earned: each thing that is missing, late or broken has its colour and its words."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.backup import Copy
from dr.model.base import RunId, Seconds, StepId, sha256
from dr.model.inventory import SystemEntry, SystemRunbooks
from dr.model.notice_record import Notice, NoticeState
from dr.model.readiness import DrillFact, NightFact, Readiness, worst
from dr.model.record import Finding, Severity, Verdict
from dr.policy.readiness import readiness
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at

pytestmark = pytest.mark.unit

ENTRY = SystemEntry.from_facts(
    {
        "title": "HMIS",
        "sources": {"database": {"kind": "postgres_logical", "host": "production"}},
        "objectives": {"rpo": "24h", "tiers": {"online": {"rto": "4h", "target": "3h"}}},
        "retention": {"online": {"keep_within": "24h"}},
    }
)
PROVEN = copy_at(ago(hours=5), level="proven")


def drill(verdict: Verdict = "PASS", *, rto: float | None = 3600.0, days: float = 1, tier: str = "online") -> DrillFact:
    return DrillFact(
        run=RunId("drill-1"), tier=tier, verdict=verdict, ended=ago(days=days), rto=None if rto is None else Seconds(rto), set=PROVEN.set
    )


def finding(severity: Severity) -> Finding:
    return Finding(key="k:1", severity=severity, system=HMIS, message=f"a {severity} thing", at=ago(hours=1))


def notice(state: NoticeState, *, hours: float = 1, to: str = "admins", template: str = "nightly-failed") -> Notice:
    return Notice(
        id=f"{to}{hours}", to=to, template=template, subject="s", body="b", severity="critical", state=state, created=ago(hours=hours)
    )


def judge(
    copies: tuple[Copy, ...] = (PROVEN,),
    drills: tuple[DrillFact, ...] = (drill(),),
    findings: tuple[Finding, ...] = (),
    notices: tuple[Notice, ...] = (),
    entry: SystemEntry = ENTRY,
) -> Readiness:
    return readiness(HMIS, entry, copies, drills, findings, notices, NOW)


def words(found: Readiness, colour: str) -> list[str]:
    every = [*found.reasons, *(r for tier in found.tiers for r in tier.reasons)]
    return [r.text for r in every if r.colour == colour]


def test_green_says_what_it_rests_on() -> None:
    """A fresh proven copy and a drill within its target, and nothing else said."""
    found = judge()
    assert found.colour == "green"
    assert words(found, "green") == [
        "the newest good copy is 5 hours old, the objective is 24 h",
        "proven 5 hours ago",
        "the last drill passed in 1 hour, the objective is 4 h",
    ]
    assert (found.rpo, found.tiers[0].rpo, found.tiers[0].newest) == (18000.0, 18000.0, PROVEN.set)


def test_nothing_at_all_is_red_never_green() -> None:
    """OK after checking nothing must be impossible."""
    assert words(judge((), ()), "red") == ["no proven copy at all: nothing was ever restored and compared, or what was is gone", "no copy"]
    nothing_named = ENTRY.model_copy(update={"retention": {}, "objectives": ENTRY.objectives.model_copy(update={"tiers": {}})})
    found = judge(entry=nothing_named)
    assert (found.colour, words(found, "red")) == ("red", ["no tier is named, so nothing can be judged"])


@pytest.mark.parametrize(
    ("copies", "red"),
    [
        ((copy_at(ago(hours=25), level="proven"),), "RPO exceeded: the newest good copy is 25 hours old, the objective is 24 h"),
        ((copy_at(ago(hours=1)),), "no proven copy at all: nothing was ever restored and compared, or what was is gone"),
        ((copy_at(ago(hours=1), level="proven", damaged=True),), "no good copy: its only copy is damaged"),
        ((copy_at(ago(hours=1), level="stored"),), "no good copy (1 stored and not verified)"),
    ],
)
def test_a_missing_late_or_damaged_copy_is_red(copies: tuple[Copy, ...], red: str) -> None:
    """What would not come back, or not new enough."""
    found = judge(copies)
    assert found.colour == "red"
    assert red in words(found, "red")


@pytest.mark.parametrize(
    ("last", "colour", "text"),
    [
        (drill("FAIL"), "red", "the last drill failed, 24 hours ago (drill-1)"),
        (drill("INCOMPLETE"), "amber", "the last drill is incomplete, 24 hours ago (drill-1)"),
        (drill(rto=4 * 3600.0 + 1), "red", "the last drill passed in 4 hours: over the objective of 4 h"),
        (drill(rto=3.5 * 3600), "amber", "the last drill passed in 3 hours: within the objective of 4 h, over the target of 3 h"),
        (drill(rto=None), "amber", "the last drill passed but measured no RTO"),
        (drill(days=36), "amber", "the last drill was 36 days ago"),
        (drill(tier="vault"), "amber", "never drilled"),
    ],
)
def test_the_last_drill_of_the_tier_decides(last: DrillFact, colour: str, text: str) -> None:
    """An older pass does not outweigh it, another tier's drill does not stand for it."""
    found = judge(drills=(last, drill(days=50)) if last.tier == "online" else (last,))
    assert found.colour == colour
    assert text in words(found, colour)


def test_a_proof_older_than_35_days_is_amber() -> None:
    """Proofs go stale (though retention still keeps them)."""
    old = copy_at(ago(hours=1), level="proven", proven_at=ago(days=36))
    assert words(judge((old,)), "amber") == ["needs a drill: the newest proof is stale: 36 days old, 35 d at most"]


def test_a_newer_copy_that_is_not_good_is_amber() -> None:
    """Unverified, shrunken or dated ahead: said, and not counted."""
    assert "the newest copy is not verified yet" in words(judge((PROVEN, copy_at(ago(hours=1), level="stored"))), "amber")
    shrunken = words(judge((PROVEN, copy_at(ago(hours=1), shrunken=True))), "amber")
    assert shrunken == ["the newest copy is much smaller than the one before it, so it does not count as good"]
    assert "a copy is dated ahead of now: a clock is wrong" in words(judge((PROVEN, copy_at(NOW + timedelta(hours=1)))), "amber")


@pytest.mark.parametrize(("severity", "colour"), [("critical", "red"), ("warning", "amber"), ("info", "green")])
def test_open_findings_colour_the_system(severity: Severity, colour: str) -> None:
    """What a run noticed is part of the answer; another system's is not."""
    assert judge(findings=(finding(severity),)).colour == colour
    assert judge(findings=(finding(severity).model_copy(update={"system": "payroll"}),)).colour == "green"


@pytest.mark.parametrize(
    ("state", "colour", "text"),
    [
        ("nobody", "red", "a notice to admins reached nobody, 1 hour ago: no contact or group has that name"),
        ("failed", "red", "a notice to admins was not delivered, 1 hour ago"),
        ("partial", "amber", "a notice to admins reached only some of them, 1 hour ago"),
        ("owed", "red", "a notice to admins is still owed, 1 hour ago"),
    ],
)
def test_a_notice_that_did_not_arrive_is_seen(state: NoticeState, colour: str, text: str) -> None:
    """An alarm that nobody heard is an alarm of its own (promise 8)."""
    found = judge(notices=(notice(state), notice("delivered", hours=2)))
    assert found.colour == colour
    assert words(found, colour) == [text]


def test_a_later_delivery_shows_that_the_way_works_again() -> None:
    """To the same people, or by the same template where the name was corrected."""
    assert judge(notices=(notice("failed", hours=2), notice("delivered"))).colour == "green"
    assert judge(notices=(notice("nobody", hours=2, to="admin"), notice("delivered", to="admins"))).colour == "green"
    assert judge(notices=(notice("failed", hours=2), notice("delivered", to="others", template="drill-passed"))).colour == "red"


@pytest.mark.positive_control
def test_without_looking_at_notices_it_would_be_green() -> None:
    """Twin: the same facts with the ledger not handed in."""
    assert judge(notices=(notice("nobody"),)).colour == "red"
    assert judge(notices=()).colour == "green"


NIGHTLY = ENTRY.model_copy(update={"runbooks": SystemRunbooks(nightly="nightly")})


def night(verdict: Verdict = "PASS", *, hours: float = 3, failed: tuple[str, ...] = ()) -> NightFact:
    began = ago(hours=hours)
    ended = began + timedelta(minutes=1)
    return NightFact(run=RunId("nightly-1"), verdict=verdict, began=began, ended=ended, failed=tuple(StepId(f) for f in failed))


@pytest.mark.parametrize(
    ("last", "colour", "text", "hint"),
    [
        (
            night("FAIL", failed=("backup",), hours=0.1),
            "red",
            "the last nightly failed at backup, 5 minutes ago (nightly-1)",
            "dr runs show nightly-1",
        ),
        (night("FAIL", hours=3), "red", "the last nightly failed, 2 hours ago (nightly-1)", "dr runs show nightly-1"),
        (night("INCOMPLETE", hours=3), "amber", "the last nightly is incomplete, 2 hours ago (nightly-1)", "dr runs show nightly-1"),
        (None, "amber", "the nightly was never run here", "dr run nightly"),
        (
            night(hours=31),
            "amber",
            "the nightly is overdue: the last one began 31 hours ago, the objective is 24 h",
            "is its timer on? By hand: dr run nightly",
        ),
    ],
)
def test_the_last_night_is_looked_at_itself(last: NightFact | None, colour: str, text: str, hint: str) -> None:
    """Yesterday's copy is still good when tonight's backup has failed: nobody may read green then."""
    found = readiness(HMIS, NIGHTLY, (PROVEN,), (drill(),), (), (), NOW, last)
    assert found.colour == colour
    assert [(r.colour, r.text, r.hint) for r in found.reasons] == [(colour, text, hint)]


@pytest.mark.parametrize(
    ("proven", "stored", "damaged", "said"),
    [
        (0, 0, 0, ["no copy"]),
        (0, 0, 1, ["no good copy: its only copy is damaged"]),
        (0, 0, 2, ["no good copy: all 2 copies are damaged"]),
        (0, 2, 0, ["no good copy (2 stored and not verified)"]),
        (0, 1, 1, ["no good copy (1 stored and not verified, 1 damaged)"]),
        (1, 0, 1, ["1 damaged copy"]),
    ],
)
def test_one_thing_is_said_of_the_copies_of_a_tier(proven: int, stored: int, damaged: int, said: list[str]) -> None:
    """'no copy' beside '1 damaged copy' leaves a reader to guess which is meant."""
    copies = [
        *(copy_at(ago(hours=1), level="proven") for _ in range(proven)),
        *(copy_at(ago(hours=2 + n), level="stored") for n in range(stored)),
        *(copy_at(ago(hours=9 + n), level="proven", damaged=True) for n in range(damaged)),
    ]
    found = judge(tuple(copies))
    assert [r.text for r in found.tiers[0].reasons if r.colour != "green" and ("cop" in r.text) and "proven" not in r.text] == said


@pytest.mark.positive_control
def test_a_good_night_or_none_that_is_named_says_nothing() -> None:
    """The twin: the same system, green, after a night that passed, or without a runbook for its nights."""
    assert readiness(HMIS, NIGHTLY, (PROVEN,), (drill(),), (), (), NOW, night()).colour == "green"
    assert readiness(HMIS, ENTRY, (PROVEN,), (drill(),), (), (), NOW, night("FAIL")).colour == "green"


# ---------------------------------------------------------------- needs a drill

WRITTEN = {"runbook drill-online": "a", "runbook nightly": "n", "host standby": "b", "host production": "p"}
RESTED = {"runbook drill-online": sha256(b"a"), "host standby": sha256(b"b")}


def written(**changed: str | None) -> dict[str, str]:
    """As it was when the last drill ran, but for these; None: it is there no more."""
    now = {name: sha256(word.encode()) for name, word in {**WRITTEN, **{k: v for k, v in changed.items() if v is not None}}.items()}
    return {name: digest for name, digest in now.items() if changed.get(name, "") is not None}


def judged(now: dict[str, str] | None, verdict: Verdict = "PASS") -> Readiness:
    last = drill(verdict).model_copy(update={"rests_on": RESTED})
    return readiness(HMIS, ENTRY, [PROVEN], [last], [], [], NOW, written=now)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, []),
        ({"runbook nightly": "x", "host production": "y"}, []),
        ({"runbook drill-online": "x"}, ["needs a drill: runbook 'drill-online' was changed since the last one"]),
        ({"host standby": "x"}, ["needs a drill: host 'standby' was changed since the last one"]),
        ({"host standby": None}, ["needs a drill: host 'standby', by which the last one was done, is there no more"]),
    ],
)
def test_what_was_changed_since_the_last_drill_needs_one(changed: dict[str, str | None], said: list[str]) -> None:
    """A drill that went another way than the next one will says nothing about it; what it did not use may change."""
    found = judged(written(**changed))
    assert found.colour == ("amber" if said else "green")
    assert words(found, "amber") == said


def test_of_a_drill_that_failed_only_that_is_said() -> None:
    found = judged(written(**{"host standby": "x"}), "FAIL")
    assert (found.colour, words(found, "amber")) == ("red", [])


def test_how_long_a_proof_stands_is_said_for_each_tier() -> None:
    """A weekly drill that was missed is seen within the week, where the inventory says so."""
    week = ENTRY.model_copy(update={"objectives": ENTRY.objectives.model_copy(update={"proof_valid": {"online": Seconds(8 * 86400.0)}})})
    old = copy_at(ago(hours=1), level="proven", proven_at=ago(days=9))
    said = words(judge((old,), (drill(days=9),), entry=week), "amber")
    assert said == ["needs a drill: the newest proof is stale: 9 days old, 8 d at most", "the last drill was 9 days ago"]
    assert words(judge((old,), (drill(days=9),)), "amber") == []


GOOD = st.fixed_dictionaries(
    {
        "days": st.floats(0, 60),
        "valid": st.none() | st.floats(0, 60),
        "rto": st.none() | st.floats(0, 8 * 3600.0),
        "verdict": st.sampled_from(["PASS", "FAIL", "INCOMPLETE"]),
        "damaged": st.booleans(),
        "changed": st.dictionaries(st.sampled_from(sorted(WRITTEN)), st.none() | st.just("x"), max_size=2),
        "severities": st.lists(st.sampled_from(["info", "warning", "critical"]), max_size=2),
        "states": st.lists(st.sampled_from(["delivered", "failed", "nobody", "partial"]), max_size=1),
    }
)


@given(GOOD)
def test_green_only_if_nothing_at_all_speaks_against_it(case: dict[str, Any]) -> None:
    """The one rule of the colour: green needs every single thing to be well, and whatever is not gives its words in its own colour."""
    valid = case["valid"]
    proof_valid = {} if valid is None else {"online": Seconds(valid * 86400.0)}
    entry = ENTRY.model_copy(update={"objectives": ENTRY.objectives.model_copy(update={"proof_valid": proof_valid})})
    proven = copy_at(ago(hours=5), level="proven", proven_at=ago(days=case["days"]), damaged=case["damaged"])
    last = drill(case["verdict"], rto=case["rto"], days=case["days"]).model_copy(update={"rests_on": RESTED})
    findings, notices = [finding(one) for one in case["severities"]], [notice(one) for one in case["states"]]
    found = readiness(HMIS, entry, [proven], [last], findings, notices, NOW, written=written(**case["changed"]))
    well = (
        not case["damaged"]
        and case["verdict"] == "PASS"
        and case["rto"] is not None
        and case["rto"] <= 3 * 3600.0
        and NOW - last.ended <= timedelta(days=35 if valid is None else valid)
        and not set(case["changed"]) & set(RESTED)
        and not set(case["severities"]) - {"info"}
        and not set(case["states"]) - {"delivered"}
    )
    assert (found.colour == "green") == well
    every = [*found.reasons, *(r for tier in found.tiers for r in tier.reasons)]
    assert found.colour == worst(tuple(r.colour for r in every))


def test_what_a_wrong_clock_dated_ahead_keeps_nothing_green() -> None:
    """A drill of next year would hide every failure until then; a proof and a night of then would never grow old."""
    ahead = drill(days=-300).model_copy(update={"run": RunId("drill-of-then")})
    assert judge(drills=(drill("FAIL"), ahead)).colour == "red"
    alone = judge(drills=(ahead,))
    assert words(alone, "amber") == [
        "never drilled",
        "a drill does not count, since it is dated ahead of now: a clock is or was wrong (drill-of-then)",
    ]
    proven = PROVEN.model_copy(update={"proven_at": ago(days=-300)})
    assert words(judge(copies=(proven,)), "amber") == ["no copy here is proven"]
    entry = ENTRY.model_copy(update={"runbooks": SystemRunbooks(nightly="nightly")})
    night = NightFact(run=RunId("night-of-then"), verdict="PASS", began=ago(days=-300), ended=ago(days=-300))
    found = readiness(HMIS, entry, (PROVEN,), (drill(),), (), (), NOW, night)
    assert words(found, "amber") == ["the last nightly is dated ahead of now: a clock is or was wrong (night-of-then)"]


@pytest.mark.positive_control
def test_a_clock_that_is_minutes_ahead_is_forgiven() -> None:
    assert judge(drills=(drill(days=-2 / 1440),)).colour == "green"
