"""What another machine says of its looks: it may be somebody else's by now, and what it says goes into notices."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dr.app.agent.allowed import LOOKS, Allowed
from dr.errors import Refused
from dr.hosts import looks
from dr.model.base import HostName
from dr.model.redundancy import Half, KeptReading, Reading

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
HOST = HostName("lookout")
GOOD = Reading(state="degraded", halves=(Half(name="md0 sda1", state="whole"), Half(name="md0 sdb1", state="lost", words="removed")))


def test_what_a_look_says_comes_through() -> None:
    assert looks.read(GOOD.to_facts(), HOST) == GOOD


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "whole",
        {},
        {"state": "splendid"},
        {"state": "whole", "halves": []},
        {**GOOD.to_facts(), "state": "whole"},
        {**GOOD.to_facts(), "x": 1},
    ],
)
def test_what_no_look_says_is_unknown_never_whole(told: Any) -> None:
    """Also a `whole` without a half, or with one that is lost."""
    assert looks.read(told, HOST).state == "unknown"


def test_its_words_are_short_and_move_no_cursor() -> None:
    """They stand in notices and on screens."""
    bad = Reading(state="lost", halves=(Half(name="a\x1b[2J\u202e", state="lost", words="x" * 9000),), words="one\ntwo")
    read = looks.read(bad.to_facts(), HOST)
    assert (read.halves[0].name, len(read.halves[0].words), read.words) == ("a\\u001b[2J\\u202e", looks.MOST, "one two")


def test_an_answer_that_is_none_counts_as_not_asked() -> None:
    """It says nothing about the system: zero things were examined."""
    result = looks.answered({"passed": True}, "tcp-answers", NOW)
    assert (result.passed, result.examined) == (False, 0)


def test_only_figures_of_earlier_looks_are_sent() -> None:
    """From them it sees where a disk goes; what was found, and by which run, stays here."""
    kept = [
        KeptReading(probe="disk", at=NOW, since=NOW, reading=GOOD.model_copy(update={"figures": {"free:/": float(n)}})) for n in range(900)
    ]
    sent = looks.sent([*kept, KeptReading(probe="disk", at=NOW, since=NOW, reading=GOOD)])
    assert 150 < len(sent) <= looks.SENT
    assert all(one["reading"]["halves"] == [] and one["reading"]["state"] == "unknown" and one["run"] is None for one in sent)


WATCH, CAPTURE, STANDBY = Allowed("watch"), Allowed("capture"), Allowed(roots=("/srv/dr-standby",))


@pytest.mark.parametrize(
    ("login", "verb"),
    [
        *((WATCH, verb) for verb in ("run", "facts", "capture", "plant", "open", "bring", "repository-open")),
        *((CAPTURE, verb) for verb in ("look-pair", "look-uplinks", "look-tls-expiry", "inquire-tcp-answers")),
        (Allowed("repository", ("/srv/dr",)), "look-mdraid"),
    ],
)
def test_a_key_looks_where_its_forced_command_says_so(login: Allowed, verb: str) -> None:
    """A lookout reads no production and runs nothing; production's own key asks nobody else from there."""
    with pytest.raises(Refused, match=f"this login may not be asked for '{verb}'"):
        login.verb(verb)


@pytest.mark.positive_control
def test_what_each_is_for_it_is_let() -> None:
    for verb in (*LOOKS, "look-pair", "inquire-http-answers"):
        WATCH.verb(verb)
        STANDBY.verb(verb)
    for verb in LOOKS:
        CAPTURE.verb(verb)
