"""What a step last said of how far it is can be read by another process, whole or not at all; a run never fails for it."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.engine.signs import EVERY, FOLDER, SignsOfLife, last_signs, sweep
from dr.model.base import JsonObject, RunId
from dr.model.record import Progress
from tests.support.report_evidence import BEGAN, DRILL

pytestmark = pytest.mark.unit


def sign(event: str, seconds: float = 0.0, step: str = "restore", **more: object) -> Progress:
    at = (BEGAN + timedelta(seconds=seconds)).isoformat()
    facts: JsonObject = {"run": DRILL, "step": step, "at": at, "event": event, **more}
    return Progress.from_facts(facts)


class Ticking:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_the_last_sign_of_each_step_is_read_with_its_rate(tmp_path: Path) -> None:
    """Two steps beside each other; the rate is of the count since it began, not of the step."""
    now = Ticking()
    signs = SignsOfLife(tmp_path, now=now)
    signs(sign("started"))
    signs(sign("started", step="other"))
    for second in (10, 20):
        now.at += second
        signs(sign("working", second, done=100 * second, total=8000, unit="bytes", what="loading"))
    seen = last_signs(tmp_path, DRILL).steps
    assert sorted(seen) == ["other", "restore"]
    restore = seen["restore"]  # type: ignore[index]
    assert (restore.progress.done, restore.progress.what, restore.rate) == (2000, "loading", 100.0)
    assert seen["other"].rate is None  # type: ignore[index]


def test_a_count_that_begins_anew_has_a_new_rate(tmp_path: Path) -> None:
    now = Ticking()
    signs = SignsOfLife(tmp_path, now=now)
    for second, done, total in ((0, 0, 1000), (10, 900, 1000), (11, 5, 50), (13, 9, 50)):
        now.at += 10
        signs(sign("working", second, done=done, total=total))
    assert last_signs(tmp_path, DRILL).steps["restore"].rate == 2.0  # type: ignore[index]


def test_a_step_that_only_counts_is_written_at_most_twice_a_second(tmp_path: Path) -> None:
    """Watching costs the run nothing that it would notice; a change of state is seen at once."""
    now = Ticking()
    signs = SignsOfLife(tmp_path, now=now)
    file = tmp_path / FOLDER / f"{DRILL}.json"
    writes = set()
    for number in range(100):
        now.at += 0.02
        signs(sign("working", number / 50, done=number, total=100))
        writes.add(file.stat().st_mtime_ns)
    assert 2 <= len(writes) <= 2 / EVERY + 1
    signs(sign("done", 3))
    assert last_signs(tmp_path, DRILL).steps == {}


def test_a_warning_stays_with_its_step_while_it_works(tmp_path: Path) -> None:
    now = Ticking()
    signs = SignsOfLife(tmp_path, now=now)
    for number, event in enumerate(("working", "late", "working")):
        now.at += 10
        signs(sign(event, number, what="it will be missed", done=number, total=9))
    assert last_signs(tmp_path, DRILL).steps["restore"].late == "it will be missed"  # type: ignore[index]


def test_the_file_is_private_and_goes_with_the_run(tmp_path: Path) -> None:
    signs = SignsOfLife(tmp_path)
    signs(sign("started"))
    (file,) = (tmp_path / FOLDER).iterdir()
    assert file.stat().st_mode & 0o077 == 0
    signs(sign("run-ended", step=""))
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_ended_while_nobody_carried_it_is_swept(tmp_path: Path) -> None:
    signs = SignsOfLife(tmp_path)
    signs(sign("started"))
    sweep(tmp_path, [DRILL])
    assert last_signs(tmp_path, DRILL).steps != {}
    sweep(tmp_path, [RunId("another")])
    assert last_signs(tmp_path, DRILL).steps == {}


@pytest.mark.parametrize("text", [b"", b"{", b'{"steps": {"restore": 7}}', b'{"of": "another release"}'])
def test_what_cannot_be_read_is_nothing(tmp_path: Path, text: bytes) -> None:
    """Whoever watches goes on with what the catalog knows."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / f"{DRILL}.json").write_bytes(text)
    assert last_signs(tmp_path, DRILL).steps == {}


def test_a_place_that_takes_nothing_stops_no_run(tmp_path: Path) -> None:
    """A full or read-only disk: the step goes on, and nobody can watch it."""
    (tmp_path / FOLDER).write_text("in the way")
    signs = SignsOfLife(tmp_path)
    signs(sign("started"))
    signs(sign("run-ended", step=""))
    assert last_signs(tmp_path, DRILL).steps == {}
