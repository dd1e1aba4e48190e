"""Promise 4: any changed, missing, swapped or rolled-back object is found, and named, before it is believed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from dr.errors import Damaged
from dr.model.base import RepositoryName, SetId, canonical, sha256
from dr.repositories.directory import DirectoryRepository
from dr.stream.encode import Decoder, Encoder
from dr.stream.layout import write_signature
from dr.stream.sets import StreamSets
from tests.integration.test_format1_sets import SITE, World
from tests.support.stream_context import HMIS
from tests.support.stream_keys import CredulousKeys, TestKeys
from tests.support.stream_tars import noise, tar_of

pytestmark = [pytest.mark.integration, pytest.mark.fault]

PART = "site/000001.zst.age"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def link_elsewhere(path: Path) -> None:
    """The very bytes, but reached through a link: what it points to may change at any time."""
    target = path.parent.parent.parent / "elsewhere"
    path.rename(target)
    path.symlink_to(target)


def swap(path: Path) -> None:
    other = path.with_name("000000.zst.age")
    one, two = path.read_bytes(), other.read_bytes()
    path.write_bytes(two)
    other.write_bytes(one)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped": (flip, "changed"),
    "truncated": (truncate, "cut short"),
    "emptied": (empty, "cut short, 0 of"),
    "lengthened": (lengthen, "longer than its"),
    "missing": (Path.unlink, "missing"),
    "link": (link_elsewhere, "not a plain file"),
}


@pytest.mark.parametrize("how", list(DAMAGE))
@pytest.mark.parametrize("path", [PART, "index.zst.age", "RESTORE.md"])
def test_a_damaged_object_is_named(world: World, how: str, path: str) -> None:
    damage, cause = DAMAGE[how]
    written = world.write({"site": tar_of(SITE)})
    damage(world.folder("online", written.manifest.set) / path)
    found = world.damage(world.online, written.manifest.set)
    assert len(found) == 1
    assert found[0].startswith(f"{path}: {cause}")
    assert world.damage(world.vault, written.manifest.set) == []


@pytest.mark.parametrize("how", list(DAMAGE))
def test_a_damaged_part_is_never_restored(world: World, how: str) -> None:
    """Not one byte of it comes out; what came before it does."""
    damage, cause = DAMAGE[how]
    tar = tar_of(SITE)
    written = world.write({"site": tar})
    damage(world.folder("online", written.manifest.set) / PART)
    out = b""
    with world.sets.open(HMIS, written.manifest.set, world.online).artifacts()[0].stream() as stream, pytest.raises(Damaged) as problem:
        while piece := stream.read(10_000):
            out += piece
    assert f"set {written.manifest.set}: {PART}: {cause}" in problem.value.message
    assert tar.startswith(out)


def test_parts_that_changed_places_are_both_named(world: World) -> None:
    written = world.write({"site": tar_of({"a": noise(5 * 2**20, 1), "b": noise(5 * 2**20, 2)})})
    swap(world.folder("online", written.manifest.set) / PART)
    found = world.damage(world.online, written.manifest.set)
    assert [one.split(":")[0] for one in found] == ["site/000000.zst.age", PART]


def test_what_was_added_is_named(world: World) -> None:
    written = world.write({"site": tar_of(SITE)})
    folder = world.folder("online", written.manifest.set)
    (folder / "site/000999.zst.age").write_bytes(b"x")
    (folder / "planted").symlink_to("/etc")
    assert world.damage(world.online, written.manifest.set) == ["planted: extra", "site/000999.zst.age: extra"]


def test_a_folder_replaced_by_a_link_is_not_followed(world: World, tmp_path: Path) -> None:
    """Neither read nor, when the set is removed, emptied."""
    written = world.write({"site": tar_of({"a": b"1"})})
    folder = world.folder("online", written.manifest.set)
    (folder / "site").rename(tmp_path / "outside")
    (folder / "site").symlink_to(tmp_path / "outside")
    assert world.damage(world.online, written.manifest.set) == ["site/000000.zst.age: missing", "site: extra"]


@pytest.mark.parametrize("damage", [flip, empty, Path.unlink], ids=["flipped", "emptied", "missing"])
def test_a_damaged_audit_head_is_named(world: World, damage: Callable[[Path], object]) -> None:
    written = world.write({"site": tar_of({"a": b"1"})})
    damage(world.folder("online", written.manifest.set) / "audit-head.json")
    [found] = world.damage(world.online, written.manifest.set)
    assert found in ("audit-head.json: changed", "audit-head.json: missing")


def test_another_sets_audit_head_is_named(world: World) -> None:
    first, second = world.night({"site": tar_of({"a": b"1"})}), world.night({"site": tar_of({"a": b"1"})})
    shutil.copy(world.folder("online", first.manifest.set) / "audit-head.json", world.folder("online", second.manifest.set))
    assert world.damage(world.online, second.manifest.set) == ["audit-head.json: changed"]


# ---------------------------------------------------------------- the manifest


@pytest.mark.parametrize("file", ["manifest.json", "manifest.sig"])
@pytest.mark.parametrize("damage", [flip, truncate, empty], ids=["flipped", "truncated", "emptied"])
def test_a_manifest_that_was_touched_is_not_believed(world: World, file: str, damage: Callable[[Path], None]) -> None:
    written = world.write({"site": tar_of({"a": b"1"})})
    damage(world.folder("online", written.manifest.set) / file)
    for act in (world.sets.open, world.sets.read_manifest):
        with pytest.raises(Damaged, match=f"set {written.manifest.set}"):
            act(HMIS, written.manifest.set, world.online)
    with pytest.raises(Damaged):
        world.damage(world.online, written.manifest.set)


def test_a_manifest_of_another_signer_is_not_believed(world: World, tmp_path: Path) -> None:
    """Whoever can write to a repository cannot make a set."""
    other = World(tmp_path / "other", keys=TestKeys(seed="stranger"))
    written = other.write({"site": tar_of({"a": b"1"})})
    shutil.copytree(other.folder("online", written.manifest.set), world.folder("online", written.manifest.set))
    with pytest.raises(Damaged, match="no trusted key"):
        world.sets.open(HMIS, written.manifest.set, world.online)


@pytest.mark.positive_control
def test_with_the_signature_unchecked_a_strangers_set_is_believed(world: World, tmp_path: Path) -> None:
    other = World(tmp_path / "other", keys=TestKeys(seed="stranger"))
    written = other.write({"site": tar_of({"a": b"1"})})
    shutil.copytree(other.folder("online", written.manifest.set), world.folder("online", written.manifest.set))
    credulous = StreamSets("Harbor", CredulousKeys(), world.ctx.clock, {})
    assert credulous.verify_stored(HMIS, written.manifest.set, world.online, world.ctx.step).damaged == ()


def rolled_back(world: World) -> tuple[SetId, SetId]:
    """Two nights, then the older set's folder in place of the newer's."""
    first, second = (world.night({"site": tar_of({"a": b"%d" % night})}).manifest.set for night in range(2))
    shutil.rmtree(world.folder("online", second))
    shutil.copytree(world.folder("online", first), world.folder("online", second))
    return first, second


def test_an_older_set_in_a_newer_ones_place_is_found(world: World) -> None:
    """It is whole and well signed; only it is not what it is taken for."""
    first, second = rolled_back(world)
    for act in (world.sets.open, world.sets.read_manifest):
        with pytest.raises(Damaged, match=f"set {second}: manifest.json: it is that of set {first}"):
            act(HMIS, second, world.online)


@pytest.mark.positive_control
def test_an_older_set_in_its_own_place_is_what_the_signature_alone_would_accept(world: World) -> None:
    """The twin: asked for under its own name, the very same bytes pass; only the comparison of names stood in the way."""
    first, second = rolled_back(world)
    shutil.rmtree(world.folder("online", first))
    world.folder("online", second).rename(world.folder("online", first))
    assert world.read(world.online, first) == {"site": tar_of({"a": b"0"})}


def test_another_organisations_set_is_found(world: World) -> None:
    written = world.write({"site": tar_of({"a": b"1"})})
    others = StreamSets("Another", world.keys, world.ctx.clock, {})
    with pytest.raises(Damaged, match="it is that of set"):
        others.open(HMIS, written.manifest.set, world.online)


def test_an_index_of_another_set_is_found(world: World) -> None:
    """Even one that the manifest was made to sign."""
    first, second = world.night({"site": tar_of({"a": b"1"})}), world.night({"site": tar_of({"a": b"2"})})
    folder = world.folder("online", second.manifest.set)
    index = (world.folder("online", first.manifest.set) / "index.zst.age").read_bytes()
    (folder / "index.zst.age").write_bytes(index)
    resign(world, folder, {"index": {"size": len(index), "sha256": sha256(index)}})
    with pytest.raises(Damaged, match="it is another set's index"):
        world.sets.open(HMIS, second.manifest.set, world.online)


def resign(world: World, folder: Path, change: dict[str, object]) -> None:
    manifest = world.sets.read_manifest(HMIS, SetId(folder.name), world.online)[0]
    stored = canonical({**manifest.to_facts(), **change})
    (folder / "manifest.json").write_bytes(stored)
    (folder / "manifest.sig").write_bytes(write_signature(world.keys.sign(stored)))


def with_part(world: World, stored: bytes) -> Damaged:
    """What reading says of a part that was signed, but is not what the index knows."""
    written = world.write({"site": tar_of({"a": b"1"})})
    folder = world.folder("online", written.manifest.set)
    (folder / "site/000000.zst.age").write_bytes(stored)
    facts = written.manifest.to_facts()["artifacts"]
    facts[0]["parts"] = [{"number": 0, "size": len(stored), "sha256": sha256(stored)}]
    resign(world, folder, {"artifacts": facts})
    with pytest.raises(Damaged) as problem:
        world.read(world.online, written.manifest.set)
    return problem.value


def test_a_frame_that_would_fill_the_memory_is_stopped(world: World) -> None:
    bomb = Encoder(world.keys.recipients).encode(bytes(17 * 2**20))
    assert len(bomb) < 10_000
    assert "unpacks to more than the 16777216 bytes that it may" in with_part(world, bomb).message


@pytest.mark.positive_control
def test_without_the_bound_the_frame_would_unpack_to_all_of_it(world: World) -> None:
    bomb = Encoder(world.keys.recipients).encode(bytes(17 * 2**20))
    assert len(Decoder(world.keys.identity()).decode(bomb, limit=2**30)) == 17 * 2**20


def test_what_was_encoded_from_other_bytes_is_found_by_the_index(world: World) -> None:
    other = Encoder(world.keys.recipients).encode(tar_of({"a": b"2"}))
    assert with_part(world, other).message.endswith("site/000000.zst.age: its content is not what the index says")


def test_what_cannot_be_decoded_is_named(world: World) -> None:
    assert with_part(world, b"not age at all").message.endswith("site/000000.zst.age: it cannot be decrypted with this key")


# ---------------------------------------------------------------- the place


def test_repositories_whose_paths_were_exchanged_are_refused(world: World) -> None:
    """The vault's copies must not end up in the online tier's folder."""
    exchanged = DirectoryRepository(RepositoryName("vault"), "vault", world.place / "online", organisation="Harbor")
    with pytest.raises(Exception, match="was made for tier 'online', the inventory says 'vault'"):
        exchanged.begin(HMIS, world.id())


def test_a_place_that_was_unmounted_half_way_is_not_filled(world: World) -> None:
    upload = world.online.begin(HMIS, world.id())
    upload.put("site/000000.zst.age", b"1")
    (world.place / "online").rename(world.place / "unmounted")
    (world.place / "online").mkdir()
    with pytest.raises(Exception, match="is gone"):
        upload.put("site/000001.zst.age", b"2")
    with pytest.raises(Exception, match="is gone"):
        upload.commit(b"{}", b"", {})
    assert list((world.place / "online").iterdir()) == []
