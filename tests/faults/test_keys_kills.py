"""Promise 1 for `dr keys rotate`: killed anywhere, it is finished by asking again, with one new key and none lost."""

from pathlib import Path

import pytest

from dr.app import App, failpoint_names
from dr.app.rotate import JOURNAL, rotate
from dr.config.init import init_home
from dr.config.keys import ESCROW, fingerprint, kept_drill_keys, noted_recipients, public_half
from dr.errors import Refused
from dr.stream.encode import encoding_digest
from tests.support.main_job import KILLED, Home

pytestmark = pytest.mark.fault

POINTS = tuple(name for name in failpoint_names() if name.startswith("keys-rotate."))
WHATS = ("drill", "escrow", "signing")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    init_home(tmp_path / "home", "Harbor", "America/Chicago")
    return Home(tmp_path / "home")


def identities(home: Home) -> set[str]:
    """Every age key that lies there: its public half."""
    found = {path.read_text().split()[-1] for path in (home.path / "keys").glob("*.agekey*")}
    return {public_half(one) for one in found}


def rotations(home: Home) -> list[str]:
    return [entry.subject for entry in home.audit() if entry.event == "keys.rotated"]


def test_there_is_something_to_shoot() -> None:
    assert len(POINTS) == 7


@pytest.mark.parametrize("what", WHATS)
def test_a_rotation_killed_at_every_point_is_one_rotation(home: Home, what: str) -> None:
    """At any instant the home can be read, every old key is there and every old signature believed; in the end one key is new."""
    before = App.open(str(home.path)).inventory.organisation.keys
    keys, signature = identities(home), App.open(str(home.path)).services.keys.sign(b"of old")
    for point in POINTS:
        done = home.dr("keys", "rotate", what, env={"DR_FAILPOINT": point}, expect=None)
        assert done.returncode == KILLED, f"not killed at {point}: {done}"
        app = App.open(str(home.path))
        assert keys <= identities(home), f"a key was lost at {point}"
        app.services.keys.verify(b"of old", signature)
        app.services.keys.verify(b"of now", app.services.keys.sign(b"of now"))
        assert len(set(app.inventory.organisation.keys.recipients)) == 2
        assert len(rotations(home)) <= 1
    after = App.open(str(home.path)).inventory.organisation.keys
    assert rotations(home) == [f"keys/{what}"]
    assert not (home.path / JOURNAL).exists(), "after the last point there is nothing left to do"
    assert len(set(after.recipients) - set(before.recipients)) == (0 if what == "signing" else 1)
    assert len(identities(home)) == (2 if what == "signing" else 3)
    assert len(after.trusted) == (2 if what == "signing" else 1)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (home.path / "keys").glob("*key*"))
    assert identities(home) >= set(after.recipients)
    assert noted_recipients(home.path) == dict(zip(("drill", "escrow"), after.recipients, strict=True))
    assert home.dr("keys", "check").returncode == 0


@pytest.mark.parametrize("what", WHATS)
def test_it_is_asked_twice_and_makes_two(home: Home, what: str) -> None:
    """In the same second too: no kept key takes another's place. The file before each edit is kept."""
    home.dr("keys", "rotate", what)
    home.dr("keys", "rotate", what)
    app = App.open(str(home.path))
    assert rotations(home) == [f"keys/{what}"] * 2
    assert len(identities(home)) == (2 if what == "signing" else 4)
    assert len(app.inventory.organisation.keys.trusted) == (3 if what == "signing" else 1)
    kept = sorted((home.path / "inventory").glob("organisation.yaml.before-*"))
    assert len(kept) == 2
    for path in (*kept, home.path / "inventory" / "organisation.yaml"):
        assert "# Every backup is encrypted to all of these public keys" in path.read_text()


def test_the_newest_kept_key_is_tried_right_after_the_current_one(home: Home) -> None:
    first = noted_recipients(home.path)["drill"]
    home.dr("keys", "rotate", "drill")
    second = noted_recipients(home.path)["drill"]
    home.dr("keys", "rotate", "drill")
    held = [public_half(line) for line in App.open(str(home.path)).services.keys.identity().splitlines()]
    assert held == [noted_recipients(home.path)["drill"], second, first]
    assert len(kept_drill_keys(home.path)) == 2


def test_another_rotation_waits_for_the_unfinished_one(home: Home) -> None:
    home.dr("keys", "rotate", "drill", env={"DR_FAILPOINT": "keys-rotate.after-key"}, expect=KILLED)
    assert "a rotation of the drill key is not finished" in home.dr("keys", "check").stdout
    done = home.dr("keys", "rotate", "signing", expect=3)
    assert done.stderr == "error: a rotation of the drill key is not finished\n   HINT: dr keys rotate drill\n"
    assert home.dr("keys", "rotate", "drill").stdout.startswith("an interrupted rotation was finished\n")


def test_an_inventory_written_in_another_way_is_refused_before_anything_is_made(home: Home) -> None:
    home.rewrite("inventory/organisation.yaml", "trusted: [keys/signing.pub]", "trusted: &all [keys/signing.pub]")
    before = sorted(path.name for path in (home.path / "keys").iterdir())
    with pytest.raises(Refused, match="written in the inventory in a way that is not known here"):
        rotate(App.open(str(home.path)), "signing", failpoint=lambda _: None)
    assert sorted(path.name for path in (home.path / "keys").iterdir()) == before


def test_a_new_escrow_key_where_the_old_one_was_carried_away(home: Home) -> None:
    """As it should be: only the new one lies here, to be carried away in its turn."""
    (home.path / ESCROW).unlink()
    assert "it lies here" not in home.dr("keys", "rotate", "escrow").stdout
    assert "it lies here" in home.dr("keys", "rotate", "escrow").stdout


def test_a_rotated_drill_key_replaces_the_lost_one_where_the_escrow_key_took_its_place(home: Home) -> None:
    """After `dr home restore` the escrow key lies where the drill key was: it must stay a recipient."""
    escrow = noted_recipients(home.path)["escrow"]
    (home.path / "keys" / "drill.agekey").write_bytes((home.path / ESCROW).read_bytes())
    home.dr("keys", "rotate", "drill")
    recipients = App.open(str(home.path)).inventory.organisation.keys.recipients
    assert recipients == (noted_recipients(home.path)["drill"], escrow)


def test_the_fingerprint_that_it_says_is_the_new_keys(home: Home) -> None:
    said = home.dr("keys", "rotate", "signing").stdout
    newest = App.open(str(home.path)).inventory.organisation.keys.trusted[0]
    assert fingerprint(home.path / newest) in said


def test_other_recipients_are_another_encoding(home: Home) -> None:
    """So no part of before a rotation serves again after it."""
    before = App.open(str(home.path)).inventory.organisation.keys.recipients
    home.dr("keys", "rotate", "drill")
    after = App.open(str(home.path)).inventory.organisation.keys.recipients
    assert encoding_digest(before, "zstd-3") == encoding_digest(before[::-1], "zstd-3") != encoding_digest(after, "zstd-3")
