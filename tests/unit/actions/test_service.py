"""`service`: it looks before it acts, waits until it is so, and says what did not come about. Real programs, in a folder."""

import threading
from collections.abc import Sequence
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
from dr.model.ports import Completed, StepContext

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


class Elsewhere:
    """A machine that has programs of its own where PATH would be searched."""

    def __init__(self, programs: Path) -> None:
        self._programs, self._runner = programs, LocalRunner(threading.Event())

    def run(self, argv: Sequence[str], **how: Any) -> Completed:
        own = self._programs / argv[0]
        return self._runner.run([str(own) if own.exists() else argv[0], *argv[1:]], **how)


def carried_out(
    given: JsonObject, states: list[Any] | None = None, role: str = "production", programs: Path = Path("/nowhere")
) -> tuple[bool, JsonObject, list[str]]:
    asked: list[str] = []
    host = SimpleNamespace(runner=lambda: Elsewhere(programs))

    def opened(kind: str) -> Any:
        asked.append(kind)
        return host

    facts = {
        "run": "recover-1",
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
    serving = [SimpleNamespace(host="app", state="in-service", run="recover-1")]
    assert carried_out(given, serving, role="standby")[2] == ["plain"]


def test_what_was_written_for_a_standby_does_not_go_on_where_a_recovery_made_it_production(tmp_path: Path) -> None:
    """A weekly command of the old standby's asks the guard, which refuses; once the inventory says production, a person meant it."""
    (tmp_path / "runs").touch()
    given, serving = commands(tmp_path, do="status"), [SimpleNamespace(host="app", state="in-service", run="recover-of-another-day")]
    assert carried_out(given, serving, role="standby")[2] == ["writable"]
    assert carried_out(given, serving, role="production")[2] == ["plain"]


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


def program(place: Path, name: str, line: str) -> Path:
    """A folder with a program of that name, of one line of shell."""
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
    (place / "bin" / name).chmod(0o755)
    return place / "bin"


SYSTEMD = 'echo "$@" >> "$0.log"; case $1 in is-active) exit {asked};; *) exit {told};; esac'


@pytest.mark.parametrize(
    ("asked", "told", "said"),
    [
        (4, 0, "nobody can say whether unit 'web.service' runs on app: 'systemctl is-active --quiet' ended with 4"),
        (1, 0, "nobody can say whether unit 'web.service' runs on app: 'systemctl is-active --quiet' ended with 1"),
        (3, 5, "unit 'web.service' on app did not stop: systemctl ended with 5"),
    ],
)
def test_a_unit_that_nobody_knows_is_not_taken_for_stopped(tmp_path: Path, asked: int, told: int, said: str) -> None:
    """Else the last backup before a way back would be made while people go on working: what they enter then is lost. A systemd of before
    2021 says of a name that it does not know that it is not active; only being told to stop it shows that it is none."""
    there = program(tmp_path, "systemctl", SYSTEMD.format(asked=asked, told=told))
    with pytest.raises(Failed) as caught:
        carried_out({"host": "app", "do": "stop", "unit": "web.service"}, programs=there)
    assert caught.value.message == said


@pytest.mark.positive_control
def test_a_unit_that_is_not_active_is_told_to_stop_all_the_same(tmp_path: Path) -> None:
    """One that crashed and is just being started anew is not active, and lets people in a moment later."""
    there = program(tmp_path, "systemctl", SYSTEMD.format(asked=3, told=0))
    changed, facts, _ = carried_out({"host": "app", "do": "stop", "unit": "web.service"}, programs=there)
    assert (changed, facts["ran"], facts["runs"]) == (False, False, False)
    assert "stop -- web.service" in (tmp_path / "bin" / "systemctl.log").read_text().splitlines()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('echo "sudo: a password is required" >&2; exit 1', "sudo does not let it"),
        ('echo "sudo: pgrep: command not found" >&2; exit 1', "sudo does not let it"),
        ("exit 127", "'sudo' ended with 127"),
        ("kill -9 $$", "'sudo' ended with -9"),
    ],
)
def test_a_status_that_was_not_asked_is_no_answer(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(Failed, match=f"^nobody can say whether the service runs on app: {why}\n"):
        carried_out(commands(tmp_path, do="stop", sudo=True), programs=program(tmp_path, "sudo", line))
    assert log(tmp_path) == []


@pytest.mark.positive_control
def test_what_sudo_only_grumbles_about_is_an_answer(tmp_path: Path) -> None:
    """With the name service down, as in an outage, sudo says so each time and runs the program."""
    there = program(tmp_path, "sudo", 'echo "sudo: unable to resolve host app" >&2; shift; exec "$@"')
    assert carried_out(commands(tmp_path, do="start", sudo=True), programs=there)[0] is True
    assert log(tmp_path) == ["start"]
