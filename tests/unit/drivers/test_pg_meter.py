"""How far a restore of databases is: reading and loading both count, looked at every two seconds, and never backwards."""

import io
from typing import cast

import pytest

from dr.errors import Stopped
from dr.model.ports import StepContext
from dr.sources.postgres_meter import EVERY, Meter

pytestmark = pytest.mark.unit


class Stage:
    """A step's context, and the time."""

    def __init__(self) -> None:
        self.at, self.stopped = 0.0, False
        self.counts: list[tuple[str, int | None, int | None]] = []

    def progress(self, what: str, done: int | None = None, total: int | None = None, unit: str = "") -> None:
        assert unit == "bytes"
        self.counts.append((what, done, total))

    def check_stop(self) -> None:
        if self.stopped:
            raise Stopped("told to stop")

    def meter(self) -> Meter:
        return Meter(cast("StepContext", self), {"hmis": (100, 300), "postgres": (10, 90)}, now=lambda: self.at)


def test_what_is_read_and_what_has_grown_count_against_both() -> None:
    stage = Stage()
    meter = stage.meter()
    stream = meter.reading("hmis", "hmis", io.BytesIO(bytes(100)))
    stream.read(10)
    stage.at += EVERY
    stream.read(30)
    watch = meter.loading("hmis", "hmis", lambda: 5_000)
    watch()
    stage.at += EVERY
    watch()
    meter.loaded("hmis")
    last = meter.loading("postgres", "postgres", lambda: None)
    stage.at += EVERY
    last()
    assert stage.counts == [
        ("reading hmis", 40, 500),
        ("loading hmis", 400, 500),
        ("loading postgres", 410, 500),
    ]


def test_a_watch_still_ends_a_load_that_is_told_to_stop() -> None:
    """The loader's program is ended by what its watch raises."""
    stage = Stage()
    watch = stage.meter().loading("hmis", "hmis", lambda: 1)
    stage.stopped = True
    with pytest.raises(Stopped):
        watch()
