"""Nights by a fake clock, with both changes of the clocks: what protects us is never deleted, what is past its limit does not linger.

`scripts/retention-year` lives a whole year of them.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.year import Year, bury_blindly, tell

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("first", [date(2026, 2, 24), date(2026, 10, 20)], ids=["clocks-go-forward", "clocks-go-back"])
def test_nights_across_a_change_of_clocks_delete_nothing_that_is_protected(tmp_path: Path, first: date) -> None:
    """Promise 3 every night, with failed, shrunken and damaged nights, and hostile callers after each third."""
    year = Year(tmp_path, seed=2026, every=3)
    for number in range(40):
        year.night(first + timedelta(days=number))
    print(tell(year))
    assert year.succeeded.total() == 0
    assert year.tried.total() > 90
    assert year.counts["deletions"] > 20


@pytest.mark.positive_control
def test_control_without_the_second_look_hostile_callers_succeed(tmp_path: Path) -> None:
    """The same attacks on a prune that believes what it is told."""
    year = Year(tmp_path, seed=2026, carry=bury_blindly)
    year.night(date(2026, 3, 1))
    year.night(date(2026, 3, 2))
    assert year.succeeded.total() > 0
