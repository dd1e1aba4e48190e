"""Steps of one run that run at once on one standby go one after another, and wait for nobody else."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from dr.errors import Stopped
from dr.hosts.turns import Turns
from dr.model.base import StepId
from dr.model.ports import HostRequest
from tests.support.host_world import OTHER, RUN, STANDBY, World
from tests.support.patience import LONG
from tests.support.ssh_hosts import request_of

pytestmark = pytest.mark.unit
LOGIN = {"address": "standby.example", "user": "dr", "key": "keys/login", "path": "/srv/dr-standby"}


def asked(home: Path, step: str | None, *, stopped: bool = False, **login: object) -> HostRequest:
    """`stopped`: it waits for nothing, but says that it would have to."""
    made = request_of(World(home), STANDBY, {**LOGIN, **login})
    stop = threading.Event()
    if stopped:
        stop.set()
    return replace(made, step=StepId(step) if step else None, stop=stop)


def test_the_second_step_has_the_standby_when_the_first_lets_go(tmp_path: Path) -> None:
    """And says meanwhile whom it waits for."""
    turns, order, said = Turns(), list[str](), list[str]()
    done, waits = turns.take(asked(tmp_path, "one"), RUN), threading.Event()

    def heard(what: str) -> None:
        said.append(what)
        waits.set()

    def other() -> None:
        turns.take(replace(asked(tmp_path, "two"), said=heard), RUN)
        order.append("two")

    thread = threading.Thread(target=other)
    thread.start()
    assert waits.wait(LONG)
    order.append("one")
    done()
    thread.join(LONG)
    assert order == ["one", "two"]
    assert said == ["waiting for step 'one' of this run, which works on host 'standby'"]


def test_another_run_another_standby_and_who_is_no_step_do_not_wait(tmp_path: Path) -> None:
    """The guard over there keeps runs apart; what is only looked at disturbs nobody."""
    turns = Turns()
    turns.take(asked(tmp_path, "one"), RUN)
    turns.take(asked(tmp_path, "two", stopped=True), OTHER)
    turns.take(asked(tmp_path, "two", stopped=True, path="/srv/second"), RUN)
    turns.take(asked(tmp_path, "two", stopped=True, address="other.example"), RUN)
    turns.take(asked(tmp_path, None, stopped=True), RUN)


def test_a_step_that_is_stopped_waits_no_longer(tmp_path: Path) -> None:
    """And leaves the turn to whom it belongs."""
    turns = Turns()
    done = turns.take(asked(tmp_path, "one"), RUN)
    with pytest.raises(Stopped, match="the step was stopped while it waited for host 'standby'"):
        turns.take(asked(tmp_path, "two", stopped=True), RUN)
    done()
    turns.take(asked(tmp_path, "three", stopped=True), RUN)
