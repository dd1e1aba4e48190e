"""What is said of an outage: the runs that belong to it, how long it lasted beside what was promised, and who was reached."""

from datetime import datetime, timedelta

import pytest

from dr.model.base import RunId, Sha256, SystemName
from dr.model.notice_record import Delivery, Notice
from dr.model.record import RunRecord, RunState
from dr.policy.outage_reach import counted, nobody, reaches
from dr.policy.outage_words import against, doing, its_runs, lasted
from tests.support.outage_world import NOON, inventory, outage

pytestmark = pytest.mark.unit
MINUTE = timedelta(minutes=1)


def ran(
    name: str, kind: str, started: datetime, ended: datetime | None = None, *, system: str = "hmis", rto: float | None = None
) -> RunRecord:
    state: RunState = "done" if ended else "running"
    return RunRecord(
        run=RunId(name),
        runbook=kind,
        title=f"The {kind}",
        kind=kind,
        system=SystemName(system),
        state=state,
        verdict="PASS" if ended else None,
        started=started,
        ended=ended,
        plan=Sha256("0" * 64),
        objective={"rto": rto} if rto else None,
    )


def test_its_runs_are_those_of_its_system_while_it_lasted() -> None:
    over = outage().model_copy(update={"ended": NOON + 60 * MINUTE, "run": RunId("its-own")})
    runs = [
        ran("later", "drill", NOON + 90 * MINUTE),
        ran("recovery", "recovery", over.began),
        ran("other", "recovery", NOON, system="payroll"),
        ran("its-own", "outage", NOON),
        ran("night", "backup", NOON - 30 * MINUTE, NOON - 2 * MINUTE),
        ran("long-ago", "backup", NOON - 300 * MINUTE, NOON - 200 * MINUTE),
    ]
    assert [run.run for run in its_runs(over, runs)] == ["recovery", "night"]


@pytest.mark.parametrize(
    ("minutes", "rto", "said"),
    [
        (60, None, "1 h 05 min; the objective is 4 h: within it"),
        (300, None, "5 h 05 min; the objective is 4 h: 1 h 05 min too long"),
        (300, 6 * 3600.0, "5 h 05 min; the objective is 6 h: within it"),
    ],
)
def test_how_long_it_lasted_beside_the_objective(minutes: int, rto: float | None, said: str) -> None:
    """The recovery's own objective, where one was begun: another tier promises another time."""
    over = outage().model_copy(update={"ended": NOON + minutes * MINUTE})
    runs = [ran("recovery", "recovery", over.began, rto=rto)] if rto else []
    assert against(over, inventory(), runs, NOON + timedelta(days=1)) == said


def test_an_office_has_no_objective() -> None:
    assert against(outage(office="madison"), inventory(), [], NOON) == "5 min"
    assert lasted(outage(), outage().began) == "less than a minute"


def test_what_is_being_done_names_who_has_it_and_what_runs() -> None:
    mine = outage().model_copy(update={"assigned": "bert"})
    runs = [ran("r-2", "recovery", NOON), ran("r-1", "recovery", NOON - 4 * MINUTE, NOON)]
    assert list(doing(mine, [], None, inventory(), runs, NOON)) == [
        "Bert Backup has it in hand",
        "The recovery: under way, its clock runs since 12:00 (r-2)",
        "The recovery: PASS, 12:00 (r-1)",
    ]


def test_a_drill_or_nightly_that_is_over_is_nothing_that_is_done_about_it() -> None:
    """Whoever reads "restored: PASS" believes that users can work again; in an exercise the drill is the recovery that is played."""
    runs = [ran("d-1", "drill", NOON - 4 * MINUTE, NOON), ran("n-1", "backup", NOON - 4 * MINUTE, NOON), ran("n-2", "backup", NOON)]
    still = "The backup: under way, its clock runs since 12:00 (n-2)"
    assert list(doing(outage(), [], None, inventory(), runs, NOON)) == [still]
    assert list(doing(outage(exercise=True), [], None, inventory(), runs, NOON)) == ["The drill: PASS, 12:00 (d-1)", still]


def test_the_best_that_is_known_of_each_person_counts() -> None:
    """Who was reached by one notice is reached, though another to them failed; who is in no group is nobody."""
    people = {"administrators": {name: inventory().contacts[name] for name in ("anna", "bert")}, "ghosts": {}}

    def notice(number: int, to: str, *deliveries: Delivery) -> Notice:
        return Notice(
            id=f"n{number}", to=to, template="t", subject="", body="", severity="info", state="owed", created=NOON, deliveries=deliveries
        )

    came = Delivery(contact="anna", channel=0, scheme="mailto", state="delivered", attempt=1, at=NOON)
    lost = Delivery(contact="anna", channel=1, scheme="ntfy", state="failed", attempt=1, at=NOON, detail="it did not answer")
    notices = [notice(1, "administrators", lost), notice(2, "administrators", came), notice(3, "ghosts")]
    assert [(one.name, one.reached, one.how) for one in reaches(notices, people)] == [
        ("Anna Admin", True, "mailto"),
        ("Bert Backup", None, "not tried yet"),
    ]
    assert nobody(notices, people) == ["ghosts"]
    again = reaches([notice(1, "administrators", lost), notice(4, "administrators")], people)
    assert again[0].reached is False, "that another was not tried yet hides nothing"
    assert [counted(one, people) for one in notices] == [(0, 2), (1, 2), (0, 0)]
