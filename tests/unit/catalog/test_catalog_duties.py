"""What the catalog keeps of duties: turns in order, taken one at a time, never changed; rehearsals apart from what is real."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr.catalog.audit import verify_chain
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import Refused
from dr.model.base import OfficeName
from dr.model.duty import Board, DutyName, Fence
from dr.model.duty_events import Noted, Returned, Turn
from dr.model.duty_log import DutyTurn, Wanted

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog.db", FixedClock(NOW))


def turn(minutes: int) -> Turn:
    at = NOW + timedelta(minutes=minutes)
    event = Returned(at=at, office=OfficeName("madison"), by="anna")
    return Turn(event=event, transitions=(Noted(why="seen"),), board=Board(at=at))


def take(catalog: Catalog, decide: Callable[[Board | None], Turn | None], log: str = "") -> DutyTurn | None:
    return catalog.take_turn(log, decide, by="anna", home="here", run=None, at=NOW)


def test_the_board_is_the_last_turns_and_every_turn_is_in_the_trail(catalog: Catalog) -> None:
    assert catalog.board() is None
    take(catalog, lambda board: turn(1) if board is None else None)
    assert take(catalog, lambda board: turn(2) if board == turn(1).board else None) is not None
    assert catalog.board() == turn(2).board
    assert [each.number for each in catalog.duty_turns()] == [1, 2]
    trail = catalog.audit_of("madison")
    assert [(one.event, one.actor, one.facts) for one in trail] == [
        ("duty.returned", "anna", {"turn": number, "decided": [{"does": "noted", "why": "seen"}]}) for number in (1, 2)
    ]
    assert verify_chain(catalog) is None


def test_what_is_not_worth_recording_and_what_is_refused_leaves_nothing(catalog: Catalog) -> None:
    def refuses(_board: Board | None) -> Turn:
        raise Refused("no")

    assert take(catalog, lambda _: None) is None
    with pytest.raises(Refused):
        take(catalog, refuses)
    assert (catalog.duty_turns(), catalog.audit_entries()) == ([], [])


def test_a_turn_stays_uncarried_until_it_is_said_to_be_done(catalog: Catalog) -> None:
    take(catalog, lambda _: turn(1))
    take(catalog, lambda _: turn(2))
    catalog.carried_turn("", 1, NOW)
    catalog.carried_turn("", 1, NOW)
    assert [each.number for each in catalog.uncarried_turns()] == [2]


def test_a_rehearsal_has_a_log_of_its_own(catalog: Catalog) -> None:
    take(catalog, lambda _: turn(1), "exercise-b")
    take(catalog, lambda _: turn(1), "exercise-a")
    assert catalog.board() is None
    assert catalog.board("exercise-a") == turn(1).board
    assert catalog.duty_exercises() == ["exercise-b", "exercise-a"]
    assert [each.number for each in catalog.uncarried_turns("exercise-b")] == [1]
    assert catalog.audit_of("madison")[0].facts["exercise"] == "exercise-b"


def test_a_wish_to_take_a_duty_back_is_noted_once(catalog: Catalog) -> None:
    wanted = Wanted(duty=DutyName("help-desk"), to=OfficeName("madison"), number=Fence(3), by="anna", at=NOW)
    assert (catalog.want_duty(wanted), catalog.want_duty(wanted)) == (True, False)
    assert catalog.wanted_duties() == [wanted]
    assert catalog.wanted_duties("exercise-a") == []


def test_many_who_decide_at_once_decide_one_after_the_other(tmp_path: Path) -> None:
    """Each sees the board of the one before: none is lost, none decided twice from the same."""
    open_catalog(tmp_path / "catalog.db", FixedClock(NOW)).close()

    def work() -> None:
        with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as mine:
            for _ in range(5):
                take(mine, lambda board: turn((board.at - NOW).seconds // 60 + 1 if board else 1))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        assert [each.number for each in catalog.duty_turns()] == list(range(1, 21))
        assert catalog.board() == turn(20).board
