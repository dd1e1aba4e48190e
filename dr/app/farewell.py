"""The last words of an interrupted process: how its runs go on, and where client data lies until they do."""

import sys
from collections.abc import Callable, Sequence

from dr.engine.runner import say_resumable
from dr.model.base import RunId
from dr.model.record import HostState


def farewell(hosts: Callable[[], Sequence[HostState]]) -> Callable[[Sequence[RunId]], None]:
    """For the engine. `hosts`: the standing facts of the standbys, asked when the time has come."""

    def say(runs: Sequence[RunId]) -> None:
        say_resumable(runs)
        try:
            lines = still_held(runs, hosts())
        except Exception:  # noqa: BLE001 - the process leaves, whatever the catalog does: the next `dr status` says it
            return
        sys.stderr.write("".join(f"{line}\n" for line in lines))

    return say


def still_held(runs: Sequence[RunId], hosts: Sequence[HostState]) -> list[str]:
    """A line for each standby that holds what one of these runs restored, or began to."""
    return [
        f"host '{state.host}' still holds client data that run {state.run} restored: resumed, it scrubs that at its end; "
        f"`dr runs cancel {state.run}`, then `dr runs resume {state.run}`, scrubs it at once"
        for state in hosts
        if state.run in runs and state.state in ("claimed", "adopted")
    ]
