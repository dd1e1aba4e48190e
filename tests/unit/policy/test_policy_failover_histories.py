"""Whatever happens in whatever order, on two machines with one store: what must always hold of duties does. Each rule's twin goes red."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.model.duty import Board, Fence
from dr.model.duty_events import Event, Ticked, Turn, Unheld
from dr.policy.candidates import Candidates, candidates
from dr.policy.failover import turn
from dr.policy.roster import Roster
from dr.policy.sitting import RULES, Rules
from tests.support.duty_campaign import campaign, rolls
from tests.support.duty_histories import Dice, History, Machine, Store
from tests.support.duty_watch import Broken

pytestmark = pytest.mark.unit


@given(st.lists(st.integers(min_value=0, max_value=2**16), min_size=60, max_size=300))
@settings(max_examples=100)
def test_what_must_always_hold_does(numbers: list[int]) -> None:
    """Never two holders, never an affected one, numbers only rise, every duty held or loudly unheld, nothing unheard, all repeatable."""
    History(Dice(iter(numbers))).play()


def test_a_campaign_tells_how_much_it_saw() -> None:
    """Every kind of event and of transition comes up, races too: a campaign that never races proves nothing about races."""
    tally = campaign(seed=7, histories=200, workers=1)
    assert tally.histories == 200 and tally.broken == []
    assert min(tally.seen[kind] for kind in ("lost", "returned", "handed-back", "assign", "unheld", "race-lost", "withdraw", "spared")) > 5


def _breaks(rule: str, machine: Machine, store: Callable[[], Store] = Store) -> bool:
    """Whether one of many histories breaks that rule."""
    for number in range(2000):
        try:
            History(Dice(rolls(1, number)), machine, store()).play()
        except Broken as broken:
            if broken.rule == rule:
                return True
    return False


def _by(rules: Rules) -> Machine:
    return lambda roster, board, event: turn(roster, board, event, rules)


def _mute(roster: Roster, board: Board, event: Event) -> Turn:
    """Nobody is told that nobody holds a duty."""
    said = turn(roster, board, event)
    return said.model_copy(update={"transitions": tuple(each for each in said.transitions if not isinstance(each, Unheld))})


def _deaf(roster: Roster, board: Board, event: Event) -> Turn:
    """Hears nothing but the clock."""
    return turn(roster, board, event if isinstance(event, Ticked) else Ticked(at=event.at)).model_copy(update={"event": event})


def _fickle() -> Machine:
    """Asks whomever it likes."""
    dice = random.Random(1)

    def shuffled(roster: Roster, board: Board, event: Event) -> Turn:
        names = list(roster.offices)
        dice.shuffle(names)
        return turn(roster.model_copy(update={"offices": {name: roster.offices[name] for name in names}}), board, event)

    return shuffled


def _anybody(roster: Roster, board: Board, duty: str, affected: Mapping[str, str]) -> Candidates:
    """Whoever is there will do, whatever they know."""
    unskilled = {name: each.model_copy(update={"needs": ()}) for name, each in roster.duties.items()}
    return candidates(roster.model_copy(update={"duties": unskilled}), board, duty, affected)


TWINS: dict[str, tuple[Callable[[], Machine], str]] = {
    "losses touch nobody": (lambda: _by(replace(RULES, affected=lambda _roster, _board: {})), "affected"),
    "anybody will do": (lambda: _by(replace(RULES, candidates=_anybody)), "able"),
    "numbers are given out again": (lambda: _by(replace(RULES, next_number=lambda said: Fence(said.number + 1))), "numbers"),
    "any yes counts": (lambda: _by(replace(RULES, not_asked=lambda _said, _office, _number: "")), "stale"),
    "a yes is enough": (lambda: _by(replace(RULES, claim_first=False)), "two holders"),
    "nobody is told": (lambda: _mute, "held or loudly unheld"),
    "nothing is heard": (lambda: _deaf, "heard"),
    "it depends on the day": (_fickle, "deterministic"),
}


@pytest.mark.positive_control
@pytest.mark.parametrize("twin", TWINS)
def test_without_a_rule_what_it_keeps_is_broken(twin: str) -> None:
    """Each rule taken away by itself turns its own invariant red."""
    machine, rule = TWINS[twin]
    assert _breaks(rule, machine())


@pytest.mark.positive_control
def test_a_store_that_takes_every_claim_makes_two_holders() -> None:
    """It is the store that decides between two machines; the numbers alone do not."""
    assert _breaks("two holders", turn, lambda: Store(careless=True))


def test_the_numbers_of_a_history_are_its_own() -> None:
    """So that a broken one is repeated by its seed and number."""

    def first(number: int) -> list[int]:
        found: Iterator[int] = rolls(5, number)
        return list(found)

    assert first(3) == first(3) != first(4)
