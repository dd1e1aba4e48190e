"""Commands on a host: started, fed, stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Protocol


@dataclass(frozen=True)
class Completed:
    """A finished command. `stdout` and `stderr` are bounded tails; they may hold client data and go into no message as they are."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes


class Process(Protocol):
    """A command that runs now. Its whole process group ends when the step is stopped or the tool dies."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    pid: int

    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...
    def stderr_tail(self) -> bytes: ...


class Runner(Protocol):
    """Where commands run. Argument lists only, never a shell string; secrets go by file or environment, never argv."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: IO[bytes] | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        timeout: float | None = None,
        check: bool = True,
        unprivileged: bool = False,
        detached: bool = False,
    ) -> Completed:
        """Run to the end. Raises Failed (when `check`), Stopped, or Unreachable when the program is not there.

        `unprivileged`: as a user who is not root, as PostgreSQL's server programs want (no effect for one who is not root).
        `detached`: what it leaves running (a server) may outlive the step.
        """
        ...

    def start(
        self,
        argv: Sequence[str],
        *,
        stdin: int | None = None,
        stdout: int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        unprivileged: bool = False,
    ) -> Process:
        """Start; `stdin` and `stdout` as subprocess takes them (PIPE, DEVNULL or a file descriptor)."""
        ...

    def kill_all(self) -> None:
        """End every process group that this runner started and that still lives (not the detached ones)."""
        ...
