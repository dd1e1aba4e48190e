"""A key file that is not what its place says is named with a hint before anything runs; a good one never is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from dr import plugins
from dr.config.init import init_home
from dr.config.key_files import check_keys, key_troubles
from dr.config.keys import DIGEST, DRILL, SIGNING, SIGNING_PUBLIC, new_age_key, new_signing_key, noted_recipients
from dr.config.load import load
from dr.config.problems import render
from dr.config.secrets import used_by

pytestmark = pytest.mark.unit
Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(tmp_path_factory.mktemp("keys")) / "home"
    init_home(home, "Harbor", "America/Chicago")
    return home


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> Path:
    """A home as `dr init` makes it; its secrets of contacts and servers do not matter here."""
    import shutil

    return Path(shutil.copytree(kept, tmp_path / "home"))


def put(name: str, text: str) -> Spoil:
    def spoil(home: Path) -> None:
        (home / name).touch(mode=0o600)
        (home / name).write_text(text)

    return spoil


def from_other(name: str, other: str) -> Spoil:
    return lambda home: put(name, (home / other).read_text())(home)


def cut(home: Path) -> None:
    path = home / DRILL
    path.write_text(path.read_text().rstrip()[:-4] + "\n")


def exchanged(home: Path) -> None:
    private, public = (home / SIGNING).read_text(), (home / SIGNING_PUBLIC).read_text()
    put(SIGNING, public)(home)
    put(SIGNING_PUBLIC, private)(home)


def of_another_kind() -> str:
    return generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


SPOILED: dict[str, tuple[Spoil, list[str]]] = {
    "a drill key that is no key": (put(DRILL, "hello\n"), [f"{DRILL} holds no age identity"]),
    "a drill key that is empty": (put(DRILL, ""), [f"secret file {DRILL} is empty"]),
    "a drill key that others can read": (
        lambda home: (home / DRILL).chmod(0o644),
        [f"secret file {DRILL} can be read by others (mode 0644)"],
    ),
    "only the public half of the drill key": (
        lambda home: put(DRILL, noted_recipients(home)["drill"] + "\n")(home),
        [f"{DRILL} holds no age identity, but a public age key"],
    ),
    "the signing key in the drill key's place": (
        from_other(DRILL, SIGNING),
        [f"{DRILL} holds no age identity, but a private key in PEM, as a signing key is"],
    ),
    "a drill key that lost its end": (cut, [f"{DRILL}: this is no age identity that is whole"]),
    "a kept drill key that is none": (put("keys/drill-2026.agekey", "x\n"), ["keys/drill-2026.agekey holds no age identity"]),
    "the drill key in the signing key's place": (
        from_other(SIGNING, DRILL),
        [f"{SIGNING} holds no signing key, but an age identity, as a drill or an escrow key is"],
    ),
    "the halves of the signing key exchanged": (
        exchanged,
        [
            f"{SIGNING} holds no signing key, but a public key in PEM",
            f"{SIGNING_PUBLIC} holds no public key of a signer, but a private key in PEM, as a signing key is",
        ],
    ),
    "a signing key of another kind": (put(SIGNING, of_another_kind()), [f"{SIGNING} is not an Ed25519 key"]),
    "another signing key": (
        put(SIGNING, new_signing_key()[0].decode()),
        [f"what {SIGNING} signs, none of the trusted keys would verify"],
    ),
    "a trusted key that is gone": (
        lambda home: (home / SIGNING_PUBLIC).unlink(),
        [f"the trusted key {SIGNING_PUBLIC}: no such file or directory"],
    ),
    "a digest key that is none": (put(DIGEST, "short\n"), [f"{DIGEST} is not 64 hex digits"]),
    "the drill key in the digest key's place": (
        put(DIGEST, new_age_key("drill").decode()),
        [f"{DIGEST} is not 64 hex digits, but an age identity, as a drill or an escrow key is"],
    ),
}


def troubles(home: Path) -> list[str]:
    return [one.message for one in key_troubles(load(home, plugins.kinds()).inventory.organisation.keys, home)]


def test_the_keys_of_a_new_home_are_good(home: Path) -> None:
    """No false alarm, and none for a kept drill key that is one."""
    (home / "keys" / "drill-2025.agekey").write_bytes(new_age_key("drill"))
    (home / "keys" / "drill-2025.agekey").chmod(0o600)
    assert troubles(home) == []


@pytest.mark.parametrize("what", SPOILED)
def test_a_wrong_key_file_is_named_with_what_it_holds_instead(home: Path, what: str) -> None:
    """Wrong kind, empty, cut, public for private, open to others: by name and with a hint, and nothing of any key is said."""
    spoil, expected = SPOILED[what]
    secrets = [line for name in (DRILL, SIGNING, DIGEST) for line in (home / name).read_text().splitlines() if len(line) > 40]
    spoil(home)
    found = key_troubles(load(home, plugins.kinds()).inventory.organisation.keys, home)
    assert [one.message for one in found] == expected
    assert all(one.hint for one in found)
    said = "".join(one.message + one.hint for one in found)
    assert not [line for line in secrets if not line.startswith(("#", "-----")) and line in said]


def test_check_shows_where_the_inventory_names_the_key(home: Path) -> None:
    """At the line that names it; what is not there at all is said once, by the check of secrets."""
    put(DRILL, "hello\n")(home)
    inventory = load(home, plugins.kinds()).inventory
    said = render(check_keys(inventory, home))
    assert "organisation.keys.identity: keys/drill.agekey holds no age identity" in said
    assert "identity: !secret {file: keys/drill.agekey}" in said and "HINT: it is the line that begins with AGE-SECRET-KEY-" in said
    assert check_keys(inventory, home, wanted=used_by({"backup", "verify"})) == [], "a nightly does without the drill key"
    (home / DRILL).unlink()
    assert check_keys(inventory, home) == []
