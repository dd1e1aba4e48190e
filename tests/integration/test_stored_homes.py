"""The home goes with the backups: what is stored, what never is, what comes back, and what a stranger cannot plant."""

import json
import os
import tarfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dr.app.stored_homes import listed, open_place
from dr.config.init import init_home
from dr.config.keys import fingerprint as key_fingerprint
from dr.disk import make_folder
from dr.errors import ConfigError, Damaged, Failed, Refused, Unreachable
from dr.stream.home import fingerprint, names
from dr.stream.homepack import unpack
from tests.support.home_world import PASSWORD, HomeWorld, member, tar_with

pytestmark = pytest.mark.integration


@pytest.fixture
def world(tmp_path: Path) -> HomeWorld:
    return HomeWorld(tmp_path)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# ---------------------------------------------------------------- what is stored


def test_everything_but_the_private_age_keys_comes_back_as_it_was(world: HomeWorld) -> None:
    """Promise 9. In it: settings, secrets, evidence, the catalog; not in it: what opens it. That key becomes the drill key."""
    before = files(world.home)
    saved = world.save()
    assert (saved["copies"], saved["failed"]) == (["fileserver", "bank-vault"], {})
    assert saved["left_out"] == ["keys/drill.agekey"]
    told = "\n".join(world.restore())
    after = files(world.place / "new")
    same = {path for path in before if path.startswith(("inventory/", "runbooks/", "keys/", "evidence/"))} - {"keys/drill.agekey"}
    assert {path: after[path] for path in same} == {path: before[path] for path in same}
    assert after["keys/drill.agekey"].decode().strip() in world.escrow.read_text()
    assert set(after) == {*same, "keys/drill.agekey", "state/catalog.db"} | {p for p in after if p.startswith("state/catalog.db")}
    assert "NOT CHECKED: compare it with the fingerprint on the paper" in told
    assert "dr hosts enrol standby" in told


def test_what_comes_back_is_readable_by_its_owner_alone(world: HomeWorld) -> None:
    world.save()
    os.umask(0)
    try:
        world.restore()
    finally:
        os.umask(0o022)
    for path in (world.place / "new").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0 or path.name.endswith("-lock"), path


def test_nothing_of_it_lies_in_the_clear(world: HomeWorld) -> None:
    """Promise 7: a repository holds no password, no key and no name of a person."""
    world.save()
    for path, data in files(world.folder() / "home").items():
        assert PASSWORD.encode() not in data, path
        assert b"PRIVATE KEY" not in data, path


def test_the_same_step_again_stores_no_second_home(world: HomeWorld) -> None:
    """Promise 1: a step that is run again after a crash finds its own."""
    first = world.save("nightly-20261122T070000Z-1a2b")
    stored = files(world.folder())
    assert world.save("nightly-20261122T070000Z-1a2b")["home"] == first["home"]
    assert files(world.folder()) == stored


@pytest.mark.parametrize("point", ["after-part", "before-manifest", "after-publish"])
def test_a_store_that_broke_off_is_invisible_or_whole_and_is_made_good(world: HomeWorld, point: str) -> None:
    class Killed(Exception):
        """The process ends here."""

    def die() -> None:
        raise Killed

    world.at[point] = die
    with pytest.raises(Killed):
        world.save("nightly-20261122T070000Z-1a2b")
    whole = [one.name for one in listed(open_place(str(world.folder()))) if not one.problem]
    assert len(whole) == (1 if point == "after-publish" else 0)
    world.at.clear()
    world.save("nightly-20261122T070000Z-1a2b")
    assert [one.problem for one in listed(open_place(str(world.folder())))] == [""]


def test_the_newest_seven_are_kept_and_never_the_one_just_made_let_go(world: HomeWorld) -> None:
    """A bad clock may have dated others ahead of it."""
    for _ in range(9):
        last = world.night()
    assert len(names(world.repositories[0])) == 7
    world.clock.move_to(world.clock.now().replace(year=2020))
    early = world.night()
    assert early in names(world.repositories[0])
    assert last in names(world.repositories[0])


def test_a_vault_that_is_away_is_a_finding_and_costs_the_other_nothing(world: HomeWorld) -> None:
    world.folder().rename(world.place / "away")
    assert list(world.save()["failed"]) == ["bank-vault"]
    assert [f.key for f in world.catalog.open_findings()] == ["home-not-stored:bank-vault"]
    (world.place / "away").rename(world.folder())
    world.clock.move_to(world.clock.now().replace(hour=9))
    world.save()
    assert world.catalog.open_findings() == []


def test_no_repository_at_all_is_a_failure(world: HomeWorld) -> None:
    (world.home / "repositories").rename(world.place / "away")
    with pytest.raises(Failed, match="the home was stored nowhere"):
        world.save()


def test_an_age_key_among_the_settings_is_refused(world: HomeWorld) -> None:
    """It opens everything: it must not travel with what it opens."""
    (world.home / "inventory" / "notes.txt").write_text("AGE-SECRET-KEY-1AAAA\n")
    with pytest.raises(Refused, match=r"inventory/notes\.txt holds an age private key"):
        world.save()


@pytest.mark.positive_control
def test_without_that_guard_the_drill_key_would_travel(world: HomeWorld, tmp_path: Path) -> None:
    from dr.stream.homepack import pack

    catalog = tmp_path / "catalog"
    catalog.write_bytes(b"")
    with (tmp_path / "out").open("wb") as out:
        pack(world.home, catalog, [], out, private=b"")
    assert b"AGE-SECRET-KEY-1" in (tmp_path / "out").read_bytes()


# ---------------------------------------------------------------- refusals, each by the tree


def test_a_place_that_is_not_empty_is_refused(world: HomeWorld) -> None:
    world.save()
    (world.place / "new").mkdir()
    (world.place / "new" / "thesis.txt").write_text("mine")
    with pytest.raises(Refused, match=r"new is not empty: it holds thesis\.txt"):
        world.restore()
    assert files(world.place / "new") == {"thesis.txt": b"mine"}


def test_the_wrong_key_is_refused_and_nothing_is_made(world: HomeWorld) -> None:
    from pyrage import x25519

    world.save()
    wrong = world.place / "wrong.agekey"
    wrong.write_text(f"{x25519.Identity.generate()}\n")
    with pytest.raises(Refused, match=r"wrong\.agekey does not open home 2026"):
        world.restore(key=str(wrong))
    wrong.write_text("a shopping list\n")
    with pytest.raises(ConfigError, match="holds no age identity"):
        world.restore(key=str(wrong))
    assert not (world.place / "new").exists()


def test_a_folder_that_is_no_repository_says_so(world: HomeWorld, tmp_path: Path) -> None:
    make_folder(tmp_path / "empty")
    with pytest.raises(Unreachable, match="is empty"):
        open_place(str(tmp_path / "empty"))
    (tmp_path / "empty" / "letter").write_text("hello")
    with pytest.raises(Refused, match="is not a repository of dr"):
        open_place(str(tmp_path / "empty"))
    with pytest.raises(Refused, match="holds no home"):
        world.restore()


def test_a_home_of_a_future_format_is_refused(world: HomeWorld) -> None:
    world.save()
    name = world.plant(tar_with(), format=2)
    with pytest.raises(Refused, match=f"home {name}: format 2; this dr knows format 1"):
        world.restore()


@pytest.mark.parametrize("object_", ["000000.zst.age", "manifest.json", "manifest.sig"])
def test_a_flipped_byte_is_found_and_an_older_home_is_taken(world: HomeWorld, object_: str) -> None:
    """Promise 4, and still promise 9: what is damaged is named and passed over."""
    older, newest = world.night(), world.night()
    path = world.folder() / "home" / newest / object_
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    told = world.restore()
    assert told[0].startswith("passed over: repository 'bank-vault': home " + newest)
    with pytest.raises(Damaged, match=f"no home in bank-vault can be used: passed over: .*{newest}"):
        world.restore("other", at=newest)
    path.unlink()
    assert "passed over" in world.restore("third")[0]
    assert (world.place / "third" / "inventory").is_dir(), older


def test_a_link_in_the_repository_is_not_followed(world: HomeWorld) -> None:
    world.save()
    [part] = (world.folder() / "home").glob("2*/000000.zst.age")
    part.rename(world.place / "elsewhere")
    part.symlink_to(world.place / "elsewhere")
    with pytest.raises(Damaged, match="not a plain file"):
        world.restore()


def test_another_organisations_home_is_not_ours(world: HomeWorld) -> None:
    name = world.plant(tar_with(), organisation="Elsewhere")
    with pytest.raises(Damaged, match=f"home {name}: it is home {name} of 'Elsewhere'"):
        world.restore()


# ---------------------------------------------------------------- a stranger's signature


def test_what_init_says_to_write_on_paper_is_what_a_restore_says_to_compare(world: HomeWorld, tmp_path: Path) -> None:
    told = init_home(tmp_path / "fresh", "Harbor", "America/Chicago")
    assert any(key_fingerprint(tmp_path / "fresh" / "keys" / "signing.pub") in line for line in told)
    world.save()
    paper = key_fingerprint(world.home / "keys" / "signing.pub")
    assert world.restore()[0] == f"signed by the key {paper}"
    assert world.restore("other", trust=paper)[0] == f"signed by the key that you trust: {paper}"


def test_a_strangers_home_beside_ours_is_noticed(world: HomeWorld) -> None:
    """Recipients are public, so anybody who can write there can make a home that opens: only the signer's fingerprint tells."""
    ours = world.save()["home"]
    stranger = Ed25519PrivateKey.generate()
    world.plant(tar_with(), key=stranger)
    with pytest.raises(Refused, match="are signed by 2 keys"):
        world.restore()
    mark = fingerprint(world.signing_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex())
    told = world.restore(trust=mark[:32])
    assert "which is not the trusted one" in told[0]
    assert told[1].startswith("signed by the key that you trust")
    assert (world.place / "new" / "inventory").is_dir(), ours
    world.restore("other", trust=str(world.home / "keys" / "signing.pub"))


def test_a_home_that_only_a_stranger_signed_is_damaged_to_whoever_trusts_ours(world: HomeWorld) -> None:
    world.plant(tar_with(), key=Ed25519PrivateKey.generate())
    with pytest.raises(Damaged, match="which is not the trusted one"):
        world.restore(trust=str(world.home / "keys" / "signing.pub"))
    with pytest.raises(ConfigError, match="is no public key"):
        world.restore(trust="deadbeef")


@pytest.mark.positive_control
def test_without_trust_a_lone_strangers_home_would_be_laid_out(world: HomeWorld) -> None:
    """Why the fingerprint is printed and must be compared with paper."""
    read = {path: data for path, data in files(world.home).items() if path.startswith(("inventory/", "runbooks/"))}
    world.plant(tar_with(**read), key=Ed25519PrivateKey.generate())
    assert any("NOT CHECKED" in line for line in world.restore())


# ---------------------------------------------------------------- hostile streams

HOSTILE = {
    "a path that leads out": (member("../escaped", size=1), "leads out of it"),
    "an absolute path": (member("/tmp/escaped", size=1), "leads out of it"),
    "a dot in the middle": (member("keys/../../escaped", size=1), "leads out of it"),
    "a symbolic link": (member("keys/link", tarfile.SYMTYPE, "/etc/passwd"), "no plain file"),
    "a hard link": (member("keys/link", tarfile.LNKTYPE, "inventory/a"), "no plain file"),
    "a device": (member("keys/null", tarfile.CHRTYPE), "no plain file"),
    "a pipe": (member("keys/pipe", tarfile.FIFOTYPE), "no plain file"),
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_a_hostile_stream_makes_nothing_outside_and_no_home(world: HomeWorld, what: str) -> None:
    """Even well signed: whoever stole the signing key gets no file outside the place."""
    one, why = HOSTILE[what]
    world.plant(tar_with(one, **{"inventory/a": b"1"}))
    with pytest.raises(Damaged, match=why):
        world.restore()
    assert not (world.place / "escaped").exists()
    assert not (world.place / "new" / "inventory").exists()
    world.clock.move_to(world.clock.now().replace(year=2027))
    world.save()
    world.restore()  # the same place, again: what the failed attempt left is no hindrance
    assert (world.place / "new" / "inventory").is_dir()


def test_a_name_that_comes_twice_and_a_cut_stream_are_damage(tmp_path: Path) -> None:
    for number, bad in enumerate(
        [
            tar_with(member("a", size=1), member("a", size=1)),
            tar_with(member("a", size=1), member("a/b", size=1)),
            tar_with(member("a", size=9000))[:3000],
            b"\x01" * 1024,
        ]
    ):
        place = tmp_path / str(number)
        place.mkdir()
        with pytest.raises(Damaged):
            unpack([bad], place)


@pytest.mark.positive_control
def test_without_care_a_path_would_lead_out(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    unpack([tar_with(member("../escaped", size=1))], tmp_path / "place", careful=False)
    assert (tmp_path / "escaped").exists()


def test_what_is_listed_needs_no_key(world: HomeWorld) -> None:
    world.night()
    newest = world.night()
    (world.folder() / "home" / newest / "000000.zst.age").write_bytes(b"")
    found = listed(open_place(str(world.folder())))
    assert [bool(one.problem) for one in found] == [True, False]
    assert "cut short" in found[0].problem
    assert json.dumps([one.to_facts() for one in found])
