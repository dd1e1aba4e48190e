"""File sets for tests: a tree with everything awkward, a capture, a restore, a check; the same as an ordinary user."""

import os
import socket
import struct
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from dr.checks import site_files_equal
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject, SourceName, SystemName
from dr.model.inventory import SourceEntry
from dr.model.ports import ArtifactReader, CaptureRequest, OpenSet, Restored, WritableHost
from dr.model.record import CheckResult, ProductionFacts
from dr.sources import files
from tests.support.pg_world import KEY, MemorySet, MemorySink, PgStep

SITE = SourceName("site")
SERVER = HostName("server")
ORDINARY = 65534
"""nobody: a user who is not root."""


@dataclass
class FileHost:
    """A host whose paths are this machine's; as a standby it has one place."""

    home: Path
    name: HostName = SERVER
    role: str = "production"
    rechecked: int = 0

    def runner(self) -> LocalRunner:
        return LocalRunner()

    def path(self, path: HostPath) -> HostPath:
        return HostPath(str(self.home / path))

    def place(self) -> HostPath:
        place = self.home / "place"
        place.mkdir(mode=0o700, exist_ok=True)
        return HostPath(str(place))

    def recheck(self) -> None:
        self.rechecked += 1


class WatchedSink(MemorySink):
    """Calls `during` when the first bytes arrive: tar is reading then."""

    during: Callable[[], None]

    def write(self, data: bytes | memoryview) -> None:
        if not self.data:
            self.during()
        super().write(data)


@dataclass
class Site:
    """A file set below a folder, and all that is done with it."""

    home: Path
    exclude: tuple[str, ...] = ()
    during: Callable[[], None] = lambda: None
    written: MemorySet = field(default_factory=MemorySet)
    places: JsonObject = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = FileHost(self.home)
        self.step = PgStep(self.home, cast("Mapping[str, Any]", {"server": self.host}))

    @property
    def root(self) -> Path:
        return self.home / "site"

    @property
    def restored(self) -> Path:
        return Path(self.places["site"]["path"])

    def request(self, needle: str | None = None) -> CaptureRequest:
        params = files.Params.from_facts({"path": "site", "exclude": list(self.exclude)})
        return CaptureRequest(SystemName("hmis"), SITE, SourceEntry(kind="files", host="server"), params, needle)

    def plant(self, token: str) -> None:
        files.SOURCE.plant(self.request(token), self.step.as_context())

    def capture(self) -> Sequence[ProductionFacts]:
        self.written = WatchedSet(self.during)
        return files.SOURCE.capture(self.request(), self.written.as_writer(), self.step.as_context())

    def data(self) -> bytes:
        return bytes(self.written.whole["site-00"][0].data)

    def readers(self) -> list[ArtifactReader]:
        return self.written.readers()

    def restore(self) -> Path:
        self.places = {"site": files.SOURCE.restore(self.readers(), cast("WritableHost", self.host), self.step.as_context())}
        return self.restored

    def check(self) -> CheckResult:
        opened = SimpleNamespace(artifacts=self.readers, index=SimpleNamespace(key=KEY.hex()))
        restored = Restored(cast("WritableHost", self.host), cast("OpenSet", opened), self.places)
        return site_files_equal.CHECK.run(site_files_equal.Params(), restored, self.step.as_context())


class WatchedSet(MemorySet):
    def __init__(self, during: Callable[[], None]) -> None:
        super().__init__()
        self._during = during

    def artifact(self, name: str, *, kind: str, source: SourceName) -> Any:
        stack = ExitStack()
        sink = stack.enter_context(super().artifact(name, kind=kind, source=source))
        sink.__class__ = WatchedSink
        cast("WatchedSink", sink).during = self._during
        return _Held(stack, sink)


@dataclass
class _Held:
    stack: ExitStack
    sink: MemorySink

    def __enter__(self) -> MemorySink:
        return self.sink

    def __exit__(self, *error: Any) -> bool | None:
        return self.stack.__exit__(*error)


def build(root: Path) -> None:
    """Every awkward thing that a file set may hold."""
    root.mkdir(parents=True)
    (root / "plain.txt").write_text("hello")
    (root / "empty").touch()
    (root / "folder" / "inner").mkdir(parents=True)
    (root / "folder" / "inner" / "deep.bin").write_bytes(bytes(range(256)) * 9000)
    (root / "-rf").write_text("a leading dash")
    (root / "--checkpoint-action=exec=sh").write_text("an option of tar")
    (root / "two\nlines").write_text("a newline")
    (root / "[brackets]*?\\").write_text("wildcards")
    Path(os.fsdecode(os.fsencode(root) + b"/\xff\xfe-not-utf8")).write_text("bytes")
    (root / ("l" * 255)).write_text("a long name")
    long = root
    for number in range(12):
        long = long / (f"{number:02}" + "d" * 198)
        long.mkdir()
    (long / "far").write_text("a long path")
    (root / "link").symlink_to("plain.txt")
    (root / "loop").symlink_to(".")
    (root / "broken").symlink_to("/nowhere/at all")
    (root / "absolute").symlink_to("/etc")
    os.link(root / "plain.txt", root / "folder" / "same")
    os.mkfifo(root / "fifo", 0o640)
    (root / "secret").write_text("x")
    (root / "secret").chmod(0o600)
    (root / "setuid").write_text("x")
    (root / "setuid").chmod(0o4755)
    (root / "closed").mkdir()
    (root / "closed" / "inside").write_text("x")
    os.setxattr(root / "plain.txt", "user.note", b"kept")
    os.setxattr(root / "folder", "user.note", b"of a folder")
    os.setxattr(root / "secret", "system.posix_acl_access", _acl(1234))
    with (root / "sparse").open("wb") as sparse:
        sparse.seek(50_000_000)
        sparse.write(b"data")
        sparse.truncate(80_000_000)
    os.utime(root / "folder" / "inner" / "deep.bin", ns=(1, 1_234_567_890_123_456_789))
    os.utime(root / "folder", ns=(1, 1_134_567_890_000_000_001))
    os.utime(root / "link", ns=(1, 1_034_567_890_000_000_007), follow_symlinks=False)
    (root / "closed").chmod(0o500)


def as_root_would(root: Path) -> None:
    """What only root can make: other owners, privileged attributes, devices."""
    os.chown(root / "secret", 1234, 2345)
    os.chown(root / "link", 1234, 2345, follow_symlinks=False)
    os.setxattr(root / "plain.txt", "trusted.note", b"privileged")
    os.mknod(root / "device", 0o600 | 0o020000, os.makedev(1, 3))


def with_socket(path: Path) -> None:
    here = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_RDONLY)
    here.bind(f"/proc/self/fd/{folder}/{path.name}")  # a socket's path may be only 108 bytes long
    here.close()
    os.close(folder)


def _acl(user: int) -> bytes:
    entries = [(0x01, 6, -1), (0x02, 4, user), (0x04, 0, -1), (0x10, 4, -1), (0x20, 0, -1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, may, who & 0xFFFFFFFF) for tag, may, who in entries)


def as_ordinary_user(what: Callable[[], None]) -> None:
    """Run in a forked child that is not root; what it raises fails the test."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(ORDINARY, ORDINARY, ORDINARY)
                os.setresuid(ORDINARY, ORDINARY, ORDINARY)
            what()
            os._exit(0)
        except BaseException:  # noqa: BLE001 - told to the parent
            os.write(write_end, traceback.format_exc().encode()[-60000:])
            os._exit(1)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as said:
        text = said.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    assert status == 0, text


def reachable(folder: Path) -> None:
    """pytest's folders are private; an ordinary user must be able to pass."""
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.getuid() and above != Path("/") and str(above).startswith("/tmp/"):
            above.chmod(above.stat().st_mode | 0o055)
