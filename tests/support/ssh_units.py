"""Steps whose work on a standby outlives its link, as tests ask for them; the process that works there; and how often bytes were sent."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from dr.model.base import StepId
from dr.model.ports import ArtifactReader, HostRequest
from tests.support.ssh_drill import Drill, until

LOST = "the link to host 'standby' is lost; the work there goes on, and it is sought again"
BACK = "the link to host 'standby' is back, and the work there was taken up where it is"


def asked(drill: Drill, step: str, **login: object) -> HostRequest:
    """As the engine asks for a host: for a step, that may be told to stop."""
    request = drill.request
    params = request.params.model_copy(update=login) if login else request.params
    return replace(request, params=params, step=StepId(step), stop=threading.Event())


def unit(drill: Drill) -> int:
    """The process of the one that works there. Whoever handed it its streams is an orphan too, for a moment, where the line was lost."""
    until(lambda: len(_orphans(drill)) == 1, "there is not one unit")
    return _orphans(drill)[0]


def _orphans(drill: Drill) -> list[int]:
    there = drill.there.processes()
    return [pid for pid in there if b"dr\0agent" in words(pid) and parent(pid) not in there]


def words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@dataclass
class Counted:
    """How often each artifact was asked for."""

    opened: list[str] = field(default_factory=list)

    def of(self, readers: Sequence[ArtifactReader]) -> list[ArtifactReader]:
        return [_Reader(one, self) for one in readers]  # type: ignore[misc]


@dataclass
class _Reader:
    reader: ArtifactReader
    counted: Counted

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    @contextmanager
    def stream(self) -> Iterator[object]:
        self.counted.opened.append(self.reader.artifact.name)
        with self.reader.stream() as stream:
            yield stream
