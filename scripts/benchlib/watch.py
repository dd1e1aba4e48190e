"""A command's wall-clock time, and the memory of its own processes while it ran."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

INTERVAL = 0.1
"""Seconds between two weighings; the kernel's own high-water mark of the biggest process closes the gaps."""
_KIB = 1024
Result = TypeVar("Result")


@dataclass(frozen=True)
class Watched:
    """`memory`: the highest sum of the proportional set sizes (PSS) of its own processes at one moment, in bytes; `resident`: the biggest
    of those processes' high-water mark (VmHWM)."""

    seconds: float
    memory: int
    resident: int


class Failed(Exception):
    """A command that is measured did not do its work: then there is nothing to measure."""


def run(argv: Sequence[str], env: Mapping[str, str], *, foreign: Sequence[Path] = (), expect: Sequence[int] = (0,)) -> Watched:
    """Run it to its end. Not its own: processes whose program lies in one of the `foreign` folders.

    Raises Failed, with what it printed, for an exit code that is none of `expect`.
    """
    begun = time.monotonic()
    process = subprocess.Popen(list(argv), env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with _weighing(process.pid, foreign) as scales:
        said, _ = process.communicate()
    took = time.monotonic() - begun
    if process.returncode not in expect:
        raise Failed(f"{' '.join(argv)} ended with {process.returncode}:\n{said}")
    return Watched(took, scales.memory, scales.resident)


def timed(act: Callable[[], Result]) -> tuple[float, Result]:
    begun = time.monotonic()
    result = act()
    return time.monotonic() - begun, result


@dataclass
class _Scales:
    root: int
    foreign: tuple[str, ...]
    memory: int = 0
    resident: int = 0

    def weigh(self) -> None:
        own = [pid for pid in _tree(self.root) if not self._is_foreign(pid)]
        self.memory = max(self.memory, sum(_field(pid, "smaps_rollup", "Pss:") for pid in own))
        self.resident = max([self.resident, *(_field(pid, "status", "VmHWM:") for pid in own)])

    def _is_foreign(self, pid: int) -> bool:
        try:
            return os.path.realpath(f"/proc/{pid}/exe").startswith(self.foreign)
        except OSError:
            return True


@contextmanager
def _weighing(root: int, foreign: Sequence[Path]) -> Iterator[_Scales]:
    scales, over = _Scales(root, tuple(f"{path.resolve()}/" for path in foreign)), threading.Event()

    def work() -> None:
        while not over.wait(INTERVAL):
            scales.weigh()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield scales
    finally:
        over.set()
        thread.join()


def _tree(root: int) -> Iterator[int]:
    yield root
    try:
        threads = list(Path(f"/proc/{root}/task").iterdir())
        children = [pid for one in threads for pid in (one / "children").read_text(encoding="ascii").split()]
    except OSError:  # it ended meanwhile
        return
    for child in children:
        yield from _tree(int(child))


def _field(pid: int, file: str, name: str) -> int:
    """Bytes; 0 of a process that ended meanwhile."""
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * _KIB for line in lines if line.startswith(name)), 0)
