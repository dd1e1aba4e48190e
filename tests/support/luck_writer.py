"""`python -m tests.support.luck_writer PLACE [POINT]`: write one set into PLACE/online and PLACE/vault, and print as JSON what came of it.

In a process of its own, so that its file system or its system calls can be made to fail. At the failpoint POINT its online disk is
filled to the last byte.
"""

import contextlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from dr.errors import DrError
from dr.model.backup import make_set_id
from dr.model.base import RepositoryName, RunId
from dr.repositories.directory import DirectoryRepository
from dr.stream.sets import StreamSets
from tests.support.stream_context import HMIS, NOW, StreamContext
from tests.support.stream_keys import TestKeys
from tests.support.stream_tars import filling, noise, tar_of

SET = make_set_id(NOW, "abcdef")
SITE = {f"client-{number:03}": noise(200_000, number) for number in range(6)}


@dataclass
class Filling(StreamContext):
    """Fills a disk when a point is reached."""

    point: str = ""
    disk: Path = Path()

    def failpoint(self, name: str) -> None:
        super().failpoint(name)
        if name == self.point:
            fill(self.disk)


def fill(disk: Path) -> None:
    """Until not one byte more goes in."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as out:
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while out.write(bytes(size)):
                    pass


def repository(place: Path, name: str) -> DirectoryRepository:
    made = DirectoryRepository(RepositoryName(name), name, place / name, organisation="Harbor")
    made.initialise("Harbor", f"id-{name}", NOW)
    return made


def main(place: Path, point: str = "") -> None:
    online, vault = repository(place, "online"), repository(place, "vault")
    ctx = Filling(point=point, disk=place / "online")
    sets = StreamSets("Harbor", TestKeys(), ctx.clock, {"dr": "test"})
    said: dict[str, object] = {"error": ""}
    try:
        written = sets.write(
            system=HMIS,
            set_id=SET,
            run=RunId("r"),
            created=NOW,
            to=[online, vault],
            needle=None,
            fill=filling({"site": tar_of(SITE)}),
            ctx=ctx.step,
        )
        said |= {"committed": sorted(written.committed), "failed": dict(written.failed)}
    except DrError as problem:
        said["error"] = str(problem)
    (place / "online" / "filler").unlink(missing_ok=True)
    there = [one for one in (online, vault) if one.sets(HMIS)]
    said["sets"] = [str(one.name) for one in there]
    said["damaged"] = [path for one in there for path in sets.verify_stored(HMIS, SET, one, ctx.step).damaged]
    said["partials"] = [path.name for path in place.rglob(".partial-*")]
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
