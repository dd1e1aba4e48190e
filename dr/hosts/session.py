"""One connection to `dr agent` on another machine, for as long as a handle to that host is held."""

import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from dr.errors import DrError, Failed, Stopped, Unreachable
from dr.hosts.desk import Desk
from dr.model.base import HostName, JsonObject, RunId
from dr.model.ports import Completed, HostRequest, Process, Runner, Standing
from dr.wire import openssh
from dr.wire.connection import Connection
from dr.wire.openssh import Address
from dr.wire.rejoin import Rejoined, Seeking, Unit


class Session:
    """Raises as `Connection` does."""

    def __init__(self, address: Address, command: Sequence[str], request: HostRequest, desk: Desk, unit: Unit | None = None) -> None:
        """`unit`: what is done there, where it outlives the link."""
        self._request, self._desk = request, desk
        self._connection = _connected(address, command, request, desk) if unit is None else _rejoined(address, command, request, desk, unit)
        self.introduce(None, None)

    def introduce(self, standing: Standing | None, run: RunId | None) -> None:
        """Say which host it is, as the inventory has it, and what its guard judges by."""
        settings = self._request.params
        self._connection.ask(
            "host",
            {
                "name": self._request.name,
                "role": self._request.role,
                "path": settings.path,
                "postgres": settings.postgres.to_facts() if settings.postgres else None,
                "places": list(settings.places),
                "standing": _spelled(standing) if standing else None,
                "run": run,
            },
        )

    def open(self, standing: Standing, run: RunId) -> None:
        """The writable handle there. Raises NotProvablyStandby."""
        self.introduce(standing, run)
        self.ask("open")

    def ask(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """Raises as `Connection.ask` does; Stopped where the step is."""
        return self._asked(lambda: self._connection.ask(verb, args))

    def _asked(self, asking: Callable[[], JsonObject]) -> JsonObject:
        try:
            return asking()
        except DrError as error:
            if self._desk.ctx is not None and self._desk.ctx.stop.is_set():
                raise Stopped(f"what was done on host '{self._request.name}' was ended: the step was stopped") from None
            if isinstance(error, Unreachable):
                raise over_there(self._request.name, error) from None
            raise

    def submit(self, verb: str, args: JsonObject) -> JsonObject:
        """As `ask`, where what is said may be more than a message holds: what a set's index says, or an inventory of very many systems."""
        return self._asked(lambda: self._connection.submit(verb, args))

    def runner(self) -> Runner:
        """Commands on that machine."""
        return _RemoteRunner(self)

    def close(self) -> None:
        """The link, and with it what is done there."""
        self._connection.close()


def _connected(address: Address, command: Sequence[str], request: HostRequest, desk: Desk) -> Connection:
    process = request.runner.start(openssh.argv(address, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return Connection(address, process, request.clock.now(), serve=desk.serve, noted=desk.noted)


def _rejoined(address: Address, command: Sequence[str], request: HostRequest, desk: Desk, unit: Unit) -> Connection:
    """Its ssh is none of the step's processes: when the step is stopped it has a last word to carry."""
    seeking = Seeking(address, openssh.argv(address, command), unit, request.clock.now, lambda what: desk.noted("progress", {"what": what}))
    return Rejoined(address, seeking, serve=desk.serve, noted=desk.noted, stop=request.stop or threading.Event())


def _spelled(standing: Standing) -> JsonObject:
    return {
        "organisation": standing.organisation,
        "production": [facts.to_facts() for facts in standing.production],
        "expected": list(standing.expected),
        "unagreed": dict(standing.unagreed),
    }


_ITS_OWN = re.compile(r"(?:host '[^']*': )?((?:nothing answers|PostgreSQL) at (?:127\.0\.0\.1|\[?::1\]?|localhost):.*)", re.DOTALL)
"""What is said over there of a server at that machine's loopback; what is said of the link names the machine already."""


def over_there(host: HostName, error: Unreachable) -> Unreachable:
    """As whoever reads it here must have it: a machine's loopback is its own, and not the reader's."""
    own = _ITS_OWN.fullmatch(error.message)
    return Unreachable(f"on the machine of host '{host}', {own[1]}", hint=error.hint) if own else error


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
