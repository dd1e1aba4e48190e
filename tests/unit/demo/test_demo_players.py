"""The demo's people do what a message says to type: by the seed, and only those who are there."""

import time
from dataclasses import dataclass, field

import pytest

from dr.demo.players import Players
from dr.demo.receivers import Heard
from dr.errors import Refused

pytestmark = pytest.mark.unit
ASKED = """**Help desk**, by 10:00:

- yes: dr office accept help-desk --office milwaukee --number {number} --exercise
- no: dr office refuse help-desk --office milwaukee --because "why" --exercise
"""


@dataclass
class Keyboard:
    """Writes down what is typed; `first` refuses whatever is typed first."""

    typed: list[str] = field(default_factory=list)
    first: bool = False

    def acknowledge(self, code: str) -> None:
        self._type(f"ack {code}")

    def accept(self, duty: str, office: str, number: int) -> None:
        self._type(f"accept {duty} {office} {number}")

    def refuse(self, duty: str, office: str) -> None:
        self._type(f"refuse {duty} {office}")

    def _type(self, what: str) -> None:
        self.typed.append(what)
        if self.first and len(self.typed) == 1:
            raise Refused("somebody else was first")


def typed(*heard: Heard, seed: int = 1, away: tuple[str, ...] = (), first: bool = False, most: int = 1) -> list[str]:
    keyboard = Keyboard(first=first)
    players = Players(keyboard, seed, away, slowest=0.01)
    with players.playing():
        for one in heard:
            players.hear(one)
        until = time.monotonic() + 5
        while len(keyboard.typed) < most and time.monotonic() < until:
            time.sleep(0.005)
    return keyboard.typed


def message(contact: str, text: str) -> Heard:
    return Heard(contact, "EXERCISE: a test", text)


def asked(seed: int, number: int = 1) -> list[str]:
    return typed(message("help-desk-lead", ASKED.format(number=number)), seed=seed)


def test_a_code_is_typed_as_the_message_has_it() -> None:
    assert typed(message("ann", "Say that you saw it:\n\n    dr ack K7QM-2F\n")) == ["ack K7QM-2F"]


def test_who_is_away_reads_nothing() -> None:
    both = (message("ann", "dr ack AAAA-AA"), message("bo", "dr ack BBBB-BB"))
    assert typed(*both, away=("ann",)) == ["ack BBBB-BB"]


def test_an_office_answers_once_whoever_reads_it_first() -> None:
    twice = (message("ann", ASKED.format(number=2)), message("bo", ASKED.format(number=2)), message("bo", "dr ack BBBB-BB"))
    assert sorted(typed(*twice, most=2)) == ["accept help-desk milwaukee 2", "ack BBBB-BB"]


def test_the_seed_says_who_says_no_and_only_the_first_time() -> None:
    """Some do, most do not; the same seed is the same answer; asked again by a higher number, they say yes."""
    answers = [asked(seed)[0].split()[0] for seed in range(20)]
    assert answers == [asked(seed)[0].split()[0] for seed in range(20)]
    assert 0 < answers.count("refuse") < 10
    assert asked(answers.index("refuse"), number=2) == ["accept help-desk milwaukee 2"]


def test_what_is_refused_stops_nobody() -> None:
    both = (message("ann", "dr ack AAAA-AA"), message("bo", "dr ack BBBB-BB"))
    assert len(typed(*both, first=True, most=2)) == 2
