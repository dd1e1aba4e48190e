"""Signs of life that other processes can read: what each step of a run last said of how far it is, in one small file a run.

No facts of record: those are in the catalog. The file is replaced as a whole, at most twice a second while a step only counts, is never
synced, and goes when the run ends; a reader that finds none, or half of nothing, knows only what the catalog knows. Its own time says when
the run was last carried on by anybody.
"""

import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from dr.model.base import Instant, RunId, StepId, StrictModel
from dr.model.record import Progress

FOLDER = "progress"
EVERY = 0.5
"""Seconds between two writes of a run whose steps only count on."""
_OVER = ("done", "failed", "skipped")
_KEPT = ("started", "working", "waiting", "retry-later", "retry")


class Sign(StrictModel):
    """The last one of a step that is under way, and where its count began, from which its rate is known."""

    progress: Progress
    since: Instant
    had: int | None = None
    late: str = ""
    """The warning, if it said that the objective will be missed."""

    @property
    def rate(self) -> float | None:
        """Units a second; None where that would mean nothing yet."""
        seconds, done = (self.progress.at - self.since).total_seconds(), self.progress.done
        if done is None or self.had is None or done <= self.had or seconds < EVERY:
            return None
        return (done - self.had) / seconds


class Signs(StrictModel):
    """Of one run: step to its last sign."""

    steps: dict[StepId, Sign] = Field(default_factory=dict)


class SignsOfLife:
    """Call it with every Progress of this process; any thread may. Never raises: a run does not fail because nobody can watch it."""

    def __init__(self, state: Path, *, now: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._now = state / FOLDER, now
        self._lock = threading.Lock()
        self._signs: dict[RunId, dict[StepId, Sign]] = {}
        self._written: dict[RunId, float] = {}

    def __call__(self, progress: Progress) -> None:
        with self._lock, suppress(OSError):
            self._take(progress)

    def _take(self, p: Progress) -> None:
        if p.event == "run-ended":
            self._signs.pop(p.run, None)
            _file(self._folder, p.run).unlink(missing_ok=True)
            return
        steps = self._signs.setdefault(p.run, {})
        if p.event in _OVER:
            steps.pop(p.step, None)
        elif p.event == "late" and p.step in steps:
            steps[p.step] = steps[p.step].model_copy(update={"late": p.what})
        elif p.event in _KEPT:
            steps[p.step] = _after(steps.get(p.step), p)
        if p.event != "working" or self._now() - self._written.get(p.run, -EVERY) >= EVERY:
            self._write(p.run, steps)

    def _write(self, run: RunId, steps: dict[StepId, Sign]) -> None:
        self._written[run] = self._now()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = _file(self._folder, run)
        fresh = file.with_name(f".{file.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(Signs(steps=dict(steps)).model_dump_json())
        fresh.replace(file)


def _after(last: Sign | None, p: Progress) -> Sign:
    """A count that falls back, or is of another whole, has begun anew."""
    counts = last is not None and last.had is not None and p.done is not None
    if last is None or p.event != "working" or last.progress.event != "working":
        return Sign(progress=p, since=p.at, had=p.done, late=last.late if last else "")
    if counts and (p.done or 0) >= (last.progress.done or 0) and p.total == last.progress.total:
        return last.model_copy(update={"progress": p})
    return Sign(progress=p, since=p.at, had=p.done, late=last.late)


def last_signs(state: Path, run: RunId) -> Signs:
    """What the run's steps last said; nothing where nothing can be read."""
    try:
        return Signs.from_json(_file(state / FOLDER, run).read_bytes())
    except (OSError, ValidationError):  # not begun, over, or written by another release
        return Signs()


def beat(state: Path, run: RunId, at: datetime) -> None:
    """That the run is carried on, whether or not a step of it says anything: the file's own time. Never raises, as above."""
    with suppress(OSError):
        file = _file(state / FOLDER, run)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        os.utime(file, (at.timestamp(), at.timestamp()))


def last_beat(state: Path, run: RunId) -> datetime | None:
    """When it was last carried on; None where no sign of that is left."""
    try:
        return datetime.fromtimestamp(_file(state / FOLDER, run).stat().st_mtime, UTC)
    except OSError:
        return None


def sweep(state: Path, living: Collection[RunId]) -> None:
    """Remove what runs that are over left behind: those that ended while nobody carried them."""
    with suppress(OSError):
        for entry in (state / FOLDER).iterdir():
            if entry.name.removesuffix(".json") not in living:
                entry.unlink(missing_ok=True)


def _file(folder: Path, run: RunId) -> Path:
    return folder / f"{run}.json"
