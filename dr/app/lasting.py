"""Interrupted runs that last for as long as people take are taken up in the background: no terminal is kept for hours, no run forgotten."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dr.app.background import Begun, begin, pause
from dr.app.engines import lasting, place
from dr.app.home import App
from dr.engine.control import resumable
from dr.model.base import RunId

Begin = Callable[[Path, str, Sequence[str]], Begun]


@dataclass(frozen=True)
class TakenUp:
    """`taken`: somebody carries them now; `failed`: nobody, and what the process said; `others`: whether runs are left that do not last."""

    taken: tuple[RunId, ...]
    failed: dict[RunId, str]
    others: bool


def take_up(app: App, begin_it: Begin = begin) -> TakenUp:
    """Begin a process for those of each kind, which takes up all of them, and wait until each has somebody."""
    waiting = lasting(app.state)
    begun = {kind: begin_it(app.home, kind, ("runs", "resume", runs[0])) for kind, runs in waiting.items()}
    said = {run: _trouble(app.state, kind, run, begun[kind]) for kind, runs in waiting.items() for run in runs}
    failed = {run: why for run, why in said.items() if why}
    return TakenUp(tuple(run for run in said if run not in failed), failed, bool(resumable(app.state)))


def _trouble(state: Path, kind: str, run: RunId, begun: Begun) -> str:
    """Why nobody carries it; nothing once somebody does, or it is over."""
    while True:
        ended = begun.ended is not None  # before the look: what it carried to its end by then is no trouble
        if run not in resumable(place(state, kind)):
            return ""
        if ended:
            return begun.words() or f"see {begun.log}"
        pause()
