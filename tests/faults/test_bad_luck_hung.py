"""A repository that hangs without an error: it costs its own copy, never the other tier's, and never a night without an end."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr.errors import Failed, Unreachable
from dr.model.backup import make_set_id
from dr.model.base import RepositoryName, RunId
from dr.model.ports import Repository, SetWriter, Written
from dr.repositories.directory import DirectoryRepository
from dr.stream.layout import MANIFEST
from dr.stream.patience import Patience, PatientRepository
from dr.stream.sets import StreamSets
from tests.support.patience import LONG
from tests.support.stream_context import HMIS, NOW, StreamContext
from tests.support.stream_keys import TestKeys
from tests.support.stream_memory import MemoryRepository
from tests.support.stream_tars import noise, tar_of

pytestmark = pytest.mark.fault

SET = make_set_id(NOW, "abcdef")
SHORT = 0.3
SILENT = "repository 'vault' has not answered for 300 ms"
PARTS = {f"client-{number:03}": noise(400_000, number) for number in range(60)}


class Stuck:
    """A vault whose calls of one kind hang until they are let go."""

    def __init__(self, at: str, path: str = "") -> None:
        self.vault = MemoryRepository(RepositoryName("vault"), "vault", organisation="Harbor")
        self.vault.initialise("Harbor", "id-vault", NOW)
        self.vault.fails = self._hang
        self._at, self._path = at, path
        self.go_on = threading.Event()
        self.asked = 0

    def _hang(self, what: str, path: str) -> bool:
        if what == self._at and self._path in path:
            self.asked += 1
            self.go_on.wait(LONG)
        return False

    def patient(self, seconds: float = SHORT) -> PatientRepository:
        return PatientRepository(self.vault, Patience(self.vault.name, seconds))


@pytest.fixture
def online(tmp_path: Path) -> DirectoryRepository:
    made = DirectoryRepository(RepositoryName("online"), "online", tmp_path / "online", organisation="Harbor")
    made.initialise("Harbor", "id-online", NOW)
    return made


@pytest.fixture
def sets() -> StreamSets:
    return StreamSets("Harbor", TestKeys(), StreamContext().clock, {"dr": "test"})


@pytest.fixture
def stuck(request: pytest.FixtureRequest) -> Iterator[Stuck]:
    made = Stuck(*getattr(request, "param", ("put",)))
    yield made
    made.go_on.set()


def write(sets: StreamSets, *to: Repository) -> Written:
    def fill(into: SetWriter) -> None:
        with into.artifact("site", kind="files", source="site") as sink:  # type: ignore[arg-type]
            sink.write(tar_of(PARTS))
            sink.describe(instant=NOW, identity={}, content={})

    step = StreamContext().step
    return sets.write(system=HMIS, set_id=SET, run=RunId("nightly-1"), created=NOW, to=to, needle=None, fill=fill, ctx=step)


HANGS = [("begin", ""), ("put", "site/000000"), ("put", "site/000001"), ("put", "index"), ("commit", "")]


@pytest.mark.parametrize("stuck", HANGS, indirect=True, ids=[" ".join(one).strip() for one in HANGS])
@pytest.mark.parametrize("vault_first", [False, True], ids=["online first", "vault first"])
def test_a_vault_that_hangs_costs_its_own_copy_only(stuck: Stuck, online: DirectoryRepository, sets: StreamSets, vault_first: bool) -> None:
    """The online copy is committed and whole within seconds; the vault's is named as missing, with why."""
    began = time.monotonic()
    written = write(sets, *((stuck.patient(), online) if vault_first else (online, stuck.patient())))
    assert time.monotonic() - began < 10
    assert (list(written.committed), dict(written.failed)) == (["online"], {"vault": SILENT})
    assert sets.verify_stored(HMIS, SET, online, StreamContext().step).damaged == ()
    assert not stuck.vault.stored, "nothing half-published"


def test_where_every_repository_hangs_the_backup_fails_and_says_so(stuck: Stuck, sets: StreamSets) -> None:
    with pytest.raises(Failed) as problem:
        write(sets, stuck.patient())
    assert problem.value.message.startswith("no repository takes the set: repository 'vault' ")


def test_while_it_hangs_nobody_waits_again_and_when_it_answers_it_is_back(stuck: Stuck) -> None:
    """One stuck thread, not one an attempt."""
    vault = stuck.patient()
    upload = vault.begin(HMIS, SET)
    took = []
    for _ in range(4):
        began = time.monotonic()
        with pytest.raises(Unreachable) as problem:
            upload.put("site/000000.zst.age", b"x")
        assert str(problem.value) == f"{SILENT}\n   HINT: is its disk or its network connection stuck?"
        took.append(time.monotonic() - began)
    assert (stuck.asked, took[0] >= SHORT) == (1, True)
    assert min(took) < SHORT, "who waits again waits at least so long every time"
    assert vault.free() is None
    stuck.go_on.set()
    until = time.monotonic() + LONG
    while True:
        try:
            assert vault.sets() == []
            return
        except Unreachable:
            assert time.monotonic() < until, "it never came back"
            time.sleep(0.01)


def test_a_lock_that_is_got_too_late_is_given_back(online: DirectoryRepository) -> None:
    """Who gave up does not lock everybody else out by what its thread gets in the end."""
    patient = PatientRepository(online, Patience(online.name, 0.2))
    with online.locked(), pytest.raises(Unreachable, match="has not answered for 200 ms"), patient.locked():
        raise AssertionError("two are inside")
    online.lock_wait = 5
    with online.locked():
        pass


def test_a_read_that_hangs_ends_too(online: DirectoryRepository, sets: StreamSets) -> None:
    """Reading back is bounded as writing is, and what is silent is not called damaged."""
    write(sets, online)
    copied = Stuck("open", MANIFEST)
    write(sets, copied.vault)
    with pytest.raises(Unreachable) as problem:
        sets.verify_stored(HMIS, SET, copied.patient(), StreamContext().step)
    assert problem.value.message == SILENT
    copied.go_on.set()


@pytest.mark.positive_control
def test_without_patience_the_online_copy_waits_for_the_vault(stuck: Stuck, online: DirectoryRepository, sets: StreamSets) -> None:
    """The twin: the same vault, opened without the guard."""
    night = threading.Thread(target=write, args=(sets, online, stuck.vault))
    night.start()
    night.join(4 * SHORT)
    assert night.is_alive()
    assert online.sets() == []
    stuck.go_on.set()
    night.join()
    assert online.sets() == [(HMIS, SET)]
