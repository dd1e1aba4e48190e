"""What the kinds share: a command that only reads, and its text."""

from collections.abc import Sequence
from dataclasses import dataclass

from dr.model.ports import Looking

PATIENCE = 20.0
"""Seconds for a command that looks at a device: a disk that hangs is not waited for."""
_ELSEWHERE = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""Where such programs are, which an ordinary user's own path often leaves out."""


@dataclass(frozen=True)
class Said:
    """A command's words, on either channel. They are judged, never shown as they are."""

    code: int
    out: str
    err: str

    @property
    def missing(self) -> bool:
        """Whether the file or device that it was asked for is not there."""
        return self.code != 0 and ("No such file or directory" in self.err or "No such device" in self.err)


def ask(argv: Sequence[str], at: Looking) -> Said:
    """Raises Unreachable where there is no such program, Stopped where it hangs."""
    done = at.runner.run(argv, check=False, timeout=PATIENCE, env=_ELSEWHERE)
    return Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
