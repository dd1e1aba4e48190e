"""`service`: it looks before it acts, waits until it is so, and says what did not come about. Real programs, in a folder."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.actions import service
from dr.clock import SystemClock
from dr.errors import Failed
from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject
from dr.model.ports import StepContext

pytestmark = pytest.mark.unit


def commands(place: Path, **others: object) -> JsonObject:
    """A service that runs while a file is there; each start and stop leaves a line."""
    flag, log = place / "runs", place / "log"
    return {
        "host": "app",
        "status": ["test", "-e", str(flag)],
        "start": ["sh", "-c", 'echo start >> "$1"; touch "$2"', "sh", str(log), str(flag)],
        "stop": ["sh", "-c", 'echo stop >> "$1"; rm "$2"', "sh", str(log), str(flag)],
        "timeout": "2s",
        **others,
    }


def carried_out(given: JsonObject, states: list[Any] | None = None, role: str = "production") -> tuple[bool, JsonObject, list[str]]:
    asked: list[str] = []
    host = SimpleNamespace(runner=lambda: LocalRunner(threading.Event()))

    def opened(kind: str) -> Any:
        asked.append(kind)
        return host

    facts = {
        "clock": SystemClock(),
        "records": SimpleNamespace(hosts=lambda: states or []),
        "inventory": SimpleNamespace(hosts={"app": SimpleNamespace(role=role)}),
        "host": lambda _: opened("plain"),
        "writable_host": lambda _: opened("writable"),
        "audit": lambda event, *_: asked.append(event),
        "check_stop": lambda: None,
    }
    done = service.run(service.Params.from_facts(given), cast("StepContext", SimpleNamespace(**facts)))
    return done.changed, done.facts, asked


def log(place: Path) -> list[str]:
    return (place / "log").read_text().split() if (place / "log").exists() else []


def test_it_is_started_once_however_often_that_is_asked(tmp_path: Path) -> None:
    """So a step that is taken up again after a crash starts nothing a second time."""
    given = commands(tmp_path, do="start")
    assert carried_out(given)[0] is True
    changed, facts, asked = carried_out(given)
    assert (changed, facts["ran"], facts["runs"], asked) == (False, True, True, ["plain"])
    assert carried_out(commands(tmp_path, do="stop"))[1]["runs"] is False
    assert carried_out(commands(tmp_path, do="stop"))[0] is False
    assert log(tmp_path) == ["start", "stop"]


def test_what_does_not_come_up_fails_and_says_where_to_look(tmp_path: Path) -> None:
    """A start that ends well and leaves nothing running is no start."""
    with pytest.raises(Failed) as caught:
        carried_out(commands(tmp_path, do="start", start=["true"], timeout="300ms"))
    assert caught.value.message == "the service does not run on app 300 ms after the start"
    with pytest.raises(Failed) as refused:
        carried_out(commands(tmp_path, do="start", start=["false"]))
    assert refused.value.message == "the service on app did not start: 'false' ended with 1"
    with pytest.raises(Failed) as silent:
        carried_out(commands(tmp_path, do="status"))
    assert silent.value.message == "the service does not run on app"


def test_a_unit_is_asked_by_arguments_that_no_shell_reads() -> None:
    """Nor can a unit's name be taken for an option."""
    given = service.Params.from_facts({"host": "app", "do": "start", "unit": "hmis-web.service", "sudo": True})
    assert service._argv(given, "status") == ("sudo", "-n", "systemctl", "is-active", "--quiet", "--", "hmis-web.service")
    assert service._argv(given, "start") == ("sudo", "-n", "systemctl", "start", "--", "hmis-web.service")


def test_a_standby_wants_the_guard_and_what_is_in_service_does_not(tmp_path: Path) -> None:
    """On a standby nobody knows what a program writes; once it is production it has no writable handle."""
    (tmp_path / "runs").touch()
    given = commands(tmp_path, do="status")
    assert carried_out(given, role="standby")[2] == ["writable"]
    serving = [SimpleNamespace(host="app", state="in-service")]
    assert carried_out(given, serving, role="standby")[2] == ["plain"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "start"},
        {"do": "start", "status": ["true"]},
        {"do": "stop", "status": ["true"], "start": ["true"]},
        {"do": "start", "unit": "web", "start": ["true"]},
        {"do": "start", "unit": "--now"},
        {"do": "start", "unit": "a b"},
        {"do": "restart", "unit": "web"},
    ],
)
def test_what_nobody_could_carry_out_is_told_before_anything_runs(wrong: JsonObject) -> None:
    with pytest.raises(ValidationError):
        service.Params.from_facts({"host": "app", **wrong})
