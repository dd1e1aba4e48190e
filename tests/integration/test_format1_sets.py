"""Sets of format 1, from tar stream to stored bytes in two repositories and back."""

import hashlib
import os
import shutil
import signal
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dr.errors import Damaged, DrError, Failed, Refused, Stopped
from dr.model.backup import make_set_id
from dr.model.base import RepositoryName, RunId, SetId, canonical
from dr.model.ports import Repository, SetWriter, Written
from dr.repositories.directory import DirectoryRepository
from dr.stream.layout import write_signature
from dr.stream.sets import StreamSets
from tests.support.stream_context import HMIS, NOW, Killed, StreamContext
from tests.support.stream_keys import TestKeys
from tests.support.stream_memory import MemoryRepository
from tests.support.stream_tars import contents, filling, noise, tar_of

pytestmark = pytest.mark.integration

TIERS = {"online": "online", "vault": "vault"}
SITE = {f"client-{number:03}": noise(200_000, number) for number in range(40)}
"""Enough for a few gathered parts."""
BIG = {"table.dat": noise(20 * 2**20, 99)}


@dataclass
class World:
    """Two directory repositories, one context, one set of keys."""

    place: Path
    keys: TestKeys = field(default_factory=TestKeys)
    ctx: StreamContext = field(default_factory=StreamContext)

    def __post_init__(self) -> None:
        self.sets = StreamSets("Harbor", self.keys, self.ctx.clock, {"dr": "test"})
        self.online, self.vault = self.directory("online"), self.directory("vault")

    def directory(self, name: str) -> DirectoryRepository:
        made = DirectoryRepository(RepositoryName(name), name, self.place / name, organisation="Harbor")
        made.initialise("Harbor", f"id-{name}", NOW)
        return made

    def memory(self, name: str) -> MemoryRepository:
        made = MemoryRepository(RepositoryName(name), name, organisation="Harbor")
        made.initialise("Harbor", f"id-{name}", NOW)
        return made

    def id(self) -> SetId:
        return make_set_id(self.ctx.clock.now(), "abcdef")

    def write(self, tars: Mapping[str, bytes], *to: Repository, kind: str = "files") -> Written:
        return self.sets.write(
            system=HMIS,
            set_id=self.id(),
            run=RunId("nightly-1"),
            created=self.ctx.clock.now(),
            to=to or (self.online, self.vault),
            needle="needle",
            fill=filling(tars, kind=kind),
            ctx=self.ctx.step,
        )

    def night(self, tars: Mapping[str, bytes], *to: Repository) -> Written:
        """What a nightly does: write, record, read back; and a day passes."""
        written = self.write(tars, *to)
        self.ctx.records.committed(written, TIERS)
        for repository in to or (self.online, self.vault):
            if repository.name in written.committed:
                assert not self.damage(repository, written.manifest.set)
                self.ctx.records.read_back(self.ctx.clock.now(), repository.name)
        self.ctx.later(days=1)
        return written

    def damage(self, repository: Repository, set_id: SetId) -> list[str]:
        return list(self.sets.verify_stored(HMIS, set_id, repository, self.ctx.step).damaged)

    def read(self, repository: Repository, set_id: SetId) -> dict[str, bytes]:
        found = {}
        for artifact in self.sets.open(HMIS, set_id, repository).artifacts():
            with artifact.stream() as stream:
                found[artifact.artifact.name] = stream.read()
        return found

    def folder(self, name: str, set_id: SetId) -> Path:
        return self.place / name / "sets" / "hmis" / set_id


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def stored_bytes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_what_went_in_comes_out_of_every_copy(world: World) -> None:
    """And the copies are the same, byte for byte, manifest and all."""
    tars = {"site-00": tar_of(SITE), "hmis-00": tar_of(BIG)}
    written = world.write(tars)
    assert written.failed == {}
    assert set(written.committed) == {"online", "vault"}
    for repository in (world.online, world.vault):
        assert world.read(repository, written.manifest.set) == tars
        assert world.damage(repository, written.manifest.set) == []
    online, vault = (stored_bytes(world.folder(name, written.manifest.set)) for name in TIERS)
    assert online == vault
    assert written.manifest_sha256 == online["manifest.json"]
    assert {"index.zst.age", "RESTORE.md", "manifest.sig", "audit-head.json", "hmis-00/000000.zst.age"} < set(online)


def test_a_backup_host_verifies_but_cannot_read_its_own_backups(tmp_path: Path) -> None:
    """`intact` needs no private key."""
    world = World(tmp_path, keys=TestKeys(can_read=False))
    written = world.write({"site": tar_of(SITE)})
    assert world.damage(world.online, written.manifest.set) == []
    with pytest.raises(Refused):
        world.sets.open(HMIS, written.manifest.set, world.online)


def test_no_name_of_a_file_is_in_the_clear(world: World) -> None:
    """A site's file names can name a client."""
    written = world.write({"site": tar_of({"Jane-Doe.pdf": b"referral"})})
    for path in world.folder("online", written.manifest.set).rglob("*"):
        assert not path.is_file() or b"Jane" not in path.read_bytes()


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        world = World(tmp_path)
        written = world.write({"site": tar_of(SITE)})
        with world.online.locked():
            pass
    finally:
        os.umask(before)
    assert written.committed
    for path in (tmp_path / "online").rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path


# ---------------------------------------------------------------- fan-out


def test_a_failing_repository_fails_no_other(world: World) -> None:
    """The missing copy is said, and made later from the good one."""
    vault = world.memory("vault")
    vault.fails = lambda what, path: what == "put" and path.endswith("000001.zst.age")
    written = world.write({"site": tar_of(SITE)}, vault, world.online)
    assert set(written.committed) == {"online"}
    assert written.failed == {"vault": "repository 'vault' cannot put"}
    assert {part.repository for part in written.parts} == {"online"}
    assert vault.sets() == []
    assert vault.partial == {}
    vault.fails = lambda what, path: False
    world.sets.copy(HMIS, written.manifest.set, world.online, vault, world.ctx.step)
    assert world.read(vault, written.manifest.set) == {"site": tar_of(SITE)}


@pytest.mark.parametrize("what", ["begin", "commit"])
def test_a_repository_may_fail_early_or_late(world: World, what: str) -> None:
    vault = world.memory("vault")
    vault.fails = lambda did, path: did == what
    written = world.write({"site": tar_of(SITE)}, vault, world.online)
    assert set(written.committed) == {"online"}
    assert written.failed == {"vault": f"repository 'vault' cannot {what}"}


def test_it_fails_only_when_every_repository_does(world: World) -> None:
    online, vault = world.memory("online"), world.memory("vault")
    for repository, point in ((online, "put"), (vault, "commit")):
        repository.fails = lambda what, path, point=point: what == point  # type: ignore[misc]
    with pytest.raises(Failed) as problem:
        world.write({"site": tar_of(SITE)}, online, vault)
    assert problem.value.message == "no repository takes the set: repository 'online' cannot put; repository 'vault' cannot commit"
    assert online.sets() == vault.sets() == []


def test_a_source_that_fails_leaves_no_set(world: World) -> None:
    """Neither one that raises, nor one that hides its failure, nor one that never described what it wrote."""

    def hides(into: SetWriter) -> None:
        try:
            filling({"site": tar_of(SITE)[:-20_000]})(into)
        except Failed:
            filling({"other": tar_of(SITE)})(into)

    def describes_nothing(into: SetWriter) -> None:
        with into.artifact("site", kind="files", source="site") as sink:  # type: ignore[arg-type]
            sink.write(tar_of(SITE))

    for fill in (filling({"site": b"not a tar" * 5000}), hides, describes_nothing, lambda into: None):
        with pytest.raises(Failed):
            world.sets.write(
                system=HMIS,
                set_id=world.id(),
                run=RunId("r"),
                created=NOW,
                to=[world.online],
                needle=None,
                fill=fill,
                ctx=world.ctx.step,
            )
        assert world.online.sets() == []
        assert list((world.place / "online/sets/hmis").iterdir()) == []


def test_a_stopped_step_leaves_no_set_and_no_partial(world: World) -> None:
    world.ctx.stop_after = 20
    with pytest.raises(Stopped):
        world.write({"site": tar_of(SITE)})
    assert world.online.sets() == world.vault.sets() == []
    assert list((world.place / "online/sets/hmis").iterdir()) == []


# ---------------------------------------------------------------- killed and repeated


def test_failpoints_come_where_they_are_declared(world: World) -> None:
    written = world.write({"site": tar_of(SITE)})
    count = len(written.manifest.artifacts[0].parts)
    assert count > 1
    assert world.ctx.hits == ["after-part"] * count + ["before-manifest", "between-commits"]


def test_killed_between_two_commits_it_completes_the_set_without_reading_again(world: World) -> None:
    """Promise 1: the copy that is there is the set; it is neither lost nor made twice."""
    world.ctx.die_at = ("between-commits", 1)
    with pytest.raises(Killed):
        world.write({"site": tar_of(SITE)})
    assert len(world.online.sets()) == 1
    assert world.vault.sets() == []
    world.ctx.die_at = None
    again = world.write({"site": tar_of({"another": b"night"})})
    assert again.failed == {}
    assert stored_bytes(world.folder("online", world.id())) == stored_bytes(world.folder("vault", world.id()))
    assert world.read(world.vault, world.id()) == {"site": tar_of(SITE)}
    assert {part.repository for part in again.parts} == {"online", "vault"}


def test_killed_before_the_manifest_nothing_is_there_and_it_starts_anew(world: World) -> None:
    world.ctx.die_at = ("before-manifest", 1)
    with pytest.raises(Killed):
        world.write({"site": tar_of(SITE)})
    assert world.online.sets() == world.vault.sets() == []
    assert world.ctx.records.known == []
    world.ctx.die_at = None
    assert world.write({"site": tar_of(SITE)}).failed == {}


@pytest.mark.fault
@pytest.mark.parametrize("point", ["after-part", "before-manifest", "between-commits"])
def test_killed_by_the_system_at_any_failpoint_it_ends_as_if_it_had_not_been(world: World, point: str) -> None:
    """Promise 1, with SIGKILL: what it leaves is invisible, and the next attempt makes the set once, whole, in both places."""
    child = os.fork()
    if not child:
        world.ctx.failpoint = lambda name: os.kill(os.getpid(), signal.SIGKILL) if name == point else None  # type: ignore[method-assign]
        world.write({"site": tar_of(SITE)})
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    there = {"online": 1, "vault": 0} if point == "between-commits" else {"online": 0, "vault": 0}
    assert {one.name: len(one.sets()) for one in (world.online, world.vault)} == there
    written = world.write({"site": tar_of(SITE)})
    for repository in (world.online, world.vault):
        assert repository.sets() == [(HMIS, written.manifest.set)]
        assert world.read(repository, written.manifest.set) == {"site": tar_of(SITE)}
        assert world.damage(repository, written.manifest.set) == []
        assert repository.sweep(NOW + timedelta(days=9)) == []
        assert [path.name for path in (world.place / repository.name / "sets/hmis").iterdir()] == [written.manifest.set]


def test_repeating_a_finished_write_changes_nothing(world: World) -> None:
    first = world.write({"site": tar_of(SITE)})
    before = stored_bytes(world.place)
    second = world.write({"site": tar_of({"another": b"night"})})
    assert stored_bytes(world.place) == before
    assert (second.manifest, second.manifest_sha256) == (first.manifest, first.manifest_sha256)
    assert sorted(second.parts, key=str) == sorted(first.parts, key=str)


# ---------------------------------------------------------------- the chain


def test_each_set_names_the_one_before(world: World) -> None:
    """By which a rollback is noticed."""
    first = world.night({"site": tar_of(SITE)})
    second = world.night({"site": tar_of(SITE)})
    assert first.manifest.previous is None
    assert second.manifest.previous is not None
    assert (second.manifest.previous.set, second.manifest.previous.manifest) == (first.manifest.set, first.manifest_sha256)


# ---------------------------------------------------------------- reuse


def linked(world: World, name: str, first: Written, second: Written) -> set[str]:
    """Parts of the second set whose bytes on disk are also the first's."""
    inodes = {path.stat().st_ino for path in world.folder(name, first.manifest.set).rglob("*.age")}
    folder = world.folder(name, second.manifest.set)
    return {str(path.relative_to(folder)) for path in folder.rglob("*.age") if path.stat().st_ino in inodes}


def test_unchanged_parts_are_linked_and_changed_ones_written(world: World) -> None:
    """Full sets at incremental cost; and they read back as what they are."""
    first = world.night({"site": tar_of(SITE)})
    changed = {**SITE, "client-039": noise(200_000, 1000)}
    second = world.night({"site": tar_of(changed)})
    parts = len(second.manifest.artifacts[0].parts)
    for name in TIERS:
        assert 1 <= len(linked(world, name, first, second)) < parts
    assert second.reused > 0
    assert world.read(world.vault, second.manifest.set) == {"site": tar_of(changed)}
    assert stored_bytes(world.folder("online", second.manifest.set)) == stored_bytes(world.folder("vault", second.manifest.set))


def nights(world: World, then: datetime | None) -> int:
    """Links of a second night whose parts were last read back at `then`."""
    first = world.night({"site": tar_of(SITE)}, world.online)
    world.ctx.records.known = [part.model_copy(update={"read_back": then}) for part in world.ctx.records.known]
    return len(linked(world, "online", first, world.night({"site": tar_of(SITE)}, world.online)))


def test_what_was_not_read_back_lately_is_written_again(world: World) -> None:
    """One bad sector must not be every night's."""
    assert nights(world, None) == 0


def test_what_was_read_back_too_long_ago_is_written_again(world: World) -> None:
    assert nights(world, NOW + timedelta(days=1) - timedelta(days=7, seconds=1)) == 0


@pytest.mark.positive_control
def test_what_was_read_back_just_in_time_is_linked(world: World) -> None:
    assert nights(world, NOW + timedelta(days=1) - timedelta(days=7)) > 0


def test_a_clock_ahead_vouches_for_nothing(world: World) -> None:
    assert nights(world, NOW + timedelta(days=2)) == 0


def test_a_part_is_written_afresh_on_its_fourteenth_night(world: World) -> None:
    """However often it was read back."""
    sets = [world.night({"site": tar_of({"a": b"1"})}, world.online) for _ in range(16)]
    inodes = [(world.folder("online", one.manifest.set) / "site/000000.zst.age").stat().st_ino for one in sets]
    assert [inodes.count(inode) for inode in dict.fromkeys(inodes)] == [14, 2]
    assert sets[13].parts[0].origin == sets[0].manifest.set
    assert sets[14].parts[0].origin == sets[14].manifest.set


def test_other_recipients_mean_other_parts(world: World) -> None:
    """A key that was withdrawn opens no new set."""
    first = world.night({"site": tar_of(SITE)})
    world.keys.recipients = (*world.keys.recipients[:1], str(TestKeys().recipients[0]))
    assert linked(world, "online", first, world.night({"site": tar_of(SITE)})) == set()


def test_a_repository_that_missed_a_night_gets_the_others_bytes(world: World) -> None:
    """Reusable in one, written in the other: the copies stay identical."""
    first = world.night({"site": tar_of(SITE)}, world.online)
    second = world.night({"site": tar_of(SITE)})
    assert linked(world, "online", first, second)
    assert stored_bytes(world.folder("online", second.manifest.set)) == stored_bytes(world.folder("vault", second.manifest.set))
    assert {part.origin for part in second.parts if part.repository == "vault"} == {second.manifest.set}
    assert {part.origin for part in second.parts if part.repository == "online"} == {first.manifest.set}


def test_bytes_that_rotted_are_not_handed_to_another_repository(world: World) -> None:
    """The other's bytes are read and compared first; if they are bad, the part is encoded anew, for both."""
    first = world.night({"site": tar_of({"a": b"1"})}, world.online)
    part = world.folder("online", first.manifest.set) / "site/000000.zst.age"
    data = part.read_bytes()
    part.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    second = world.night({"site": tar_of({"a": b"1"})})
    assert world.read(world.vault, second.manifest.set) == world.read(world.online, second.manifest.set) == {"site": tar_of({"a": b"1"})}


def test_a_set_that_was_pruned_meanwhile_is_not_needed(world: World) -> None:
    """The catalog says that parts can be linked; the folder says no: they are written."""
    first = world.night({"site": tar_of(SITE)})
    for name in TIERS:
        shutil.rmtree(world.folder(name, first.manifest.set))
    second = world.night({"site": tar_of(SITE)})
    assert second.reused == 0
    assert world.read(world.vault, second.manifest.set) == {"site": tar_of(SITE)}


# ---------------------------------------------------------------- copy


def test_a_copy_is_the_same_set_and_links_what_is_there(world: World) -> None:
    first = world.night({"site": tar_of(SITE)})
    second = world.night({"site": tar_of(SITE)}, world.online)
    world.online.beside(HMIS, second.manifest.set, "holds/court.json", b"{}")
    for _ in range(2):
        assert world.sets.copy(HMIS, second.manifest.set, world.online, world.vault, world.ctx.step) == second.manifest
    assert stored_bytes(world.folder("online", second.manifest.set)) == stored_bytes(world.folder("vault", second.manifest.set))
    assert linked(world, "vault", first, second)
    recorded = world.ctx.records.parts(HMIS, world.vault.name, second.manifest.set)
    assert {part.origin for part in recorded} == {first.manifest.set}


def test_a_damaged_copy_is_never_copied(world: World) -> None:
    written = world.night({"site": tar_of(SITE)}, world.online)
    part = world.folder("online", written.manifest.set) / "site/000001.zst.age"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(Damaged, match=r"site/000001.zst.age: cut short"):
        world.sets.copy(HMIS, written.manifest.set, world.online, world.vault, world.ctx.step)
    assert world.vault.sets() == []


# ---------------------------------------------------------------- formats and keys


def test_a_future_format_is_refused_with_its_remedy(world: World) -> None:
    written = world.write({"site": tar_of(SITE)})
    facts = {**written.manifest.to_facts(), "format": 2}
    folder = world.folder("online", written.manifest.set)
    (folder / "manifest.json").write_bytes(canonical(facts))
    (folder / "manifest.sig").write_bytes(write_signature(world.keys.sign(canonical(facts))))
    with pytest.raises(Refused) as problem:
        world.sets.open(HMIS, written.manifest.set, world.online)
    where = f"repository 'online': set {written.manifest.set}: manifest.json"
    assert str(problem.value) == f"{where}: format 2; this dr knows format 1\n   HINT: use a newer dr"


def test_fewer_than_two_recipients_are_refused(world: World) -> None:
    world.keys.recipients = world.keys.recipients[:1]
    with pytest.raises(DrError, match="two recipients or more"):
        world.write({"site": tar_of(SITE)})


def test_a_stream_is_readable_in_small_bites(world: World) -> None:
    """As tarfile, a pipe or shutil.copyfileobj read it."""
    tar = tar_of(SITE)
    written = world.write({"site": tar})
    with world.sets.open(HMIS, written.manifest.set, world.online).artifacts()[0].stream() as stream:
        pieces = list(iter(lambda: stream.read(77_777), b""))
    assert b"".join(pieces) == tar
    assert contents(b"".join(pieces)) == SITE
