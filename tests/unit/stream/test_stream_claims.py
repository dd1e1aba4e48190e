"""Claims of duties over several stores: a majority decides, silence decides nothing, and what nobody signed counts for nothing."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.errors import Damaged, Unreachable
from dr.model.base import OfficeName, RepositoryName
from dr.model.claim import Claim
from dr.model.duty import Fence
from dr.stream.claims import Claims, Stand, seal
from tests.support.stream_context import NOW
from tests.support.stream_keys import CredulousKeys, TestKeys
from tests.support.stream_memory import MemoryRepository

pytestmark = pytest.mark.unit
KEYS = TestKeys()


def stores(count: int) -> list[MemoryRepository]:
    made = [MemoryRepository(RepositoryName(f"store-{number}"), "vault", organisation="Harbor") for number in range(count)]
    for one in made:
        one.initialise("Harbor", one.name, NOW)
    return made


def claim(
    number: int, office: str = "milwaukee", home: str = "here", *, place: int = 0, duty: str = "help-desk", exercise: str = ""
) -> Claim:
    """The successor of the number before it, in a line without gaps."""
    return Claim(
        duty=duty,
        number=Fence(number),
        after=Fence(number - 1),
        place=place or number,
        office=OfficeName(office),
        at=NOW,
        by="anna",
        home=home,
        exercise=exercise,
    )


def silence(one: MemoryRepository) -> None:
    one.fails = _silent


def _silent(what: str, _path: str) -> bool:
    return what in ("claim", "claims")


def _never(_what: str, _path: str) -> bool:
    return False


def test_a_claim_that_holds_is_read_back_by_everybody_and_a_repeated_one_is_the_same() -> None:
    there = stores(1)
    first = Claims(there, KEYS)
    assert first.read("help-desk").claim is None
    assert first.put(claim(1)) == first.put(claim(1)) == claim(1)
    stand = Claims(there, KEYS).read("help-desk")
    assert (stand.claim, stand.number, stand.last, stand.begun, stand.strange) == (claim(1), 1, 1, (), ())


def test_who_comes_second_is_told_who_was_first() -> None:
    there = stores(3)
    Claims(there, KEYS).put(claim(1, "milwaukee", "a"))
    assert Claims(there, KEYS).put(claim(1, "green-bay", "b")) == claim(1, "milwaukee", "a")


def test_one_of_three_stores_may_be_lost_and_two_may_not() -> None:
    """Silence of a majority assigns nothing: a claim that only this machine knew would be none."""
    there = stores(3)
    both = Claims(there, KEYS)
    both.put(claim(1))
    silence(there[0])
    assert both.put(claim(2, "green-bay")) == claim(2, "green-bay")
    assert both.read("help-desk").claim == claim(2, "green-bay")
    silence(there[1])
    with pytest.raises(Unreachable, match="of 3 stores of claims 1 did, so that nobody can be given a duty"):
        both.read("help-desk")
    with pytest.raises(Unreachable):
        both.put(claim(3))


def test_the_only_store_that_is_silent_stops_everything_in_words() -> None:
    there = stores(1)
    silence(there[0])
    with pytest.raises(Unreachable) as said:
        Claims(there, KEYS).put(claim(1))
    assert str(said.value) == (
        "the store of claims does not answer, so that nobody can be given a duty: store-0: repository 'store-0' cannot claims\n"
        "   HINT: bring the store back (`dr repositories check`), then type it again; a claim that only this machine knew would be none"
    )


def test_a_claim_in_too_few_stores_holds_nothing_and_the_next_asks_for_the_very_place() -> None:
    """It was cut short, or is on its way: the one before it still holds, and of it and the next only one can win the place."""
    there = stores(3)
    both = Claims(there, KEYS)
    both.put(claim(1))
    cut = claim(2, "green-bay")
    there[2].claim("help-desk", 2, seal(cut, KEYS))
    stand = both.read("help-desk")
    assert (stand.claim, stand.last, stand.next, stand.begun, stand.unsure) == (claim(1), 2, 2, (cut,), False)
    assert both.put(claim(2, "eau-claire", "b")) == claim(2, "eau-claire", "b")
    assert both.put(cut) == both.read("help-desk").claim == claim(2, "eau-claire", "b")


def test_what_may_have_a_majority_that_is_not_seen_is_said_to_be_unsure() -> None:
    there = stores(3)
    there[2].claim("help-desk", 1, seal(claim(1), KEYS))
    silence(there[0])
    stand = Claims(there, KEYS).read("help-desk")
    assert (stand.claim, stand.unsure, stand.silent) == (None, True, ("store-0",))


def test_a_claim_that_may_hold_is_made_to_hold_before_another_follows() -> None:
    """It is in one of the two stores that answer, and perhaps in the third: taken for nothing, its number would be given away twice."""
    there = stores(3)
    there[1].claim("help-desk", 1, seal(claim(1, "milwaukee", "a"), KEYS))
    silence(there[0])
    assert Claims(there, KEYS).put(claim(1, "green-bay", "b")) == claim(1, "milwaukee", "a")
    assert Claims(there, KEYS).read("help-desk").claim == claim(1, "milwaukee", "a")


def test_where_only_the_silent_store_can_tell_who_holds_it_nobody_claims_it() -> None:
    there = stores(3)
    there[1].claim("help-desk", 1, seal(claim(1, "milwaukee", "a"), KEYS))
    there[2].claim("help-desk", 1, seal(claim(1, "green-bay", "b"), KEYS))
    silence(there[0])
    with pytest.raises(Unreachable, match="whether green-bay holds help-desk by number 1, only store-0 can tell"):
        Claims(there, KEYS).put(claim(1, "eau-claire", "c"))


def test_whoever_met_another_does_not_go_past_a_claim_that_may_hold() -> None:
    """Its own claim is in one store, another's in the next, and the third is silent: it may be the other who has two."""
    there = stores(3)
    there[0].claim("help-desk", 1, seal(claim(1, "eau-claire", "a"), KEYS))
    both = [Claims(there, KEYS).put(claim(1, "green-bay", "b"))]
    silence(there[2])
    with pytest.raises(Unreachable, match="whether green-bay holds help-desk by number 1, only store-2 can tell"):
        Claims(there, KEYS).put(claim(1, "eau-claire", "a"))
    there[2].fails = _never
    both.append(Claims(there, KEYS).put(claim(1, "eau-claire", "a")))
    assert both == [claim(1, "green-bay", "b")] * 2


def test_whoever_was_cut_short_goes_on_with_the_same_claim() -> None:
    """A crash between two stores: repeated, it is the same claim at the same place, not a second one."""
    there = stores(3)
    there[0].claim("help-desk", 1, seal(claim(1), KEYS))
    assert Claims(there, KEYS).put(claim(1, place=99)) == claim(1)
    assert [len(one.duties["help-desk"]) for one in there] == [1, 1, 1]


def test_who_does_not_know_the_newest_claim_gets_no_place_behind_it() -> None:
    """A home that slept: its number may be higher than all, it is told who holds the duty."""
    there = stores(1)
    known = Claims(there, KEYS)
    known.put(claim(1))
    known.put(claim(2, "green-bay"))
    late = claim(7, "madison", "old").model_copy(update={"after": Fence(1)})
    assert known.put(late) == claim(2, "green-bay")
    assert known.read("help-desk").last == 2


def test_a_store_that_forgot_learns_the_newest_number_by_the_next_claim() -> None:
    """Rolled back, or a new one: who knows more than it goes on above what it knows."""
    there = stores(1)
    assert Claims(there, KEYS).put(claim(5)) == claim(5, place=1)
    assert Claims(there, KEYS).read("help-desk").number == 5


def test_two_that_met_in_two_stores_both_lose() -> None:
    """Neither has a majority; the next claim, of either, stands behind both."""
    there = stores(2)
    there[0].claim("help-desk", 1, seal(claim(1, "milwaukee", "a"), KEYS))
    there[1].claim("help-desk", 1, seal(claim(1, "green-bay", "b"), KEYS))
    both = Claims(there, KEYS)
    assert (both.read("help-desk").claim, both.read("help-desk").last) == (None, 1)
    assert both.put(claim(1, "milwaukee", "a")) == claim(1, "milwaukee", "a", place=2)
    assert both.put(claim(1, "green-bay", "b")) == claim(1, "milwaukee", "a", place=2)


def test_who_meets_another_while_claiming_is_told_that_nobody_won() -> None:
    there = stores(2)

    def first(what: str, _path: str) -> bool:
        if what == "claim":
            there[1].duties["help-desk"] = {1: seal(claim(1, "green-bay", "b"), KEYS)}
        return False

    there[0].fails = first
    with pytest.raises(Unreachable, match="two claims of help-desk met in the stores, and neither has most of them"):
        Claims(there, KEYS).put(claim(1, "milwaukee", "a"))


@pytest.mark.parametrize(
    ("forged", "words"),
    [
        (seal(claim(9, "madison"), TestKeys(seed="stranger")), "no key that is trusted has signed it"),
        (b"{", "it cannot be read"),
        (b"[" * 200_000, "it cannot be read"),
        (seal(claim(9, "madison", duty="payroll"), KEYS), "it is a claim of something else that was put there"),
        (seal(claim(8, "madison"), KEYS), "it is a claim of something else that was put there"),
        (seal(claim(9, "madison", exercise="exercise-1"), KEYS), "it is a claim of something else that was put there"),
    ],
)
def test_what_cannot_be_believed_moves_no_duty_and_is_said(forged: bytes, words: str) -> None:
    """A forged claim, and a true one that was carried to another place: neither assigns anything, and the next number is above both."""
    there = stores(1)
    known = Claims(there, KEYS)
    known.put(claim(1))
    there[0].claim("help-desk", 9, forged)
    stand = known.read("help-desk")
    assert (stand.claim, stand.last, stand.strange) == (claim(1), 9, (f"store-0: help-desk/9: {words}",))
    assert known.put(claim(2)) == claim(2, place=10)
    assert known.read("help-desk").claim == claim(2, place=10)


def test_who_is_beaten_by_what_cannot_be_believed_is_told_so() -> None:
    """Between the look and the claim: it did not win, and nobody else did either."""
    there = stores(1)

    def planted(what: str, _path: str) -> bool:
        if what == "claim":
            there[0].duties["help-desk"] = {9: seal(claim(9, "madison"), TestKeys(seed="stranger"))}
        return False

    there[0].fails = planted
    with pytest.raises(Damaged, match=r"what stands last among the claims of help-desk .* no key that is trusted has signed it"):
        Claims(there, KEYS).put(claim(1))


@pytest.mark.positive_control
def test_a_forged_claim_would_move_a_duty_if_signatures_were_not_looked_at() -> None:
    there = stores(1)
    there[0].claim("help-desk", 9, seal(claim(9, "madison"), TestKeys(seed="stranger")))
    assert Claims(there, CredulousKeys()).read("help-desk").claim == claim(9, "madison")


def test_a_rehearsed_claim_lies_under_its_own_name() -> None:
    there = stores(1)
    known = Claims(there, KEYS)
    known.put(claim(1, exercise="exercise-1"))
    assert known.read("help-desk").claim is None
    assert known.read("help-desk", "exercise-1").claim == claim(1, exercise="exercise-1")
    assert known.read("help-desk", "exercise-2").claim is None


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.integers(0, 3))), max_size=12))
def test_nobody_ever_reads_two_holders_or_a_falling_number(count: int, story: list[tuple[str, set[int]]]) -> None:
    """Two homes claim again and again while stores fall silent and come back: what holds has only one holder, and its number rises."""
    there = stores(count)
    homes = {name: Claims(there, KEYS) for name in "ab"}
    held: list[Claim] = []
    for step, (home, silent) in enumerate(story):
        for number, one in enumerate(there):
            one.fails = _silent if number in silent else _never
        try:
            before = homes[home].read("help-desk").number
            wish = claim(before + 1, home=home).model_copy(update={"at": NOW + timedelta(seconds=step)})
            got = homes[home].put(wish)
        except Unreachable:
            continue
        assert got.number > before
        held += [got] if got.home == home and got not in held else []
    for one in there:
        one.fails = _never
    assert [one.number for one in held] == sorted({one.number for one in held})
    stand = homes["a"].read("help-desk")
    assert not held or stand.number >= held[-1].number
    assert not held or stand.number > held[-1].number or stand.claim == held[-1]


Turn = tuple[str, int, frozenset[int]]
"""A home that claims number 1; at which of its calls of a store the next one comes in between; which stores are silent from then on."""


class Crowd:
    """Homes that claim one number at once: each is stopped between two stores, while the next one claims."""

    def __init__(self, count: int, kind: type[Claims] = Claims) -> None:
        self.there, self._kind = stores(count), kind
        self.told: list[Claim] = []
        """What those were told who got an answer."""

    def play(self, story: Sequence[Turn]) -> None:
        if not story:
            return
        (home, pause, silent), calls = story[0], count(1)
        left = [story[1:]]

        def called(number: int, what: str, _path: str) -> bool:
            if what not in ("claim", "claims"):
                return False
            if next(calls) == pause:
                self.play(left.pop())
                self._arm(called)
            return not left and number in silent

        self._arm(called)
        with suppress(Unreachable):
            self.told.append(self._kind(self.there, KEYS).put(claim(1, home=home)))
        for rest in left:
            self.play(rest)

    def _arm(self, called: Callable[[int, str, str], bool]) -> None:
        for number, one in enumerate(self.there):
            one.fails = partial(called, number)


_TURNS = st.tuples(st.sampled_from("abc"), st.integers(1, 7), st.frozensets(st.integers(0, 2), max_size=1))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), st.lists(_TURNS, min_size=2, max_size=4))
def test_of_all_who_claim_at_once_one_is_told_that_it_holds_the_duty(count: int, story: list[Turn]) -> None:
    """However their calls fall between each other's, and whichever store falls silent meanwhile: one number, one holder, told to all."""
    crowd = Crowd(count)
    crowd.play(story)
    for one in crowd.there:
        one.fails = _never
    for home in ("a", "b", "a"):  # in two stores two may have met: whoever types it again goes on behind both
        with suppress(Unreachable):
            crowd.told.append(Claims(crowd.there, KEYS).put(claim(1, home=home)))
    assert len({one.home for one in crowd.told}) == 1
    assert Claims(crowd.there, KEYS).read("help-desk").claim == crowd.told[-1]


@pytest.mark.positive_control
def test_whoever_went_past_a_claim_that_is_on_its_way_would_hold_the_duty_beside_it() -> None:
    """A place is passed over only when nobody can win it any more."""

    class Hasty(Claims):
        def read(self, duty: str, exercise: str = "") -> Stand:
            stand = super().read(duty, exercise)
            return replace(stand, next=stand.last + 1)

    crowd = Crowd(3, Hasty)
    crowd.play([("a", 3, frozenset()), ("b", 99, frozenset())])
    assert {one.home for one in crowd.told} == {"a", "b"}


@pytest.mark.positive_control
def test_a_minority_would_give_a_duty_to_two() -> None:
    """Where one store of three were enough, two homes would both hold number 1: it is the majority that keeps them apart."""

    class Lax(Claims):
        def __init__(self, there: list[MemoryRepository]) -> None:
            super().__init__(there, KEYS)
            self._most = 1

    there = stores(2)
    silence(there[1])
    assert Lax(there).put(claim(1, home="a")).home == "a"
    there[1].fails = _never
    silence(there[0])
    assert Lax(there).put(claim(1, home="b")).home == "b"
    assert Lax(there).read("help-desk").claim == claim(1, home="b")
