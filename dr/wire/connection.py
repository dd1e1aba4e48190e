"""A link to `dr agent` on another machine, over ssh: made, greeted, and when it breaks said so with the machine's name."""

import contextlib
import subprocess
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime

from dr import __version__
from dr.clock import iso
from dr.errors import DrError, Failed, Refused, Unreachable
from dr.model.base import JsonObject
from dr.model.ports import Process
from dr.units import visible
from dr.wire import frames, openssh
from dr.wire.link import Call, Link
from dr.wire.openssh import Address
from dr.wire.pipes import Inlet

PROTOCOL = 3
"""Raised whenever a question or an answer changes its meaning."""

FIRST = 60.0
"""Seconds for ssh to let us in and for the other `dr` to start."""


def nothing_asked(call: Call) -> JsonObject:
    """For a connection whose other side has nothing to ask. Raises Refused."""
    raise Refused(f"it asked for '{call.verb}', which may not be asked here")


class Connection:
    """Lives as long as it is held. Raises what `openssh.why` says when the machine is not reached, Refused for a `dr` of another kind.

    `process`: the started ssh, both of whose streams are pipes.
    """

    _fate = "was ended"
    """Of what was being done there when it is lost."""

    def __init__(
        self,
        address: Address,
        process: Process,
        now: datetime,
        *,
        serve: Callable[[Call], JsonObject] = nothing_asked,
        noted: Callable[[str, JsonObject], None] = lambda _verb, _args: None,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.address, self._process = address, process
        self.link = Link(process.stdout, process.stdin, serve=serve, noted=noted, lost=process.kill, silence=address.silence, first=FIRST)
        self.link.most = frames.GREETING
        self._closing: weakref.finalize[..., Connection] = weakref.finalize(self, _close, self.link, process)
        self.link.start()
        try:
            self._greet(now)
        except BaseException:
            self.close()
            raise

    def _greet(self, now: datetime) -> None:
        where = f"host '{self.address.host}'"
        try:
            told = self.link.call("hello", {"protocol": PROTOCOL, "silence": self.address.silence, "now": iso(now)})
        except (Unreachable, Failed) as error:
            if isinstance(error, Unreachable):  # else it spoke, and not as dr does: ssh has nothing to add
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = self._process.wait(5)
                    raise openssh.why(self.address, self._process.stderr_tail(), code, error.message) from None
            raise Unreachable(f"{where}: {error.message}", hint=error.hint) from None
        if told.get("protocol") != PROTOCOL:
            raise Refused(
                f"{where} has dr {visible(str(told.get('version'))[:40])}, which does not understand this one ({__version__})",
                hint="install the same version there",
            )
        self.link.most = frames.MOST

    @property
    def lost(self) -> bool:
        """Whether it is over."""
        return self.link.over

    def ask(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """Raises what the work there raised; Unreachable, naming the machine, when the link is lost."""
        with self.naming():
            return self.link.call(verb, args)

    def submit(self, verb: str, args: JsonObject) -> JsonObject:
        """As `ask`; see `Link.submit`."""
        with self.naming():
            return self.link.submit(verb, args)

    def fetch(self, verb: str, args: JsonObject | None = None, *, most: int) -> JsonObject:
        """As `ask`; see `Link.fetch`."""
        with self.naming():
            return self.link.fetch(verb, args, most=most)

    def download(self, verb: str, args: JsonObject | None = None) -> Inlet:
        """See `Link.download`."""
        with self.naming():
            return self.link.download(verb, args)

    @contextlib.contextmanager
    def naming(self) -> Iterator[None]:
        """What is lost in the block is lost with the machine's name."""
        try:
            yield
        except DrError as error:
            if isinstance(error, Unreachable) and self.lost:
                raise Unreachable(
                    f"host '{self.address.host}' was lost: {error.message}",
                    hint=f"what was being done there {self._fate}; it can be tried again when it answers",
                ) from None
            raise

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
