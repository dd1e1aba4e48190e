"""Long work in a unit is begun once: what a controller's next process asks for again is given, what it cannot take up is ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from dr.app.agent.caller import Caller
from dr.app.agent.works import Works
from dr.errors import DrError, Failed, Unreachable
from dr.model.base import JsonObject, SetId
from dr.wire.link import Call
from tests.support.patience import LONG
from tests.support.wire_pair import pair

FIRST, NEXT = "first", "next"
SET, OTHER = SetId("20261122T070000Z-7f3a9c"), SetId("20261122T070000Z-000000")


class Unit:
    """Works, and whether they ended it."""

    def __init__(self) -> None:
        self.ended = 0
        self.works = Works(self._end)
        self.may = threading.Event()
        self.began: list[str] = []

    def _end(self) -> None:
        self.ended += 1

    def work(self, name: str) -> Callable[[], JsonObject]:
        def do() -> JsonObject:
            self.began.append(name)
            assert self.may.wait(LONG)
            return {"by": name}

        return do


@contextmanager
def caller(asked: Callable[[Call], JsonObject] = lambda _: {}, patience: float = LONG) -> Iterator[Caller]:
    """Over a link to a controller that answers."""
    with pair(asked) as two:
        yield Caller(two.asking, threading.Event(), patience)


def behind(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    came: list[object] = []

    def do() -> None:
        try:
            came.append(act())
        except DrError as error:
            came.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    return thread, came


def test_what_the_next_process_asks_for_again_is_done_once() -> None:
    """It is the same work whatever the attempt, and both are told what came of it."""
    unit = Unit()
    with caller() as one, caller() as other:
        first, told = behind(lambda: unit.works.done("prove", {"check": "x", "step": {"attempt": 1}}, one, FIRST, unit.work("first")))
        while not unit.began:
            first.join(0.01)
        assert unit.works.goes_on
        later, again = behind(lambda: unit.works.done("prove", {"check": "x", "step": {"attempt": 2}}, other, NEXT, unit.work("next")))
        later.join(0.1)
        unit.may.set()
        first.join(LONG)
        later.join(LONG)
        assert told == again == [{"by": "first"}]
        assert unit.began == ["first"]
        assert one.link is other.link  # what it asks from now on is asked of the one that lives


def test_what_was_done_before_it_came_is_given_too() -> None:
    unit = Unit()
    unit.may.set()
    with caller() as one, caller() as other:
        assert unit.works.done("bring", {"kind": "x"}, one, FIRST, unit.work("first")) == {"by": "first"}
        assert unit.works.loaded_before(NEXT)
        assert unit.works.done("bring", {"kind": "x"}, other, NEXT, unit.work("next")) == {"by": "first"}


@pytest.mark.positive_control
def test_the_same_process_that_asks_twice_means_it() -> None:
    """The twin: a check that is listed twice is done twice."""
    unit = Unit()
    unit.may.set()
    with caller() as one:
        unit.works.done("prove", {"check": "x"}, one, FIRST, unit.work("first"))
        assert unit.works.done("prove", {"check": "x"}, one, FIRST, unit.work("second")) == {"by": "second"}
        assert not unit.works.loaded_before(FIRST)


def test_other_work_is_never_begun_beside_what_nobody_took_up() -> None:
    unit = Unit()
    with caller() as one, caller() as other:
        first, _ = behind(lambda: unit.works.done("bring", {"kind": "x"}, one, FIRST, unit.work("first")))
        while not unit.began:
            first.join(0.01)
        with pytest.raises(Unreachable, match="something else of this step was still at work there, and was ended"):
            unit.works.done("bring", {"kind": "y"}, other, NEXT, unit.work("next"))
        with pytest.raises(Unreachable):
            unit.works.require_own(NEXT)
        assert (unit.began, unit.ended) == (["first"], 2)
        unit.may.set()
        first.join(LONG)


def test_a_place_that_was_begun_before_is_kept_for_its_set_alone() -> None:
    unit = Unit()
    unit.may.set()
    with caller() as one:
        assert unit.works.claimed(FIRST, SET) is False
        unit.works.done("bring", {"kind": "x"}, one, FIRST, unit.work("first"))
    assert unit.works.claimed(FIRST, SET) is False
    assert unit.works.claimed(NEXT, SET) is True
    with pytest.raises(Unreachable):
        unit.works.claimed(NEXT, OTHER)


def test_work_that_broke_is_begun_anew() -> None:
    unit = Unit()

    def breaks() -> JsonObject:
        raise Failed("no")

    with caller() as one:
        with pytest.raises(Failed, match="no"):
            unit.works.done("bring", {}, one, FIRST, breaks)
        assert not unit.works.goes_on


def test_nothing_goes_on_where_nothing_was_begun_or_bytes_are_under_way() -> None:
    """Bytes that a killed process was sending are sent by nobody."""
    unit = Unit()
    assert not unit.works.goes_on

    def sends(call: Call) -> JsonObject:
        call.outlet.write(b"half")
        unit.may.wait(LONG)
        return {}

    with caller(sends) as one:
        first, _ = behind(lambda: unit.works.done("bring", {}, one, FIRST, lambda: {"read": len(one.download("artifact").read())}))
        while not one.streaming:
            first.join(0.01)
        assert not unit.works.goes_on
        unit.may.set()
        first.join(LONG)
        assert unit.works.goes_on


# ---------------------------------------------------------------- what it asks of the controller


def test_a_question_that_a_lost_process_left_open_is_asked_of_the_next() -> None:
    heard = threading.Event()

    def never(_call: Call) -> JsonObject:
        heard.set()
        threading.Event().wait(LONG)
        return {}

    with caller(never) as one, caller(lambda call: {"said": call.verb}) as other:
        asking, came = behind(lambda: one.call("sign"))
        assert heard.wait(LONG)
        one.link.close()
        asking.join(0.3)
        assert came == []
        one.use(other.link)
        asking.join(LONG)
        assert came == [{"said": "sign"}]


def test_where_no_other_comes_the_loss_is_raised() -> None:
    with caller(patience=0.2) as one:
        one.link.close()
        with pytest.raises(Unreachable, match="the link was closed"):
            one.call("sign")


def test_what_the_controller_could_not_reach_is_no_loss() -> None:
    """The link is whole: it is said at once."""

    def away(_call: Call) -> JsonObject:
        raise Unreachable("the repository does not answer")

    with caller(away) as one, pytest.raises(Unreachable, match="the repository does not answer"):
        one.fetch("manifest", most=100)


def test_bytes_that_are_closed_are_under_way_no_more() -> None:
    with caller(lambda call: {"n": call.outlet.write(b"x" * 100)}) as one:
        inlet = one.download("artifact")
        assert one.streaming
        with suppress(DrError):
            inlet.close()
        inlet.close()
        assert not one.streaming
