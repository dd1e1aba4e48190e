"""What would be missing is known beforehand: duties with nobody behind them; when offices are open, and who must say that one is lost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr.config.init import init_home
from dr.config.load import load
from dr.model.inventory import Duty, Office
from dr.plugins import kinds
from dr.policy.roster import Person, is_open, roster_of
from dr.policy.succession import gaps
from tests.support.duty_rosters import HOURS, roster

pytestmark = pytest.mark.unit


def test_the_example_organisation_has_somebody_behind_every_duty(tmp_path: Path) -> None:
    """As `dr init` makes it."""
    init_home(tmp_path / "home", "Org", "America/Chicago")
    found = roster_of(load(tmp_path / "home", kinds()).inventory)
    assert len(found.duties) == 5 and len(found.offices) == 4 and gaps(found) == ()


def test_a_duty_that_only_one_office_could_hold_is_a_gap() -> None:
    duties = {"privacy": Duty(title="Privacy officer", office="madison", needs=("privacy", "law"), succession=("milwaukee",))}
    people = dict(roster().people) | {"ann": Person(name="Ann", office="madison", skills=("privacy", "law"))}
    (gap,) = gaps(roster(duties=duties, people=people))
    assert (gap.duty, gap.why) == ("privacy", "no office but Madison could hold Privacy officer")
    assert gap.hint == "have somebody in another office learn privacy and law"


def test_an_office_that_holds_what_it_cannot_is_a_gap() -> None:
    duties = {"servers": Duty(title="Servers", office="milwaukee", needs=("servers",))}
    (gap,) = gaps(roster(duties=duties))
    assert gap.why == "Milwaukee holds Servers, and has nobody with servers"


def test_a_successor_that_would_be_lost_as_well_is_none() -> None:
    """Eau Claire shares Madison's provider, Milwaukee its building."""
    offices = dict(roster().offices) | {"milwaukee": Office(title="Milwaukee", building="main-street")}
    people = {name: person for name, person in roster().people.items() if name != "cy"}
    found = gaps(roster(offices=offices, people=people))
    assert [gap.why for gap in found] == [
        "whoever could take Help desk over (Eau Claire, Milwaukee) would be lost with Madison",
        "whoever could take Servers over (Eau Claire) would be lost with Madison",
    ]
    assert gaps(roster(people=people)) == found[1:]


@pytest.mark.parametrize(
    ("utc", "there"),
    [
        ("2026-11-23 14:59", False),
        ("2026-11-23 15:00", True),
        ("2026-11-24 00:00", False),
        ("2026-11-22 16:00", False),
        ("2026-07-06 14:00", True),
        ("2026-07-06 13:59", False),
    ],
)
def test_an_office_keeps_the_hours_of_its_own_clock(utc: str, there: bool) -> None:
    """In Denver, an hour behind the organisation's own; in summer as in winter, never on a Sunday."""
    denver = roster(offices={"denver": Office(title="Denver", zone="America/Denver", hours=HOURS)})
    assert is_open(denver, "denver", datetime.fromisoformat(utc).replace(tzinfo=UTC)) is there
