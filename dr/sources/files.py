"""Kind `files`: a folder and all below it, as GNU tar keeps it: owners, modes, links, extended attributes, holes, any name.

A file that changes while it is read is noticed (an independent walk before and after) and reported: it is in the set, as tar caught it,
but proves nothing. Sockets are not backed up; devices and fifos are, as what they are.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from subprocess import PIPE

from pydantic import field_validator

from dr.drivers.files import beside, listing, tar, tree
from dr.drivers.files.listing import Listing
from dr.drivers.files.tree import Describing, Walked
from dr.errors import Damaged, Failed, Refused, Unreachable
from dr.model.base import HostName, HostPath, JsonObject, SourceName, StrictModel
from dr.model.places import NEEDLE, Folder
from dr.model.ports import ArtifactReader, ArtifactSink, CaptureRequest, Host, Process, SetWriter, StepContext, WritableHost
from dr.model.record import ProductionFacts
from dr.model.summary import ContentSummary

PLANTED = f"one file, {NEEDLE}, at the top of the folder"
"""What the needle writes into production, in words."""
BLOCK = 1 << 20


class Params(StrictModel):
    """`path`: the folder. `exclude`: paths below it that are left out; `*` stands for anything, `?` for one byte; anchored at the top."""

    path: HostPath
    exclude: tuple[str, ...] = ()

    @field_validator("exclude")
    @classmethod
    def _relative(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if not pattern or "\0" in pattern or pattern.endswith("/") or pattern.startswith(("/", "./")) or ".." in pattern.split("/"):
                raise ValueError(f"'{pattern}' is not a path below the file set; write for example cache or *.tmp")
        return patterns


def places(params: Params, home: str) -> list[Folder]:
    """The folder that is backed up."""
    return [Folder(("path",), str(Path(home) / Path(params.path).expanduser()))]


class Files:
    """See `dr.model.ports.Source`."""

    kind = "files"
    params: type[StrictModel] = Params

    def plant(self, request: CaptureRequest, ctx: StepContext) -> None:
        """Write the needle's file, atomically and durably. Raises Refused where nothing may be written."""
        if request.needle is None:
            return
        root = _root(request, ctx)
        with _opened(request, root) as folder:
            try:
                _write_needle(folder, request.needle)
            except OSError as error:
                raise Refused(
                    f"the needle of file set '{request.name}' cannot be planted ({os.strerror(error.errno or 0)})",
                    hint="set `needle: false` for this source, or let dr write to its folder",
                ) from None

    def capture(self, request: CaptureRequest, into: SetWriter, ctx: StepContext) -> Sequence[ProductionFacts]:
        root = _root(request, ctx)
        left_out = tree.excluding(request.params.exclude)
        with _opened(request, root) as folder, into.artifact(f"{request.name}-00", kind=self.kind, source=request.name) as sink:
            began = ctx.clock.now()
            at = os.fstat(folder)
            before = tree.walk(folder, left_out)
            with Describing(folder, before, into.key, stop=ctx.stop) as describing:
                noisy = _stream(request, root, sink, _size(before), ctx)
                described = describing.result()
            found = listing.make(before, tree.walk(folder, left_out), described)
            identity = {"device": str(at.st_dev), "inode": str(at.st_ino)}
            summary = _summary(request, before, root, beside.uncovered(root, _covered(request, ctx), into.key))
            sink.describe(instant=began, identity=identity, content=found.to_facts(), summary=summary)
        _findings(request, found, noisy, ctx)
        path = {"path": root, "device": at.st_dev, "inode": at.st_ino}
        return [ProductionFacts(host=HostName(request.entry.host), system=request.system, recorded=began, paths=(path,))]

    def restore(self, artifacts: Sequence[ArtifactReader], host: WritableHost, ctx: StepContext) -> JsonObject:
        """Unpack into `site/<source>` of the run's place, which is fresh and private. Gives back its `path`."""
        if len(artifacts) != 1:
            raise Damaged(f"a file set is one artifact, not {len(artifacts)}")
        reader = artifacts[0]
        into = _fresh(host.place(), reader.artifact.source)
        as_root = os.geteuid() == 0
        host.recheck()
        code = _unpack(reader, host, tar.extract(into, root=as_root), ctx)
        # Devices apart, which only root can make: the check compares everything, and lists them.
        if code != 0 and (as_root or not Listing.from_facts(reader.index.content).of_type("device")):
            raise Failed(
                f"file set '{reader.artifact.source}' was not unpacked whole (tar ended with exit code {code})",
                hint="is there room, and does the standby's file system keep what the source's does (extended attributes, ACLs)?",
            )
        return {"path": into}


def _root(request: CaptureRequest, ctx: StepContext) -> HostPath:
    host: Host = ctx.host(HostName(request.entry.host))
    return HostPath(os.path.realpath(host.path(request.params.path)))


@contextlib.contextmanager
def _opened(request: CaptureRequest, root: HostPath) -> Iterator[int]:
    with contextlib.ExitStack() as held:
        try:
            folder = held.enter_context(tree.opened(root))
        except OSError as error:
            raise Unreachable(
                f"file set '{request.name}': its folder {root} cannot be opened ({os.strerror(error.errno or 0)})",
                hint="is `path` of the source right, is it mounted, and may dr read it?",
            ) from None
        yield folder


def _covered(request: CaptureRequest, ctx: StepContext) -> list[str]:
    """Every folder of that host that some file set of the inventory covers."""
    host = ctx.host(HostName(request.entry.host))
    entries = [entry for system in ctx.inventory.systems.values() for entry in system.sources.values()]
    return [host.path(Params.from_facts(e.with_).path) for e in entries if (e.kind, e.host) == (request.entry.kind, request.entry.host)]


def _summary(request: CaptureRequest, walked: Walked, root: str, new: tuple[str, ...]) -> ContentSummary:
    files = sum(tree.kind_of(at) == "file" for at in walked.values())
    return ContentSummary(kind="files", name=request.name, counts={"files": files}, beside=new, parent=os.path.dirname(root))  # noqa: PTH120


def _write_needle(folder: int, token: str) -> None:
    partial = f"{NEEDLE}.partial"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, 0o644)
        out.write(token)
        out.flush()
        os.fsync(descriptor)
    os.rename(partial, NEEDLE, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def _size(walked: Walked) -> int:
    return sum(min(at.st_size, at.st_blocks * 512) for at in walked.values() if tree.kind_of(at) == "file")


def _stream(request: CaptureRequest, root: HostPath, sink: ArtifactSink, total: int, ctx: StepContext) -> bool:
    """Feed tar's output to the sink; whether tar saw something change. Raises Failed, Stopped."""
    process = ctx.host(HostName(request.entry.host)).runner().start(tar.create(root, request.params.exclude), stdout=PIPE)
    assert process.stdout is not None
    done = 0
    with _ending(process):
        while block := process.stdout.read(BLOCK):
            ctx.check_stop()
            sink.write(block)
            done += len(block)
            ctx.progress(f"reading {request.name}", min(done, total), total, "bytes")
        code = process.wait()
    ctx.check_stop()
    if code not in (0, 1):
        raise Failed(
            f"file set '{request.name}' was not read whole (tar ended with exit code {code})",
            hint="run dr as a user who may read all of it, or exclude what may not be read",
        )
    return code == 1


@contextlib.contextmanager
def _ending(process: Process) -> Iterator[None]:
    """Whatever happens in the block, the process has ended when it is left."""
    try:
        yield
    except BaseException:
        process.kill()
        raise
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        process.wait()


def _fresh(place: HostPath, source: SourceName) -> HostPath:
    """The empty folder to unpack into, and the private ones above it. Raises Refused if there is something in it."""
    into = Path(place) / "site" / source
    into.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        into.mkdir(mode=0o700)
    except FileExistsError:
        raise Refused(f"{into} is there already", hint="a restore begins in a place that it has just claimed") from None
    return HostPath(str(into))


def _unpack(reader: ArtifactReader, host: WritableHost, argv: list[str], ctx: StepContext) -> int:
    """Feed the artifact to tar; its exit code. Raises Damaged (from the reader), Stopped."""
    process = host.runner().start(argv, stdin=PIPE)
    assert process.stdin is not None
    done, total = 0, reader.artifact.plain
    with _ending(process), reader.stream() as stream, contextlib.suppress(BrokenPipeError):
        while block := stream.read(BLOCK):
            ctx.check_stop()
            process.stdin.write(block)
            done += len(block)
            ctx.progress(f"unpacking {reader.artifact.source}", done, total, "bytes")
        process.stdin.close()
    ctx.check_stop()
    return process.wait()


def _findings(request: CaptureRequest, found: Listing, noisy: bool, ctx: StepContext) -> None:
    """Counts only: a file's name can name a client."""
    name = request.name
    count = len(found.changed) or int(noisy)
    prefix = f"files:{request.system}:{name}:"
    keep = []
    if count:
        keep.append(f"{prefix}changed")
        message = f"{count} files or folders of '{name}' changed while they were read; they are in the set, but prove nothing"
        ctx.finding(keep[0], "warning", message, system=request.system, hint="back up from a snapshot, or at a quieter time")
    if found.sockets:
        keep.append(f"{prefix}sockets")
        ctx.finding(keep[-1], "info", f"{len(found.sockets)} sockets of '{name}' are not backed up", system=request.system)
    ctx.records.close_findings(prefix, keep, ctx.clock.now(), ctx.run)


SOURCE = Files()
