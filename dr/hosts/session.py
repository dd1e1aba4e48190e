"""One connection to `dr agent` on another machine, for as long as a handle to that host is held."""

import contextlib
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from typing import IO

from dr import __version__
from dr.clock import iso
from dr.errors import DrError, Failed, Refused, Stopped, Unreachable
from dr.hosts import openssh
from dr.hosts.desk import Desk
from dr.hosts.openssh import Address
from dr.model.base import JsonObject, RunId
from dr.model.ports import Completed, HostRequest, Process, Runner, Standing
from dr.wire.link import Link

PROTOCOL = 1
"""Raised whenever a question or an answer changes its meaning."""


class Session:
    """Raises what `openssh.why` says when the machine is not reached, Refused where its `dr` is of another kind."""

    def __init__(self, address: Address, command: Sequence[str], request: HostRequest, desk: Desk) -> None:
        self._address, self._request, self._desk = address, request, desk
        process = request.runner.start(openssh.argv(address, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._link = Link(
            process.stdout, process.stdin, serve=desk.serve, noted=desk.noted, lost=process.kill, silence=address.silence
        )
        self._closing = weakref.finalize(self, _close, self._link, process)
        self._link.start()
        self._greet()

    def _greet(self) -> None:
        now = self._request.clock.now()
        try:
            told = self._link.call("hello", {"protocol": PROTOCOL, "silence": self._address.silence, "now": iso(now)})
        except (Unreachable, Failed) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._process.wait(5)
                raise openssh.why(self._address, self._process.stderr_tail(), code) from None
            raise Unreachable(f"host '{self._address.host}': {error.message}", hint=error.hint) from None
        if told.get("protocol") != PROTOCOL:
            self.close()
            raise Refused(
                f"host '{self._address.host}' has dr {told.get('version')}, which does not understand this one ({__version__})",
                hint="install the same version there",
            )
        self.introduce(None, None)

    def introduce(self, standing: Standing | None, run: RunId | None) -> None:
        """Say which host it is, as the inventory has it, and what its guard judges by."""
        settings = self._request.params
        self._link.call(
            "host",
            {
                "name": self._request.name,
                "role": self._request.role,
                "path": settings.path,
                "postgres": settings.postgres.to_facts() if settings.postgres else None,
                "standing": _spelled(standing) if standing else None,
                "run": run,
            },
        )

    def open(self, standing: Standing, run: RunId) -> None:
        """The writable handle there. Raises NotProvablyStandby."""
        self.introduce(standing, run)
        self.ask("open")

    def ask(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """Raises what the work there raised; Unreachable, naming the host, when the link is lost; Stopped where the step is."""
        try:
            return self._link.call(verb, args)
        except DrError as error:
            if self._desk.ctx is not None and self._desk.ctx.stop.is_set():
                raise Stopped(f"what was done on host '{self._address.host}' was ended: the step was stopped") from None
            if isinstance(error, Unreachable) and self._link.over:
                raise Unreachable(
                    f"host '{self._address.host}' was lost: {error.message}",
                    hint="what was being done there was ended; the step can be tried again when it answers",
                ) from None
            raise

    def runner(self) -> Runner:
        """Commands on that machine."""
        return _RemoteRunner(self)

    def close(self) -> None:
        """The link, and with it what is done there."""
        self._closing()


def _close(link: Link, process: Process) -> None:
    link.close()
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError, ValueError):
                pipe.close()
    process.wait()


def _spelled(standing: Standing) -> JsonObject:
    return {
        "organisation": standing.organisation,
        "production": [facts.to_facts() for facts in standing.production],
        "expected": list(standing.expected),
    }


class _RemoteRunner:
    """ports.Runner for commands that run to their end; bytes that stream belong to the sources, which work over there."""

    def __init__(self, session: Session) -> None:
        self._session = session

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
        given = stdin if isinstance(stdin, bytes) or stdin is None else stdin.read()
        asked = {
            "argv": list(argv),
            "stdin": None if given is None else given.hex(),
            "env": dict(env or {}),
            "cwd": cwd,
            "timeout": timeout,
            "check": check,
            "unprivileged": unprivileged,
            "detached": detached,
        }
        told = self._session.ask("run", asked)
        return Completed(tuple(argv), int(told["code"]), bytes.fromhex(told["stdout"]), bytes.fromhex(told["stderr"]))

    def start(self, argv: Sequence[str], **_how: object) -> Process:
        """Not here: raises Failed."""
        raise Failed(f"'{argv[0]}' was not started: on another machine a command is run to its end, and what streams works there itself")

    def kill_all(self) -> None:
        """What runs there ends with the link."""
        self._session.close()
