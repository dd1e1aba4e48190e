"""The last words of an interrupted process: how its runs go on, and where client data lies until they do."""

import sys
from collections.abc import Callable, Sequence

from dr.engine.runner import say_resumable
from dr.model.base import RunId
from dr.model.record import HostState


def farewell(hosts: Callable[[], Sequence[HostState]], kind: Callable[[RunId], str]) -> Callable[[Sequence[RunId]], None]:
    """For the engine. `hosts`: the standing facts of the standbys, asked when the time has come; `kind`: of a run."""

    def say(runs: Sequence[RunId]) -> None:
        say_resumable(runs)
        try:
            lines = still_held(runs, hosts(), kind)
        except Exception:  # noqa: BLE001 - the process leaves, whatever the catalog does: the next `dr status` says it
            return
        sys.stderr.write("".join(f"{line}\n" for line in lines))

    return say


def still_held(runs: Sequence[RunId], hosts: Sequence[HostState], kind: Callable[[RunId], str]) -> list[str]:
    """A line for each standby that holds what one of these runs restored, or began to."""
    held = [(state.host, state.run) for state in hosts if state.run in runs and state.state in ("claimed", "adopted")]
    return [_brought_back(host, run) if kind(run) == "recovery" else _drilled(host, run) for host, run in held if run]


def _drilled(host: str, run: RunId) -> str:
    return (
        f"host '{host}' still holds client data that run {run} restored: resumed, it scrubs that at its end; "
        f"`dr runs cancel {run}`, then `dr runs resume {run}`, scrubs it at once"
    )


def _brought_back(host: str, run: RunId) -> str:
    """A recovery scrubs nothing: whoever read so would not dare to resume it."""
    return f"host '{host}' holds what run {run} brings back: resumed, it goes on towards opening it, and removes nothing"
