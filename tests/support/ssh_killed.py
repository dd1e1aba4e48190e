"""A controller in a process of its own, to be killed while it restores or proves: `python -m tests.support.ssh_killed FILE`."""

import pickle
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dr import plugins
from dr.model.base import StepId
from dr.model.ports import HostRequest
from dr.sources.postgres_logical import SOURCE
from tests.support.host_world import STANDBY, World
from tests.support.pg_world import SET, MemoryReader
from tests.support.ssh_drill import Captured, DrillStep
from tests.support.ssh_hosts import request_of, writable

MIDDLE = "in the middle"
CHECK = plugins.CHECKS["content-equals-source"]


@dataclass
class Work:
    """What the other process is to do: everything that a request is made of, since that itself holds what cannot be carried."""

    home: str
    port: int
    params: dict[str, Any]
    production: Sequence[Any]
    readers: tuple[MemoryReader, ...]
    step: str | None = None
    """For which the standby is opened, where its work is to outlive us; `prove` proves what was restored before."""
    moment: str = "bytes"
    """What is in the middle."""


def work_of(world: World, request: HostRequest, system: Captured, step: str | None = None, moment: str = "bytes") -> bytes:
    return pickle.dumps(Work(str(world.home), world.port, request.params.to_facts(), world.production, system.readers, step, moment))


def main() -> None:
    work: Work = pickle.loads(Path(sys.argv[1]).read_bytes())
    world = World(Path(work.home), port=work.port, production=list(work.production))

    def middle() -> None:
        print(MIDDLE, flush=True)
        time.sleep(3600)

    step = DrillStep({work.moment: middle})
    request = request_of(world, STANDBY, work.params)
    if work.step is not None:
        request = replace(request, step=StepId(work.step), stop=step.stop)
    with writable(request, world.standing()) as handle:
        if work.step == "prove":
            handle.prove(CHECK, CHECK.params(), Captured(work.readers).restored(handle), step.as_context())
        else:
            handle.claim(SET)
            handle.bring(SOURCE, Captured(work.readers).handed(step), step.as_context())


if __name__ == "__main__":
    main()
