"""What an interrupted process says last."""

from datetime import UTC, datetime

import pytest

from dr.app.farewell import farewell, still_held
from dr.model.base import HostName, RunId
from dr.model.record import HostState

pytestmark = pytest.mark.unit
ONE, OTHER = RunId("drill-online-20261122T070000Z-ab12"), RunId("drill-online-20261121T070000Z-cd34")


def of(state: str, run: RunId = ONE) -> HostState:
    return HostState.from_facts({"host": "standby", "state": state, "run": run, "since": datetime(2026, 11, 22, tzinfo=UTC).isoformat()})


@pytest.mark.parametrize("state", ["claimed", "adopted"])
def test_a_standby_that_holds_what_the_run_restored_is_named_with_both_ways_on(state: str) -> None:
    (line,) = still_held([ONE], [of(state)], lambda _: "drill")
    what, ways = f"host 'standby' still holds client data that run {ONE} restored", "resumed, it scrubs that at its end"
    assert line == f"{what}: {ways}; `dr runs cancel {ONE}`, then `dr runs resume {ONE}`, scrubs it at once"


def test_a_clean_standby_one_in_service_and_anothers_data_are_not_its_business() -> None:
    assert still_held([ONE], [of("clean"), of("in-service"), of("adopted", OTHER)], lambda _: "drill") == []


def test_a_catalog_that_cannot_be_read_takes_no_word_away(capsys: pytest.CaptureFixture[str]) -> None:
    """The process leaves all the same."""

    def broken() -> list[HostState]:
        raise OSError(f"no {HostName('standby')}")

    farewell(broken, lambda _: "drill")([ONE])
    assert capsys.readouterr().err == f"interrupted; nothing is lost: `dr runs resume {ONE}` goes on where it was\n"


def test_nobody_is_told_that_a_recovery_would_be_wiped_when_it_is_resumed() -> None:
    """It removes nothing: who reads that it does would not resume what brings everybody back."""
    (line,) = still_held([ONE], [of("adopted")], lambda _: "recovery")
    assert line == f"host 'standby' holds what run {ONE} brings back: resumed, it goes on towards opening it, and removes nothing"
