"""A small TCP proxy of the tests' own: a network that can be cut, can swallow everything, or can be slow."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

_PIECE = 8192


class Net(Protocol):
    """What lies between us and a machine, and what may happen to it. `port`: at which the machine is reached."""

    port: int

    @property
    def passed(self) -> int:
        """Bytes, both ways."""
        ...

    def cut(self) -> None:
        """Every connection is reset; new ones are let through."""
        ...

    def swallow(self) -> None:
        """From now on nothing arrives any more, and nobody is told."""
        ...

    def down(self) -> None:
        """The cable is out."""
        ...

    def slow(self, bits_per_second: float) -> None: ...

    def heal(self) -> None:
        """Whatever happened to it is over."""
        ...


class Proxy:
    """Listens on `port` of the loopback and passes on to `to`."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.bytes_per_second: float | None = None
        self._passed = 0
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def passed(self) -> int:
        return self._passed

    # ------------------------------------------------------------ what may happen to a network

    def cut(self) -> None:
        """Every connection is reset, as when a router restarts; new ones are let through."""
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def swallow(self) -> None:
        """From now on nothing arrives any more, and nobody is told."""
        self._flowing.clear()

    def down(self) -> None:
        """As near as a proxy comes to it."""
        self.swallow()

    def slow(self, bits_per_second: float) -> None:
        self.bytes_per_second = bits_per_second / 8

    def heal(self) -> None:
        """What was swallowed stays lost."""
        self.cut()
        self.bytes_per_second = None
        self._flowing.set()

    def close(self) -> None:
        self._listener.close()
        self.cut()
        self._flowing.set()

    # ------------------------------------------------------------ passing on

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(_PIECE):
                self._flowing.wait()
                if self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
                other.sendall(data)
                self._passed += len(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy(to: int) -> Iterator[Proxy]:
    made = Proxy(to)
    try:
        yield made
    finally:
        made.close()
