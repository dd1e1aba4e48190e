"""What every kind of source promises. A new kind: a case in tests/support/pg_source_cases.py and a line in its `CASES`."""

import contextlib
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from dr.errors import Damaged, Failed, Refused, Stopped
from dr.model.base import JsonObject
from dr.model.ports import ArtifactReader, WritableHost
from dr.plugins import SOURCES
from dr.stream.cut import TarCutter
from tests.support.pg_source_cases import CASES, Make, SourceCase
from tests.support.pg_world import MemoryReader, MemorySet, MemorySink

pytestmark = [pytest.mark.contract, pytest.mark.integration]
NEEDLE = '{"set": "20261122T070000Z-7f3a9c", "signature": "00"}'


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SourceCase]:
    make = cast("Make", request.param)
    with make(Path(tmp_path_factory.mktemp("source"))) as made:
        yield made


@pytest.fixture(scope="module")
def kept(case: SourceCase) -> MemorySet:
    """Captured once, with its needle planted."""
    case.source.plant(case.request(NEEDLE), case.step.as_context())
    written = MemorySet()
    case.source.capture(case.request(NEEDLE), written.as_writer(), case.step.as_context())
    return written


@pytest.fixture(scope="module")
def loaded(case: SourceCase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WritableHost]:
    with case.standby(Path(tmp_path_factory.mktemp("standby"))) as host:
        yield host


@pytest.fixture(scope="module")
def restored(case: SourceCase, kept: MemorySet, loaded: WritableHost) -> JsonObject:
    return case.source.restore(kept.readers(), loaded, case.step.as_context())


def test_every_registered_source_is_held_to_this() -> None:
    """A kind that is not in the suite has promised nothing."""
    assert {case.id for case in CASES} == set(SOURCES)


def test_artifacts_are_named_after_the_source_and_nothing_else(case: SourceCase, kept: MemorySet) -> None:
    """Names lie in clear in every repository: they say the source and a number, or a fixed word."""
    request = case.request(None)
    assert kept.whole and not kept.void
    for name, (sink, kind, source) in kept.whole.items():
        assert re.fullmatch(rf"{request.name}-(\d\d+|globals)", name)
        assert (kind, source) == (case.source.kind, request.name)
        assert all(isinstance(value, str) for value in sink.described["identity"].values())


def test_an_artifacts_instant_is_never_later_than_what_it_shows(kept: MemorySet) -> None:
    """RPO is counted from it: aware, UTC, in the past."""
    for sink, _, _ in kept.whole.values():
        assert sink.described["instant"].utcoffset() is not None
        assert sink.described["instant"] <= datetime.now(UTC)


def test_an_artifact_is_a_whole_tar_stream(kept: MemorySet) -> None:
    """So that standard tools restore it; the format's own cutter takes it to the end."""
    for sink, _, _ in kept.whole.values():
        cutter = TarCutter()
        parts = [bytes(part) for part in cutter.feed(bytes(sink.data))] + [bytes(part) for part in cutter.finish()]
        assert b"".join(parts) == bytes(sink.data)


def test_what_was_captured_comes_back_equal(case: SourceCase, restored: JsonObject) -> None:
    """The first thing a backup is for."""
    assert case.content(restored) == case.content(None)


def test_nothing_is_loaded_over_what_is_there(case: SourceCase, kept: MemorySet, loaded: WritableHost, restored: JsonObject) -> None:
    """A place that holds something was not freshly claimed."""
    with pytest.raises(Refused):
        case.source.restore(kept.readers(), loaded, case.step.as_context())
    assert case.content(restored) == case.content(None)


def test_the_needle_travels(case: SourceCase, restored: JsonObject) -> None:
    """Planted before the capture, so it is in it: proof of which night this is."""
    assert case.needles(restored) == [NEEDLE]


def test_a_stopped_step_leaves_no_artifact(case: SourceCase) -> None:
    """A cancelled backup publishes nothing and leaves nothing in the clear."""
    written = MemorySet()
    case.step.stop.set()
    try:
        with pytest.raises(Stopped):
            case.source.capture(case.request(None), written.as_writer(), case.step.as_context())
    finally:
        case.step.stop.clear()
    assert written.whole == {}
    assert not any(folder.exists() for folder in case.step.staged)


class FullSink(MemorySink):
    def write(self, data: bytes | memoryview) -> None:
        raise Failed("every repository is full")


class FullSet(MemorySet):
    """Takes the first bytes and no more."""

    @contextlib.contextmanager
    def artifact(self, name: str, **words: Any) -> Iterator[MemorySink]:
        with super().artifact(name, **words) as sink:
            sink.__class__ = FullSink
            yield sink


def test_a_failing_repository_ends_the_capture(case: SourceCase) -> None:
    """The error is the repository's own, the artifact is void, staging is empty."""
    written = FullSet()
    with pytest.raises(Failed, match="every repository is full"):
        case.source.capture(case.request(None), written.as_writer(), case.step.as_context())
    assert written.whole == {} and len(written.void) == 1
    assert not any(folder.exists() for folder in case.step.staged)


def test_a_stream_that_ends_early_is_damage(case: SourceCase, kept: MemorySet, tmp_path: Path) -> None:
    """A restore of half an artifact is never taken for a whole one."""
    readers = [cast("ArtifactReader", _halved(cast("MemoryReader", reader))) for reader in kept.readers()]
    with case.standby(tmp_path) as host, pytest.raises((Damaged, Failed)):
        case.source.restore(readers, host, case.step.as_context())


def _halved(reader: MemoryReader) -> MemoryReader:
    return MemoryReader(reader.artifact, reader.index, io.BytesIO(reader.data).read(len(reader.data) // 3))


def test_production_is_recognised_by_what_was_read(case: SourceCase, kept: MemorySet) -> None:
    """The guard needs facts of the host that the entry names."""
    request = case.request(None)
    facts = case.source.capture(request, MemorySet().as_writer(), case.step.as_context())
    assert facts and {one.host for one in facts} == {request.entry.host}
    assert all(one.data_directory or one.paths for one in facts)


def test_unknown_parameters_are_refused(case: SourceCase) -> None:
    """A mistyped key is an error in the inventory, not a silent default."""
    with pytest.raises(ValidationError):
        case.source.params.from_facts({"no-such-parameter": 1})
