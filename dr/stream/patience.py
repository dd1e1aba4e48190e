"""A repository that stops answering without an error (a hung mount, a dead link) fails in time, as one that says no.

Every call is made by a thread of its own. One that has not come back when patience ends is left behind, as a daemon, and the caller gets
Unreachable: so the other tiers go on, and the step ends. While such a call still hangs, the next ones are refused at once; when it comes
back, so is the repository. What a call that was given up does after all (it commits, say) is whole, and found where it lies.

A kind that starts programs keeps them in a thread of its own: a child that dies with its parent dies with the thread that made it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import IO, TYPE_CHECKING, Generic, TypeVar, cast

from dr.errors import Unreachable
from dr.model.backup import RepositoryIdentity, Tombstone
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Repository, SetUpload
from dr.units import show_duration

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PATIENCE = 300.0
"""Seconds for one call: a part of 16 MiB at 56 KiB/s, and a file server that restarts."""

Value = TypeVar("Value")


class Patience:
    """How long one repository may keep silent; shared by all that speak with it."""

    def __init__(self, name: RepositoryName, seconds: float = PATIENCE) -> None:
        self._name = name
        self._seconds = seconds
        self._lock = threading.Lock()
        self._hanging = 0

    def call(self, act: Callable[[], Value], late: Callable[[Value], object] = lambda _: None) -> Value:
        """What `act` gives or raises. Raises Unreachable if it has not ended in time; `late` then undoes what it still comes to hold."""
        with self._lock:
            if self._hanging:
                raise self._silent()
        asked = _Asked(act)
        threading.Thread(target=self._work, args=(asked, late), name=f"{self._name}-asked", daemon=True).start()
        if not asked.over.wait(self._seconds) and self._give_up(asked):
            raise self._silent()
        return asked.result()

    @property
    def hangs(self) -> bool:
        with self._lock:
            return self._hanging > 0

    def _work(self, asked: _Asked[Value], late: Callable[[Value], object]) -> None:
        asked.carry_out()
        with self._lock:
            asked.over.set()
            if not asked.given_up:
                return
            self._hanging -= 1
        with suppress(Exception):  # nobody waits for it any more
            late(asked.result())

    def _give_up(self, asked: _Asked[Value]) -> bool:
        """False if it ended just now."""
        with self._lock:
            if asked.over.is_set():
                return False
            asked.given_up = True
            self._hanging += 1
            return True

    def _silent(self) -> Unreachable:
        return Unreachable(
            f"repository '{self._name}' has not answered for {show_duration(self._seconds)}",
            hint="is its disk or its network connection stuck?",
        )


class _Asked(Generic[Value]):
    """One call, and how it ended."""

    def __init__(self, act: Callable[[], Value]) -> None:
        self._act = act
        self._value: Value | None = None
        self._error: BaseException | None = None
        self.over = threading.Event()
        self.given_up = False

    def carry_out(self) -> None:
        try:
            self._value = self._act()
        except BaseException as error:  # noqa: BLE001 it is raised again where the call was made
            self._error = error

    def result(self) -> Value:
        if self._error is not None:
            raise self._error
        return cast("Value", self._value)


class PatientRepository:
    """`dr.model.ports.Repository` with an end to waiting.

    `remove` and `sweep` are passed on as they are: they delete under the lock, for as long as it takes, and must not go on unwatched.
    """

    def __init__(self, inner: Repository, patience: Patience) -> None:
        self._inner, self._patience = inner, patience
        self.name, self.tier = inner.name, inner.tier

    def identity(self) -> RepositoryIdentity:
        return self._patience.call(self._inner.identity)

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        return self._patience.call(lambda: self._inner.initialise(organisation, identity, now))

    def begin(self, system: SystemName, set_id: SetId) -> SetUpload:
        begun = self._patience.call(lambda: self._inner.begin(system, set_id), late=lambda upload: upload.abandon())
        return _PatientUpload(begun, self._patience)

    def sets(self, system: SystemName | None = None) -> list[tuple[SystemName, SetId]]:
        return self._patience.call(lambda: self._inner.sets(system))

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        return self._patience.call(lambda: self._inner.manifest(system, set_id))

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        return self._file(lambda: self._inner.open(system, set_id, path))

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        return self._patience.call(lambda: self._inner.listing(system, set_id))

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        self._patience.call(lambda: self._inner.beside(system, set_id, path, data))

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        self._patience.call(lambda: self._inner.mend(system, places, data))

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        self._patience.call(lambda: self._inner.withdraw(system, set_id, path))

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        return self._inner.remove(tombstone, signature, failpoint=failpoint)

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        return self._patience.call(lambda: self._inner.tombstones(system))

    def sweep(self, older_than: datetime) -> list[str]:
        return self._inner.sweep(older_than)

    def put_home(self, name: str, data: bytes) -> None:
        self._patience.call(lambda: self._inner.put_home(name, data))

    def list_home(self) -> list[str]:
        return self._patience.call(self._inner.list_home)

    def open_home(self, name: str) -> IO[bytes]:
        return self._file(lambda: self._inner.open_home(name))

    def remove_home(self, name: str) -> bool:
        return self._patience.call(lambda: self._inner.remove_home(name))

    def claim(self, line: str, place: int, data: bytes) -> bytes:
        return self._patience.call(lambda: self._inner.claim(line, place, data))

    def claims(self, line: str) -> list[tuple[int, bytes]]:
        return self._patience.call(lambda: self._inner.claims(line))

    @contextmanager
    def locked(self) -> Iterator[None]:
        lock = self._inner.locked()
        self._patience.call(lock.__enter__, late=lambda _: lock.__exit__(None, None, None))
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def free(self) -> int | None:
        try:
            return self._patience.call(self._inner.free)
        except Unreachable:
            return None

    def _file(self, opening: Callable[[], IO[bytes]]) -> IO[bytes]:
        return cast("IO[bytes]", _PatientFile(self._patience.call(opening, late=lambda file: file.close()), self._patience))


class _PatientUpload:
    """See `dr.model.ports.SetUpload`."""

    def __init__(self, inner: SetUpload, patience: Patience) -> None:
        self._inner, self._patience = inner, patience

    def put(self, path: str, data: bytes) -> None:
        self._patience.call(lambda: self._inner.put(path, data))

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        return self._patience.call(lambda: self._inner.link(path, origin, origin_path, sha256))

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        self._patience.call(lambda: self._inner.commit(manifest, signature, beside))

    def abandon(self) -> None:
        self._patience.call(self._inner.abandon)


class _PatientFile(io.RawIOBase):
    """A stored object that is being read."""

    def __init__(self, inner: IO[bytes], patience: Patience) -> None:
        super().__init__()
        self._inner, self._patience = inner, patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        into = cast("io.RawIOBase", self._inner)
        return self._patience.call(lambda: into.readinto(buffer) or 0)

    def close(self) -> None:
        if not self.closed and not self._patience.hangs:
            self._inner.close()
        super().close()
