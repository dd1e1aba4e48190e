"""What the files said when all of them were right: kept whenever a home is opened, believed only as it was sealed, and without a secret."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr import plugins
from dr.config import whole as room
from dr.config.init import init_home
from dr.config.keys import digest_key
from dr.config.load import Loaded, load
from dr.config.whole import KEPT, keep, stamp, whole

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home", "Harbor", "UTC")
    return tmp_path / "home"


def kept(home: Path, at: datetime = NOW, release: str = "1") -> Loaded:
    """What the files say, kept as of then."""
    loaded, files = load(home, plugins.kinds()), stamp(home)
    assert files is not None
    keep(home, loaded, files, release, at)
    return loaded


def sealed(home: Path, key: bytes, body: bytes) -> None:
    """As `keep` writes it, with any key."""
    seal = hmac.new(key, room._PURPOSE + body, hashlib.sha256).hexdigest().encode()
    (home / KEPT).write_bytes(seal + b"\n" + body)


def test_what_is_kept_is_what_was_read_and_for_its_owner_alone(home: Path) -> None:
    loaded, found = kept(home), whole(home, "1")
    assert found is not None and (found.loaded, found.since) == (loaded, NOW)
    assert (home / KEPT).stat().st_mode & 0o777 == 0o600
    assert not list((home / "state").glob(".new-*")), "written beside, then put in place"


def test_it_says_since_when_the_files_are_as_they_are(home: Path) -> None:
    """Read again they are no newer; edited they are."""
    kept(home)
    kept(home, NOW + timedelta(days=1))
    found = whole(home, "1")
    assert found is not None and found.since == NOW
    contacts = home / "inventory" / "contacts.yaml"
    contacts.write_text(contacts.read_text() + "# a word\n")
    kept(home, NOW + timedelta(days=2))
    found = whole(home, "1")
    assert found is not None and found.since == NOW + timedelta(days=2)


@pytest.mark.parametrize(
    "what",
    ["a byte of it", "cut short", "empty", "a line more", "another release", "another home's", "anybody's seal", "no inventory", "no key"],
)
def test_what_is_not_as_it_was_sealed_is_not_believed(home: Path, tmp_path: Path, what: str) -> None:
    """Changed by hand, half written, of another release, of another home, of who has no key of ours; and well sealed, but no inventory."""
    kept(home)
    place, data = home / KEPT, (home / KEPT).read_bytes()
    body = data.partition(b"\n")[2]
    if what == "a byte of it":
        place.write_bytes(data.replace(b"Harbor", b"Narbor", 1))
    elif what in ("cut short", "empty"):
        place.write_bytes(data[: len(data) // 2 if what == "cut short" else 0])
    elif what == "a line more":
        sealed(home, digest_key(home), body + b"\n{}")
    elif what == "another home's":
        init_home(tmp_path / "other", "Other", "UTC")
        kept(tmp_path / "other")
        place.write_bytes((tmp_path / "other" / KEPT).read_bytes())
    elif what == "anybody's seal":
        sealed(home, b"", body)
    elif what == "no inventory":
        sealed(home, digest_key(home), body.replace(b'"organisation"', b'"organization"', 1))
    elif what == "no key":
        (home / "keys" / "digest.key").unlink()
    assert whole(home, "2" if what == "another release" else "1") is None


@pytest.mark.positive_control
def test_without_the_key_of_its_own_anybody_could_write_one(home: Path) -> None:
    """The very forgery that is refused above, sealed with the home's key: it is the seal that keeps it out."""
    kept(home)
    forged = (home / KEPT).read_bytes().partition(b"\n")[2].replace(b"Harbor", b"Narbor")
    sealed(home, digest_key(home), forged)
    found = whole(home, "1")
    assert found is not None and found.loaded.inventory.organisation.name == "Narbor"


def test_no_secret_is_in_it_and_a_disk_that_takes_nothing_stops_nobody(home: Path) -> None:
    secrets = ["mailtos://anna:hunter2@mail.example.org", "pg-password-9c1f"]
    for name, text in zip(("notify-system-administrator.url", "production-postgres.password"), secrets, strict=True):
        (home / "keys" / name).write_text(text + "\n")
        (home / "keys" / name).chmod(0o600)
    kept(home)
    text = (home / KEPT).read_text()
    assert "keys/notify-system-administrator.url" in text
    private = [file.read_text().strip() for file in (home / "keys").iterdir() if file.stat().st_mode & 0o077 == 0]
    assert len(private) >= 5 and not [one for one in private for line in one.splitlines() if line[0] != "#" and line in text]
    (home / KEPT).unlink()
    (home / KEPT).mkdir()
    kept(home)
    assert whole(home, "1") is None
