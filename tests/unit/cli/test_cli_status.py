"""The one screen: words first, a shape beside every colour, never wider than it says."""

from datetime import timedelta

import click
import pytest

from dr.cli.show import titled, wrapped
from dr.cli.standing import standing, still_named
from dr.cli.status import answer, heading, lines
from dr.model.base import ByteCount, HostName, RunId, Seconds, SystemName
from dr.model.forecast import TierForecast
from dr.model.readiness import DrillFact, Readiness, Reason, TierReadiness
from dr.model.record import Finding, HostState, Verdict
from tests.support.report_evidence import BEGAN, DRILL, HOUR, NIGHT, SET

pytestmark = pytest.mark.unit
ZONE = "America/Chicago"


def drilled(verdict: Verdict = "PASS", rto: float | None = 3600.0, tier: str = "online") -> DrillFact:
    return DrillFact(
        run=DRILL, tier=tier, verdict=verdict, ended=BEGAN - timedelta(days=3), rto=Seconds(rto) if rto is not None else None, set=SET
    )


def tier(
    name: str = "online", hours: float | None = 2.0, drill: DrillFact | None = None, *reasons: Reason, copies: int = 1
) -> TierReadiness:
    good = hours is not None
    return TierReadiness(
        tier=name,
        colour="green" if good and drill else "red",
        reasons=reasons,
        copies=copies,
        newest=SET if good else None,
        level="proven" if good else None,
        instant=BEGAN - timedelta(hours=hours) if hours is not None else None,
        rpo=Seconds(hours * HOUR) if hours is not None else None,
        proven=SET if good else None,
        proven_at=BEGAN - timedelta(hours=1) if good else None,
        drill=drill,
        rto_objective=Seconds(4 * HOUR),
        rto_target=Seconds(3 * HOUR),
    )


def ready(*tiers: TierReadiness, reasons: tuple[Reason, ...] = ()) -> Readiness:
    known = [t.rpo for t in tiers if t.rpo is not None]
    return Readiness(
        system=SystemName("hmis"),
        at=BEGAN,
        colour="red" if reasons else "green",
        reasons=reasons,
        rpo=min(known, default=None),
        rpo_objective=Seconds(24 * HOUR),
        tiers=tiers,
    )


def screen_of(readiness: Readiness, width: int = 100, findings: tuple[Finding, ...] = ()) -> str:
    return click.unstyle("\n".join(lines(readiness, "Homeless Management Information System", ZONE, findings, width)))


def test_the_answer_says_what_how_fast_and_how_much_for_each_tier() -> None:
    back = "If we lost it now: we would get back what was entered until Sun 22 Nov 2026, 01:00 CST"
    assert answer(ready(tier(drill=drilled()), tier("vault", 50, drilled("FAIL", tier="vault"))), ZONE) == [
        f"{back}; the last 2 h would be lost (objective 24 h).",
        "From online: in about 1 h (objective 4 h), as drilled on Thu 19 Nov 2026, 03:00 CST.",
        "From vault: how fast is not known; the last drill FAILED on Thu 19 Nov 2026, 03:00 CST; the last 2 d 2 h would be lost.",
    ]


def test_what_the_drills_foresee_is_said_for_each_tier_with_its_bound_and_what_it_is_made_from() -> None:
    """How sure it is stands beside the number; without a drill nothing is said; where none counts, why."""
    known = TierForecast(tier="online", at=BEGAN, set=SET, bytes=ByteCount(1), p50=Seconds(3.2 * HOUR), p95=Seconds(3.7 * HOUR), drills=6)
    sure = known.model_copy(
        update={"objective": Seconds(4 * HOUR), "sureness": "good", "remarks": ("1 drill not counted: older than 365 d",)}
    )
    blind = known.model_copy(update={"p50": None, "p95": None, "why": "of version 15", "remarks": ("of version 15",)})
    never = known.model_copy(update={"p50": None, "p95": None, "why": "no drill was held from this tier yet"})
    tiers = [tier().model_copy(update={"forecast": one}) for one in (sure, blind, never, known)]
    assert answer(ready(*tiers), ZONE)[5:] == [
        "Tonight from online: back in about 3 h 12 min (p95 3 h 42 min) of 4 h, from 6 drills; 1 drill not counted: older than 365 d.",
        "Tonight from online: no forecast; of version 15.",
        "Tonight from online: back in about 3 h 12 min (p95 3 h 42 min), from 6 drills, so roughly.",
    ]


def test_the_answer_promises_nothing_that_was_not_shown() -> None:
    """Nothing backed up, a tier without a good copy, a drill that never was or measured nothing."""
    assert answer(ready(), ZONE) == ["If we lost it now: nothing would come back. There is no good copy."]
    said = answer(
        ready(tier(drill=drilled(rto=None)), tier("vault", None, copies=2), tier("tape", None, copies=0), tier("disk", None, copies=1)),
        ZONE,
    )
    assert said[1:] == [
        "From online: how fast is not known; the drill on Thu 19 Nov 2026, 03:00 CST measured no time.",
        "From vault: nothing: none of its 2 copies is good.",
        "From tape: nothing: it holds no copy.",
        "From disk: nothing: its only copy is not good.",
    ]
    assert answer(ready(tier()), ZONE)[1] == "From online: how fast is not known; it was never drilled."


LONG = Reason(colour="red", text="content-equals-source failed: " + "rows: hmis: lists.AftercareProvided: content differs; " * 30)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_screen_is_never_wider_than_it_is(width: int) -> None:
    tiers = (tier(drill=drilled()), tier("vault", None), tier("a-very-long-tier-name-that-goes-on", 49, drilled("INCOMPLETE")))
    text = screen_of(ready(*tiers, reasons=(LONG,)), width).splitlines()[2:]
    assert max(map(len, text[1:])) <= width


def test_what_is_open_comes_worst_first_and_says_what_next() -> None:
    """Undelivered notices, damaged copies, findings: each with a shape; the next step where there is one."""
    amber = Reason(colour="amber", text="1 damaged copy")
    red = Reason(colour="red", text="a notice to administrators was not delivered, 10 minutes ago")
    found = Finding(key="k", severity="critical", message="the vault is full", hint="make room", at=BEGAN)
    full = Reason(colour="red", text=found.message)
    text = screen_of(ready(tier("online", 2.0, drilled(), amber), reasons=(red, full)), findings=(found,))
    assert (
        text.index("✖ a notice to") < text.index("✖ the vault is full") < text.index("next: make room") < text.index("▲ online: 1 damaged")
    )
    assert "nothing is open" in screen_of(ready(tier(drill=drilled())))


def test_a_name_cannot_move_the_cursor() -> None:
    assert list(wrapped("a\x1b[2Jb \u202ec", 80, first="", rest="")) == ["a\\u001b[2Jb \\u202ec"]


def test_a_title_that_says_no_more_than_the_name_is_left_out() -> None:
    assert titled("hmis", "Client records") == "hmis · Client records"
    assert titled(click.style("shop", bold=True), "Shop") == click.style("shop", bold=True)
    assert titled("madison", "") == "madison"


def test_a_number_stays_with_its_unit() -> None:
    assert list(wrapped("it took 4 min 05 s", 20, first="", rest="")) == ["it took 4 min 05 s"]
    assert list(wrapped("it took as long as 4 min", 20, first="", rest="")) == ["it took as long as", "4 min"]


def test_interrupted_runs_and_standbys_that_hold_data_are_said() -> None:
    """A standby in use by a run that goes on is no news; one left behind is; one in service is no standby."""

    def host(name: str, state: str, run: RunId | None) -> HostState:
        return HostState.from_facts({"host": HostName(name), "state": state, "run": run, "since": BEGAN.isoformat()})

    hosts = [
        host("busy", "adopted", NIGHT),
        host("left", "adopted", DRILL),
        host("clean", "clean", None),
        host("lost", "in-service", DRILL),
    ]
    text = click.unstyle("\n".join(standing([RunId("other-run")], {NIGHT, RunId("other-run")}, hosts, ZONE, 100)))
    assert f"▶ {NIGHT} is running" in text
    assert "▲ other-run was interrupted; go on with: dr runs resume other-run" in text
    assert f"▲ left still holds restored data of {DRILL}" in text and "busy" not in text and "clean" not in text
    assert "● lost is in service since" in text and "nothing is ever restored onto it again" in text
    assert [one.host for one in still_named(hosts, {"busy", "clean"})] == ["busy", "left", "clean"], "what holds data is always said"
    assert still_named(hosts, {"lost"}) == hosts
    assert list(standing([], set(), [host("clean", "clean", None)], ZONE, 100)) == []


def test_after_a_killed_drill_the_standby_that_still_holds_data_is_named() -> None:
    """Nobody carries the run, so nobody scrubs: which standby holds client data, since when, and how it goes away."""
    left = HostState.from_facts({"host": "standby", "state": "claimed", "run": DRILL, "set": SET, "since": BEGAN.isoformat()})
    text = " ".join(click.unstyle("\n".join(standing([DRILL], {DRILL}, [left], ZONE, 200))).split())
    assert f"▲ {DRILL} was interrupted; go on with: dr runs resume {DRILL}" in text
    goes_on = "resumed, a drill scrubs it at its end, a recovery goes on to open it"
    assert f"▲ standby still holds restored data of {DRILL}, since Sun 22 Nov 2026, 03:00 CST: {goes_on}" in text
    assert list(standing([], {DRILL}, [left], ZONE, 200))[1:] == [f"  ▶ {DRILL} is running"], "one that goes on is no news"


def test_the_heading_breaks_where_it_does_not_fit() -> None:
    assert len(click.unstyle(heading("Org", "Sun 22 Nov", 60))) == 60
    assert "\n" in heading("O" * 55, "Sun 22 Nov", 60)


def test_a_reason_says_what_to_look_at_next() -> None:
    """A failed night names its run, and the command that shows it."""
    failed = Reason(colour="red", text=f"the last nightly failed at backup, 3 minutes ago ({NIGHT})", hint=f"dr runs show {NIGHT}")
    text = screen_of(ready(tier(drill=drilled()), reasons=(failed,)))
    assert f"✖ the last nightly failed at backup, 3 minutes ago ({NIGHT})" in text
    assert f"    next: dr runs show {NIGHT}" in text.splitlines()
