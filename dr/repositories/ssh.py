"""`ssh`: a repository in a folder of another machine, where `dr agent` keeps it with the code of kind `directory`.

What crosses is stored bytes, which are encrypted already: the file server has no key. One connection for as long as it holds; a call after
a break makes another, and what was being written is begun anew.
"""

import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, cast

from dr.errors import DrError, Refused, Unreachable
from dr.model.backup import SET_ID, RepositoryIdentity, Tombstone
from dr.model.base import ByteCount, HostPath, JsonObject, RepositoryName, SetId, Size, SystemName
from dr.model.places import Folder
from dr.model.ports import RepositoryKind
from dr.repositories.directory_upload import SLUG
from dr.stream.layout import LONGEST
from dr.wire import openssh
from dr.wire.child import Child, output
from dr.wire.connection import Connection
from dr.wire.link import Call
from dr.wire.login import Login
from dr.wire.pipes import Inlet

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class SshParams(Login):
    """`with:` of a repository of kind `ssh`; `path` is its folder on that machine."""

    path: HostPath
    min_free: Size = ByteCount(2**30)
    """A set is not begun with less free space than this."""


def places(params: SshParams, _home: str) -> list[Folder]:
    """Its folder, on that machine."""
    return [Folder(("path",), params.path)]


class SshRepository:
    """See `dr.model.ports.Repository`."""

    def __init__(self, name: RepositoryName, tier: str, params: SshParams, home: HostPath, organisation: str) -> None:
        self.name, self.tier = name, tier
        self._params, self._home, self._organisation = params, home, organisation
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._holding: Connection | None = None
        """The one over which the lock is held: nothing goes over another meanwhile."""
        self._failpoint: Callable[[str], None] = lambda _name: None
        self._broken_off: BaseException | None = None

    # ---------------------------------------------------------------- the connection

    def _connected(self) -> Connection:
        with self._lock:
            if self._holding is not None and self._holding.lost:
                raise Unreachable(
                    f"repository '{self.name}': the link was lost while the lock was held over it, so another may be at work there",
                    hint="nothing more was done there: run this again",
                )
            if self._connection is None or self._connection.lost:
                self._connection = self._connect()
            return self._connection

    def _connect(self) -> Connection:
        address = self._params.reached(self.name, self._home)
        openssh.fingerprints(address, output)  # Refused before anything is started
        made = Connection(address, Child(openssh.argv(address, self._params.command())), datetime.now(UTC), serve=self._asked)
        made.ask(
            "repository",
            {
                "name": self.name,
                "tier": self.tier,
                "path": self._params.path,
                "min_free": self._params.min_free,
                "organisation": self._organisation,
            },
        )
        return made

    def _asked(self, call: Call) -> JsonObject:
        """The other side asks one thing: to be told where a removal stands."""
        if call.verb != "failpoint":
            raise Refused(f"repository '{self.name}' asked for '{call.verb}', which no repository may ask")
        try:
            self._failpoint(str(call.args.get("name")))
        except BaseException as error:
            self._broken_off = error
            raise
        return {}

    def _ask(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        return self._connected().ask(f"repository-{verb}", args)

    def _ask_long(self, verb: str, args: JsonObject | None = None) -> JsonObject:
        """What grows with what is stored there."""
        return self._connected().fetch(f"repository-{verb}", args, most=LONGEST)

    def _send(self, verb: str, args: JsonObject, data: bytes) -> None:
        connection = self._connected()
        with connection.naming(), connection.link.upload(f"repository-{verb}", args) as outlet:
            outlet.write(data)

    def _fetch(self, verb: str, args: JsonObject) -> IO[bytes]:
        connection = self._connected()
        file = io.BufferedReader(_Fetched(connection, connection.download(f"repository-{verb}", args)), 1 << 20)
        file.peek(1)  # what is missing is said when it is opened
        return cast("IO[bytes]", file)

    # ---------------------------------------------------------------- what it is

    def identity(self) -> RepositoryIdentity:
        return RepositoryIdentity.from_facts(self._ask("identity"))

    def initialise(self, organisation: str, identity: str, now: datetime) -> RepositoryIdentity:
        asked = {"organisation": organisation, "identity": identity, "now": now.isoformat()}
        return RepositoryIdentity.from_facts(self._ask("initialise", asked))

    def free(self) -> int | None:
        found = self._ask("free").get("bytes")
        return found if isinstance(found, int) else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        connection = self._connected()
        connection.ask("repository-lock")
        self._holding = connection
        try:
            yield
            connection.ask("repository-unlock")  # raises where the lock went with the link: what was done meanwhile is not sure
        except BaseException:
            if not connection.lost:
                connection.ask("repository-unlock")
            raise
        finally:
            self._holding = None

    # ---------------------------------------------------------------- sets

    def begin(self, system: SystemName, set_id: SetId) -> "SshUpload":
        connection = self._connected()
        number = connection.ask("repository-begin", {"system": system, "set": set_id})["upload"]
        return SshUpload(connection, int(number))

    def sets(self, system: SystemName | None = None) -> list[tuple[SystemName, SetId]]:
        return named(self._ask_long("sets", {"system": system})["sets"])

    def manifest(self, system: SystemName, set_id: SetId) -> tuple[bytes, bytes]:
        found = self._ask_long("manifest", {"system": system, "set": set_id})
        return bytes.fromhex(found["manifest"]), bytes.fromhex(found["signature"])

    def open(self, system: SystemName, set_id: SetId, path: str) -> IO[bytes]:
        return self._fetch("open", {"system": system, "set": set_id, "path": path})

    def listing(self, system: SystemName, set_id: SetId) -> list[str]:
        return [str(path) for path in self._ask_long("listing", {"system": system, "set": set_id})["paths"]]

    def beside(self, system: SystemName, set_id: SetId, path: str, data: bytes) -> None:
        self._send("beside", {"system": system, "set": set_id, "path": path}, data)

    def mend(self, system: SystemName, places: Sequence[tuple[SetId, str]], data: bytes) -> None:
        self._send("mend", {"system": system, "places": [list(place) for place in places]}, data)

    def withdraw(self, system: SystemName, set_id: SetId, path: str) -> None:
        self._ask("withdraw", {"system": system, "set": set_id, "path": path})

    def remove(self, tombstone: Tombstone, signature: bytes, *, failpoint: Callable[[str], None]) -> bool:
        self._failpoint, self._broken_off = failpoint, None
        try:
            return self._ask("remove", {"tombstone": tombstone.to_facts(), "signature": signature.hex()})["removed"] is True
        except DrError:
            if self._broken_off is not None:  # it was ended from here, and by this
                raise self._broken_off from None
            raise
        finally:
            self._failpoint = lambda _name: None

    def tombstones(self, system: SystemName) -> list[tuple[bytes, bytes]]:
        found = self._ask_long("tombstones", {"system": system})["tombstones"]
        return [(bytes.fromhex(said), bytes.fromhex(signature)) for said, signature in found]

    def sweep(self, older_than: datetime) -> list[str]:
        return [str(one) for one in self._ask_long("sweep", {"older_than": older_than.isoformat()})["swept"]]

    # ---------------------------------------------------------------- the home

    def put_home(self, name: str, data: bytes) -> None:
        self._send("put-home", {"name": name}, data)

    def list_home(self) -> list[str]:
        return [str(path) for path in self._ask_long("list-home")["paths"]]

    def open_home(self, name: str) -> IO[bytes]:
        return self._fetch("open-home", {"name": name})

    def remove_home(self, name: str) -> bool:
        return self._ask("remove-home", {"name": name})["removed"] is True

    # ---------------------------------------------------------------- claims of duties

    def claim(self, line: str, place: int, data: bytes) -> bytes:
        return bytes.fromhex(self._ask("claim", {"line": line, "place": place, "data": data.hex()})["stands"])

    def claims(self, line: str) -> list[tuple[int, bytes]]:
        return [(int(place), bytes.fromhex(data)) for place, data in self._ask_long("claims", {"line": line})["claims"]]


def named(told: Sequence[Sequence[object]]) -> list[tuple[SystemName, SetId]]:
    """The sets that a file server says it holds, as far as they are names: kind `directory` too passes over what is none."""
    found = [(str(owner), str(one)) for owner, one in told]
    return [(SystemName(owner), SetId(one)) for owner, one in found if SLUG.fullmatch(owner) and SET_ID.fullmatch(one)]


class SshUpload:
    """See `dr.model.ports.SetUpload`. It belongs to its connection: when that breaks, the partial is left and swept."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number = connection, number

    def put(self, path: str, data: bytes) -> None:
        with self._connection.naming(), self._connection.link.upload("upload-put", {"upload": self._number, "path": path}) as outlet:
            outlet.write(data)

    def link(self, path: str, origin: SetId, origin_path: str, sha256: str) -> bool:
        asked = {"upload": self._number, "path": path, "origin": origin, "origin_path": origin_path, "sha256": sha256}
        return self._connection.ask("upload-link", asked)["linked"] is True

    def commit(self, manifest: bytes, signature: bytes, beside: Mapping[str, bytes]) -> None:
        asked = {
            "upload": self._number,
            "manifest": manifest.hex(),
            "signature": signature.hex(),
            "beside": {path: data.hex() for path, data in beside.items()},
        }
        self._connection.submit("upload-commit", asked)

    def abandon(self) -> None:
        if not self._connection.lost:
            self._connection.ask("upload-abandon", {"upload": self._number})


class _Fetched(io.RawIOBase):
    """One stored object on its way here."""

    def __init__(self, connection: Connection, inlet: Inlet) -> None:
        super().__init__()
        self._connection, self._inlet = connection, inlet

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Whatever is left of it is not sent."""
        self._inlet.close()
        super().close()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        with self._connection.naming():
            data = self._inlet.read(len(view))
        view[: len(data)] = data
        return len(data)


def _open(name: RepositoryName, tier: str, params: SshParams, home: HostPath, organisation: str) -> SshRepository:
    return SshRepository(name, tier, params, home, organisation)


KIND = RepositoryKind(kind="ssh", params=SshParams, open=_open)
