"""What work here asks of the controller: of whichever of its processes is there. What a lost one left open is asked of the next."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from dr.errors import Unreachable
from dr.model.base import JsonObject
from dr.wire.link import Link
from dr.wire.pipes import Outlet

_LOOK = 0.2
_T = TypeVar("_T")


class Bytes(Protocol):
    """What is read to its end, or closed."""

    def read(self, size: int = -1) -> bytes: ...

    def close(self) -> None: ...


class Asks(Protocol):
    """The verbs of a link."""

    def call(self, verb: str, args: JsonObject | None = None) -> JsonObject: ...

    def submit(self, verb: str, args: JsonObject) -> JsonObject: ...

    def fetch(self, verb: str, args: JsonObject | None = None, *, most: int) -> JsonObject: ...

    def download(self, verb: str, args: JsonObject | None = None) -> Bytes: ...

    def upload(self, verb: str, args: JsonObject | None = None) -> AbstractContextManager[Outlet]: ...

    def note(self, verb: str, args: JsonObject) -> None: ...


class Caller:
    """`Asks` over a link that another may take the place of. Every question is one that may be asked twice."""

    def __init__(self, link: Link, stop: threading.Event, patience: float = 0.0) -> None:
        """`patience`: seconds for which it waits for another link where one is lost; `stop` ends that."""
        self.link = link
        self._stop, self._patience = stop, patience
        self._changed = threading.Condition()
        self._streaming = 0

    @property
    def streaming(self) -> bool:
        """Whether bytes are under way, which nobody can go on with but the process that sends them."""
        return self._streaming > 0

    def use(self, link: Link) -> None:
        """Ask over this one from now on."""
        with self._changed:
            self.link = link
            self._changed.notify_all()

    def call(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """As `Link.call`."""
        return self._asked(lambda link: link.call(verb, args))

    def submit(self, verb: str, args: JsonObject) -> JsonObject:
        """As `Link.submit`."""
        return self._asked(lambda link: link.submit(verb, args))

    def fetch(self, verb: str, args: JsonObject | None = None, *, most: int) -> JsonObject:
        """As `Link.fetch`."""
        return self._asked(lambda link: link.fetch(verb, args, most=most))

    def download(self, verb: str, args: JsonObject | None = None) -> "Bytes":
        """As `Link.download`; what was begun over a link ends with it."""
        return _Counted(self._asked(lambda link: link.download(verb, args)), self._count)

    def upload(self, verb: str, args: JsonObject | None = None) -> AbstractContextManager[Outlet]:
        """As `Link.upload`."""
        return self.link.upload(verb, args)

    def note(self, verb: str, args: JsonObject) -> None:
        """As `Link.note`."""
        self.link.note(verb, args)

    def _count(self, more: int) -> None:
        with self._changed:
            self._streaming += more

    def _asked(self, ask: Callable[[Link], _T]) -> _T:
        while True:
            link = self.link
            try:
                return ask(link)
            except Unreachable:
                if not link.over or not self._another(link):
                    raise

    def _another(self, lost: Link) -> bool:
        """Whether another link took the place of the lost one, in time."""
        left = self._patience
        with self._changed:
            while self.link is lost and left > 0 and not self._stop.is_set():
                self._changed.wait(_LOOK)
                left -= _LOOK
            return self.link is not lost


class _Counted:
    """Bytes on their way here."""

    def __init__(self, inlet: Bytes, count: Callable[[int], None]) -> None:
        self._inlet, self._count, self._open = inlet, count, True
        count(1)

    def read(self, size: int = -1) -> bytes:
        data = self._inlet.read(size)
        if size < 0 or not data:
            self._over()
        return data

    def close(self) -> None:
        self._inlet.close()
        self._over()

    def _over(self) -> None:
        if self._open:
            self._open = False
            self._count(-1)
