"""A TCP connection that ends in time: however slowly the other side speaks, and whenever the step is told to stop."""

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from dr.errors import DrError, Stopped, Unreachable
from dr.units import show_duration

_LOOK = 0.05
"""Seconds between two looks at the clock and at the stop."""
_START = "is it running there, and does a firewall between let it through?"
_Addresses = list[tuple[socket.AddressFamily, tuple[object, ...]]]


@dataclass(frozen=True)
class Place:
    """Who is spoken to."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NoOrigin(Unreachable):
    """From there nothing can be sent: this machine has no such address or interface now."""


@dataclass(frozen=True)
class Origin:
    """From where is spoken: an address or an interface of this machine's; whatever the routes say where neither is given."""

    address: str | None = None
    interface: str | None = None

    def __str__(self) -> str:
        return self.address or self.interface or "this machine"


ANYWHERE = Origin()


@dataclass
class _Watch:
    """Breaks connections off, from a thread of its own, when the time is over or the step is to stop."""

    seconds: float
    stop: threading.Event
    broken: str = ""
    """`late`, `stopped`, or nothing yet."""
    _links: list[socket.socket] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="dr-net-watch", daemon=True)
        self._thread.start()

    def follow(self, link: socket.socket) -> None:
        """A second handle on the connection: TLS may take the first one over."""
        with self._lock:
            self._links.append(link.dup())
            if self.broken:
                self._break_off()

    @property
    def left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _look(self) -> None:
        while not self._done.wait(min(_LOOK, self.left or _LOOK)):
            if not self.stop.is_set() and self.left:
                continue
            with self._lock:
                self.broken = "stopped" if self.stop.is_set() else "late"
                self._break_off()
            return

    def _break_off(self) -> None:
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        self._done.set()
        self._thread.join()
        for link in self._links:
            link.close()

    def judge(self, place: Place) -> None:
        """Raises Stopped or Unreachable if it was this that broke the connection off."""
        if self.broken == "stopped":
            raise Stopped(f"the step was told to stop while {place} was asked")
        if self.broken:
            raise Unreachable(f"{place} did not answer within {show_duration(self.seconds)}", hint=_START)


@contextlib.contextmanager
def linked(place: Place, seconds: float, stop: threading.Event, origin: Origin = ANYWHERE) -> Iterator[socket.socket]:
    """A connection for the block, which `seconds` are given to in all, look-up of the name included.

    Raises Unreachable if nobody answers, or if the block loses the connection (any OSError in it), or if this machine has no
    such `origin` (NoOrigin, which is an Unreachable); Stopped.
    """
    watch = _Watch(seconds, stop)
    try:
        with _connected(place, watch, origin) as link:
            yield link
        watch.judge(place)
    except OSError as error:
        watch.judge(place)
        raise Unreachable(f"{place} broke off ({_word(error)})", hint="its own log says why") from None
    except DrError:  # what it saw when it was broken off is not why
        watch.judge(place)
        raise
    finally:
        watch.end()


def _connected(place: Place, watch: _Watch, origin: Origin) -> socket.socket:
    """To the first of its addresses that answers."""
    last: OSError | None = None
    for family, address in _addresses(place, watch):
        if origin.address and (":" in origin.address) != (family == socket.AF_INET6):
            continue
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            watch.follow(link)
            _from(link, origin)
            link.connect(address)
            return link
        except OSError as error:
            link.close()
            last = error
            watch.judge(place)
        except DrError:
            link.close()
            raise
    if isinstance(last, ConnectionRefusedError):
        raise Unreachable(f"nothing listens at {place}", hint=_START)
    raise Unreachable(f"{place} cannot be reached ({_word(last)})", hint=_START)


def _from(link: socket.socket, origin: Origin) -> None:
    """Raises NoOrigin if that is not this machine's."""
    try:
        if origin.interface:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, origin.interface.encode() + b"\0")
        if origin.address:
            link.bind((origin.address, 0))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.ENODEV):
            raise NoOrigin(f"this machine has no {origin}", hint="is the interface up, and the address still its own?") from None
        raise


def _addresses(place: Place, watch: _Watch) -> _Addresses:
    """Looked up in a thread, since a resolver does not heed a deadline."""
    found: list[_Addresses] = []

    def look_up() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            infos = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
            found.append([(family, address) for family, _, _, _, address in infos])

    thread = threading.Thread(target=look_up, name="dr-net-name", daemon=True)
    thread.start()
    while thread.is_alive() and not watch.broken:
        thread.join(_LOOK)
    watch.judge(place)
    if not found or not found[0]:
        raise Unreachable(f"the name '{place.host}' is not known", hint="is it spelt right, and does this machine's name server know it?")
    return found[0]


def _word(error: OSError | None) -> str:
    """The system's own word for it, which quotes nothing."""
    return (error.strerror or type(error).__name__).lower() if error is not None and error.errno else type(error).__name__
