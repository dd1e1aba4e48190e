"""`select-backup` chooses one set, says how in words, and chooses the same when it runs again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dr.actions.select_backup import Params, choose
from dr.errors import ConfigError, Refused
from tests.support.catalog_copies import NOW, ago, copy_at, set_at

pytestmark = pytest.mark.unit
ZONE = "America/Chicago"
NIGHTS = [copy_at(ago(days=d)) for d in (9, 3, 2, 1)]


def test_newest_is_the_newest_instant_whatever_the_order() -> None:
    """The catalog's order is no promise."""
    chosen, how = choose("newest", list(reversed(NIGHTS)), NOW, ZONE, seed="run")
    assert (chosen.set, how) == (set_at(ago(days=1)), "the newest of 4")


def test_at_takes_the_newest_that_is_not_younger() -> None:
    """'As it was on the 20th at noon' must not contain what was entered later."""
    local_noon_two_days_ago = (NOW - timedelta(days=2) + timedelta(hours=1)).strftime("at %Y-%m-%dT%H:%M+00:00")
    chosen, how = choose(local_noon_two_days_ago, NIGHTS, NOW, ZONE, seed="run")
    assert chosen.set == set_at(ago(days=2))
    assert how == "the newest at or before Fri 20 Nov 2026, 07:00 CST"


def test_at_without_a_zone_is_the_organisations_time() -> None:
    """An operator in Madison writes Madison's time: 06:30 there is 12:30 UTC."""
    chosen, _ = choose("at 2026-11-20T06:30", NIGHTS, NOW, ZONE, seed="run")
    assert chosen.set == set_at(ago(days=2))


@given(st.text(min_size=1, max_size=20))
def test_a_random_choice_is_the_same_for_the_same_run(seed: str) -> None:
    """A step that runs again after a crash must not restore another night."""
    first, how = choose("random-within 7d", NIGHTS, NOW, ZONE, seed=seed)
    assert first == choose("random-within 7d", list(reversed(NIGHTS)), NOW, ZONE, seed=seed)[0]
    assert first.set != set_at(ago(days=9))
    assert how == "one at random of 3 within 7d"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("2026-11-01T01:30", "was twice", "'at 2026-11-01T01:30-05:00' or 'at 2026-11-01T01:30-06:00'"),
        ("2026-03-08T02:30", "never was: the clocks went forward over it", "'at 2026-03-08T03:30-05:00' or 'at 2026-03-08T01:30-06:00'"),
    ],
)
def test_a_time_that_the_clocks_showed_twice_or_never_is_asked_for(text: str, message: str, hint: str) -> None:
    """An hour of work hangs on it: nobody guesses. With its offset it is taken."""
    with pytest.raises(ConfigError) as caught:
        choose(f"at {text}", NIGHTS, NOW, ZONE, seed="run")
    assert str(caught.value) == f"{text} {message} in {ZONE}\n   HINT: say which is meant: {hint}"
    old = [copy_at(ago(days=300))]
    assert choose(hint.split("'")[1], old, NOW, ZONE, seed="run")[0] == old[0]


def test_at_takes_no_set_that_may_be_younger_than_its_date_says() -> None:
    """One that came before another set is no newer than that; its own date may be of a clock that was ahead, or behind."""
    ahead = copy_at(ago(days=1)).model_copy(update={"not_after": ago(days=5)})
    chosen, _ = choose(f"at {ago(days=4).isoformat()}", [copy_at(ago(days=9)), ahead], NOW, ZONE, seed="run")
    assert chosen == ahead


@pytest.mark.parametrize("which", ["newest", "random-within 7d", "at 2026-11-01", "at 2026-11-01T12:00", str(set_at(ago(days=3)))])
def test_what_names_a_backup_is_taken_as_a_parameter(which: str) -> None:
    assert Params.from_facts({"system": "hmis", "tier": "online", "which": which}).which == which


def test_what_names_none_is_refused_before_anything_runs() -> None:
    """A typing error is no failed drill, of which somebody is told at night."""
    with pytest.raises(ValidationError, match="'latest' says no backup; write newest, 'random-within 7d'"):
        Params.from_facts({"system": "hmis", "tier": "online", "which": "latest"})


def test_a_set_is_found_by_its_id() -> None:
    wanted = set_at(ago(days=3))
    assert choose(str(wanted), NIGHTS, NOW, ZONE, seed="run") == (NIGHTS[1], "named by id")


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("at 2026-10-01T00:00", "there is no undamaged copy as old as Thu 01 Oct 2026, 00:00 CDT"),
        ("random-within 1h", "there is no undamaged copy within 1h"),
        ("20200101T000000Z-abcdef", "there is no undamaged copy of the set 20200101T000000Z-abcdef"),
    ],
)
def test_what_is_not_there_is_refused(which: str, message: str) -> None:
    """Never another set than the one that was asked for."""
    with pytest.raises(Refused) as refused:
        choose(which, NIGHTS, NOW, ZONE, seed="run")
    assert str(refused.value) == f"{message}\n   HINT: `dr backups list` shows what there is"


@pytest.mark.parametrize("which", ["", "latest", "at noon", "random-within", "random-within 7", "newest 2"])
def test_what_says_no_backup_is_an_error_of_the_person(which: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        choose(which, NIGHTS, NOW, ZONE, seed="run")
    assert wrong.value.hint == "write newest, 'random-within 7d', 'at 2026-11-01T12:00' or a set's id"
