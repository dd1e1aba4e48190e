"""How far a step is over several sources: what each says of itself, counted into the whole set's bytes.

So that a person, and the burn-down, see one number that rises from nothing to all of it, whatever a source counts in.
"""

import threading
from typing import Any, cast

from dr.model.ports import StepContext


class Overall:
    """The bytes of the whole, and how many of them are done with."""

    def __init__(self, ctx: StepContext, total: int) -> None:
        self._ctx, self._total = ctx, max(1, total)
        self._base, self._seen = 0, 0
        self._lock = threading.Lock()

    def share(self, size: int) -> StepContext:
        """A context whose progress counts as that many bytes of the whole; one at a time, and `settle` when it is done."""
        return cast("StepContext", _Share(self, self._ctx, size))

    def settle(self, size: int) -> None:
        with self._lock:
            self._base += size
            self._seen = max(self._seen, self._base)

    def say(self, what: str, part: float, size: int) -> None:
        """`part`: of the share, 0 to 1; it never falls back."""
        with self._lock:
            self._seen = min(self._total, max(self._seen, self._base + int(min(1.0, part) * size)))
            done = self._seen
        self._ctx.progress(what, done, self._total, "bytes")


class _Share:
    """The step's own context but for `progress`."""

    def __init__(self, overall: Overall, ctx: StepContext, size: int) -> None:
        self._overall, self._ctx, self._size = overall, ctx, size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ctx, name)

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        counted = done is not None and bool(total) and unit == "bytes"
        self._overall.say(what, done / total if counted and done is not None and total else 0.0, self._size)
