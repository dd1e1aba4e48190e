"""What lasts as long as people take, hours or days, is carried by a process of its own, which outlives the terminal that began it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dr.app.engines import FAILOVER, OUTAGE, place

LOG = "background.log"
"""In the folder of its engine: what it says."""
_TAIL = 2000
"""Characters of what it said last that a person is shown."""
_LOOK_EVERY = 0.1


class Living(Protocol):
    """What of a process is asked."""

    def poll(self) -> int | None: ...


@dataclass(frozen=True)
class Begun:
    """A process in the background. `said`: where in `log` its own words begin."""

    process: Living
    log: Path
    said: int = 0

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it lives."""
        return self.process.poll()

    def words(self) -> str:
        """The last of what it said."""
        with self.log.open("rb") as file:
            file.seek(self.said)
            return file.read().decode(errors="replace")[-_TAIL:].strip()


def begin(home: Path, kind: str, words: Sequence[str]) -> Begun:
    """`dr WORDS` on a home, away from this terminal: closing it, or a Ctrl-C in it, ends nothing. `kind`: of the runs that it carries."""
    log = place(home / "state", kind) / LOG
    log.parent.mkdir(mode=0o700, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DR_FAILPOINT")}
    with log.open("ab") as out:
        said = out.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "dr", "--home", str(home), *words],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=home,
            env=kept,
            start_new_session=True,
        )
    return Begun(process, log, said)


def logs(state: Path) -> list[Path]:
    """Where such processes of a home say what they say."""
    return [place(state, kind) / LOG for kind in (OUTAGE, FAILOVER)]


def pause() -> None:
    """Between two looks at how it goes."""
    time.sleep(_LOOK_EVERY)
