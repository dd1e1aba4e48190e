"""Named points at which a test kills the tool: `DR_FAILPOINT=<name>[:n]` sends SIGKILL at the nth time the point is reached."""

import os
import signal
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from dr.errors import ConfigError
from dr.model.ports import Action

ROUND_A_STEP = ("before-effect", "after-effect", "after-record")
"""Fired round every action. `after-record`: the catalog has the step, the engine's own record is not written yet."""
OF_THE_ENGINE = ("before-launch", "after-begin", "after-step", "before-end", "after-end")
"""`after-begin` and `after-end`: the run's first and last fact is in the catalog, not in the engine's record yet. `after-step`: both."""


def all_failpoints(actions: Iterable[Action]) -> list[str]:
    """Every name that `DR_FAILPOINT` accepts: the engine's, those round each action, and those that the action declares."""
    of_actions = [f"{action.kind}.{point}" for action in actions for point in (*ROUND_A_STEP, *action.failpoints)]
    return [f"engine.{point}" for point in OF_THE_ENGINE] + of_actions


class Failpoints:
    """Counts how often each point is reached. `log`: a file to which every name is appended when it is reached."""

    def __init__(self, spec: str | None, known: Iterable[str] = (), log: Path | None = None) -> None:
        """Raises ConfigError for a spec that names no point of `known`, or whose count is not a positive number."""
        name, _, count = (spec or "").partition(":")
        known = list(known)
        if name and name not in known:
            raise ConfigError(f"DR_FAILPOINT: there is no failpoint '{name}'", hint="`dr debug failpoints` lists them")
        if count and not (count.isdigit() and int(count) > 0):
            raise ConfigError(f"DR_FAILPOINT: '{count}' is not a count", hint="write <name>:<n>, n from 1")
        self._target, self._left, self._log = name, int(count or 1), log
        self._lock = threading.Lock()

    @classmethod
    def from_environment(cls, actions: Iterable[Action], environ: Mapping[str, str] = os.environ) -> "Failpoints":
        """From `DR_FAILPOINT` and `DR_FAILPOINT_LOG`. Raises ConfigError."""
        log = environ.get("DR_FAILPOINT_LOG")
        return cls(environ.get("DR_FAILPOINT"), all_failpoints(actions), Path(log) if log else None)

    def fire(self, name: str) -> None:
        """The point was reached: log it, and die here if it is the one."""
        with self._lock:
            if self._log:
                with self._log.open("a") as file:
                    file.write(name + "\n")
            if name != self._target:
                return
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
