"""PostgreSQL's programs, run so that they end with the step and say nothing they should not."""

import contextlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dr.drivers.postgres import messages
from dr.model.ports import Process, Runner

Watch = Callable[[], None]
"""Called several times a second while something works; raises Stopped (or any error) to end it."""
POLL = 0.05


def nothing() -> None:
    """A watch that has nothing to say."""


def attend(process: Process, watch: Watch) -> int:
    """Wait for a program, calling `watch`; if that raises, the program's whole group is ended first. The exit code."""
    try:
        while True:
            watch()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(POLL)
    except BaseException:
        process.kill()
        process.wait()
        raise


def run(runner: Runner, argv: Sequence[str], *, what: str, env: Mapping[str, str], watch: Watch, unprivileged: bool = False) -> None:
    """Run a program to its end. Raises Failed, saying `what` failed and the masked reason."""
    process = runner.start(argv, env=env, unprivileged=unprivileged)
    if attend(process, watch) != 0:
        raise messages.failed(what, Path(argv[0]).name, process.stderr_tail())
