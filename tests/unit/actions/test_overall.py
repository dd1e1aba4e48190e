"""One number for a restore of several sources: it rises from nothing to all of it, whatever each of them counts in."""

from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.actions.overall import Overall
from dr.model.ports import StepContext

pytestmark = pytest.mark.unit


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.run = "drill-1"
        self.counts: list[tuple[str, int | None, int | None, str]] = []

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        self.counts.append((what, done, total, unit))


def test_two_sources_count_into_one_whole() -> None:
    """A database of 300 bytes that counts in its own size, then files that count in theirs; words alone move nothing."""
    told = Told()
    overall = Overall(cast("StepContext", told), 400)
    database = overall.share(300)
    database.progress("loading", 500, 1000, "bytes")
    database.progress("first statistics")
    overall.settle(300)
    files = overall.share(100)
    files.progress("unpacking", 25, 100, "bytes")
    assert told.counts == [
        ("loading", 150, 400, "bytes"),
        ("first statistics", 150, 400, "bytes"),
        ("unpacking", 325, 400, "bytes"),
    ]
    assert files.run == "drill-1", "all else is the step's own"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 1000)), max_size=12))
def test_it_never_falls_back_and_never_passes_the_whole(counts: list[tuple[int, int]]) -> None:
    """Even where a source counts past its own end, begins anew or has no end."""
    told = Told()
    overall = Overall(cast("StepContext", told), 500)
    share = overall.share(500)
    for done, total in counts:
        share.progress("x", done, total, "bytes")
    seen = [done or 0 for _, done, _, _ in told.counts]
    assert seen == sorted(seen)
    assert all(0 <= done <= 500 for done in seen)
