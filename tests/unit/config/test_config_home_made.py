"""`dr init`, the keys it makes, and how a home is found."""

import stat
from pathlib import Path

import pytest

from dr.config.home import find_home
from dr.config.init import examples, init_home
from dr.config.keys import DIGEST, DRILL, ESCROW, RECIPIENTS, SIGNING, SIGNING_PUBLIC, HomeKeys, make_keys
from dr.config.load import load
from dr.config.plan import compile_plan
from dr.config.secrets import check_secrets
from dr.errors import ConfigError, Damaged, Refused
from dr.model.inventory import Keys, SecretRef
from dr.plugins import kinds

pytestmark = pytest.mark.unit


def keyring(home: Path, **changes: object) -> HomeKeys:
    given = {"recipients": ("a", "b"), "identity": SecretRef(file=DRILL), "signing": SecretRef(file=SIGNING), "trusted": (SIGNING_PUBLIC,)}
    return HomeKeys(home, Keys(**(given | changes)))  # type: ignore[arg-type]


OF_A_SYSTEM = ("backup", "drill", "recovery")
"""Kinds of runbooks that are about one system; outages, offices and what there are two of are about all."""


def tree(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def test_a_new_home_passes_as_it_is(tmp_path: Path) -> None:
    """The first `dr check` of a new organisation finds nothing wrong in the files, and lists just the secrets that a person must bring."""
    lines = init_home(tmp_path / "home", 'St. Mary\'s "Shelter" \\ Ünïon', "America/Chicago")
    loaded = load(tmp_path / "home", kinds())
    assert loaded.inventory.organisation.name == 'St. Mary\'s "Shelter" \\ Ünïon'
    assert sorted(loaded.runbooks) == [
        "drill-online",
        "drill-vault",
        "failback",
        "nightly",
        "office-failover",
        "outage",
        "recover",
        "watch",
    ]
    for runbook in loaded.runbooks.values():
        assert compile_plan(runbook, loaded.inventory, {}, kinds()).system == ("hmis" if runbook.kind in OF_A_SYSTEM else None)
    missing = check_secrets(loaded.inventory, tmp_path / "home", {})
    assert [problem.file for problem in missing] == ["inventory/contacts.yaml"] * 5 + ["inventory/hosts.yaml"]
    assert any(ESCROW in line for line in lines)


def test_every_comment_of_the_templates_is_kept(tmp_path: Path) -> None:
    """A new home explains itself: only name, zone and keys differ from the example."""
    init_home(tmp_path / "home", "Org", "Europe/Berlin")
    for template in (*(examples() / "inventory").glob("*.yaml"), *(examples() / "runbooks").glob("*.yaml")):
        made = (tmp_path / "home" / template.parent.name / template.name).read_text()
        changed = [line for line, other in zip(template.read_text().splitlines(), made.splitlines(), strict=True) if line != other]
        assert len(changed) == (4 if template.name == "organisation.yaml" else 0)
    loaded = load(tmp_path / "home", kinds())
    assert loaded.inventory.organisation.zone == "Europe/Berlin"


def test_the_system_has_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """No `hmis` is left anywhere in the inventory, the runbooks or the instructions, and all of it still fits together."""
    lines = init_home(tmp_path / "home", "Org", "UTC", "client-records")
    texts = [path.read_text() for folder in ("inventory", "runbooks") for path in (tmp_path / "home" / folder).iterdir()]
    assert not [line for line in (*lines, *texts) if "hmis" in line or "Homeless Management" in line or "the client database" in line]
    assert "  5. dr run nightly, then dr drill client-records --tier online, then dr status." in lines
    loaded = load(tmp_path / "home", kinds())
    assert list(loaded.inventory.systems) == ["client-records"]
    for runbook in loaded.runbooks.values():
        assert compile_plan(runbook, loaded.inventory, {}, kinds()).system == ("client-records" if runbook.kind in OF_A_SYSTEM else None)


@pytest.mark.parametrize("system", ["", "HMIS", "1st", "a b", "a_b", "x" * 41, "a\n"])
def test_a_name_that_no_system_can_have_is_refused(tmp_path: Path, system: str) -> None:
    """Before anything is made."""
    with pytest.raises(ConfigError, match="cannot name a system"):
        init_home(tmp_path / "home", "Org", "UTC", system)
    assert not (tmp_path / "home").exists()


def test_the_templates_say_what_a_newcomer_asked(tmp_path: Path) -> None:
    """Who fires a schedule, what is written into production, and how small a channel may be."""
    init_home(tmp_path / "home", "Org", "UTC")
    nightly = (tmp_path / "home" / "runbooks" / "nightly.yaml").read_text()
    assert "`dr schedule install`" in nightly
    assert "table dr.needle" in (tmp_path / "home" / "inventory" / "hosts.yaml").read_text()
    assert "One contact is enough" in (tmp_path / "home" / "inventory" / "contacts.yaml").read_text()


def test_keys_are_private_and_never_replaced(tmp_path: Path) -> None:
    """Made again, nothing changes: a key that was replaced would make every backup unreadable."""
    home = tmp_path / "home"
    init_home(home, "Org", "UTC")
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o700
    for name in (DRILL, ESCROW, SIGNING, DIGEST):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    before = tree(home)
    init_home(home, "Other", "UTC")
    assert tree(home) == before


def test_an_escrow_key_that_was_carried_away_is_not_made_anew(tmp_path: Path) -> None:
    """Its public half is remembered, so a second `dr init` neither replaces nor forgets it."""
    first = make_keys(tmp_path)
    (tmp_path / ESCROW).unlink()
    (tmp_path / DRILL).unlink()
    again = make_keys(tmp_path)
    assert (again["drill"], again["escrow"]) == (first["drill"], first["escrow"])
    assert not (tmp_path / ESCROW).exists()
    assert first["drill"] in (tmp_path / RECIPIENTS).read_text()


@pytest.mark.positive_control
def test_without_that_memory_another_escrow_key_would_be_made(tmp_path: Path) -> None:
    """The twin: with the list of public keys gone as well, the keys differ."""
    first = make_keys(tmp_path)
    (tmp_path / ESCROW).unlink()
    (tmp_path / RECIPIENTS).unlink()
    assert make_keys(tmp_path)["escrow"] != first["escrow"]


def test_what_the_keyring_signs_it_believes_and_nothing_else(tmp_path: Path) -> None:
    """Promise 4 rests on this: one changed byte, or a foreign key, is Damaged."""
    make_keys(tmp_path / "ours")
    make_keys(tmp_path / "foreign")
    ours, foreign = keyring(tmp_path / "ours"), keyring(tmp_path / "foreign")
    signature = ours.sign(b"manifest")
    assert len(signature) == 64
    ours.verify(b"manifest", signature)
    for data, made in [
        (b"manifesT", signature),
        (b"manifest", foreign.sign(b"manifest")),
        (b"manifest", b""),
        (b"manifest", signature[:-1]),
    ]:
        with pytest.raises(Damaged, match="the signature was made by none of the trusted keys"):
            ours.verify(data, made)


@pytest.mark.positive_control
def test_a_foreign_key_that_is_trusted_is_believed(tmp_path: Path) -> None:
    """The twin: with the foreign public key among the trusted ones, its signature passes."""
    make_keys(tmp_path / "ours")
    make_keys(tmp_path / "foreign")
    both = keyring(tmp_path / "ours", trusted=(SIGNING_PUBLIC, f"../foreign/{SIGNING_PUBLIC}"))
    signature = keyring(tmp_path / "foreign").sign(b"manifest")
    with pytest.raises(Damaged):
        keyring(tmp_path / "ours").verify(b"manifest", signature)
    both.verify(b"manifest", signature)
    assert signature != both.sign(b"manifest"), "it is the foreign key's own signature that passed"


def test_the_drill_key_opens_what_its_recipient_closed(tmp_path: Path) -> None:
    import pyrage

    made = make_keys(tmp_path)
    sealed = pyrage.encrypt(b"x", [pyrage.x25519.Recipient.from_str(made["drill"])])
    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(keyring(tmp_path).identity())]) == b"x"
    assert len(keyring(tmp_path).digest_key()) == 32


def test_a_home_without_a_drill_key_says_so(tmp_path: Path) -> None:
    """A backup host cannot read its own backups; and a key that is not one is refused, never half used."""
    make_keys(tmp_path)
    with pytest.raises(Refused, match="this home has no drill key"):
        keyring(tmp_path, identity=None).identity()
    with pytest.raises(Refused, match="holds no age identity"):
        keyring(tmp_path, identity=SecretRef(file=SIGNING)).identity()
    with pytest.raises(Refused, match="the signing key cannot be read"):
        keyring(tmp_path, signing=SecretRef(file=DRILL)).sign(b"")
    with pytest.raises(Refused, match="cannot be read"):
        keyring(tmp_path, trusted=("keys/absent.pub",)).verify(b"", b"")
    (tmp_path / DIGEST).write_text("short\n")
    with pytest.raises(Refused, match="is not 64 hex digits"):
        keyring(tmp_path).digest_key()


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    """A key that OpenSSL calls a key, but not one that signs as ours do."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    make_keys(tmp_path)
    other = X25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (tmp_path / SIGNING).write_bytes(other.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    (tmp_path / SIGNING_PUBLIC).write_bytes(other.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(Refused, match="the signing key is not an Ed25519 key"):
        keyring(tmp_path).sign(b"")
    with pytest.raises(Refused, match=r"the trusted key .* is not an Ed25519 key"):
        keyring(tmp_path).verify(b"", b"")


def test_init_refuses_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    with pytest.raises(Refused, match="home is not a folder"):
        init_home(tmp_path / "home", "Org", "UTC")
    assert (tmp_path / "home").read_text() == "mine"


def test_init_refuses_a_place_with_other_things(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(Refused) as caught:
        init_home(tmp_path, "Org", "UTC")
    assert str(caught.value) == f"{tmp_path} holds other things (thesis.txt)\n   HINT: name a new or empty folder"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("name", "zone", "told"), [("", "UTC", "needs a name"), ("a\nb: c", "UTC", "one line"), ("Org", "Madison", "time zone")]
)
def test_init_refuses_what_would_make_a_bad_file(tmp_path: Path, name: str, zone: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        init_home(tmp_path / "home", name, zone)
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Chicago", "Did you mean 'America/Chicago'?"),
        ("america/chicago", "Did you mean 'America/Chicago'?"),
        ("America/Chcago", "Did you mean 'America/Chicago'?"),
        ("new york", "Did you mean 'America/New_York'?"),
        ("Milwaukee", "write an IANA name such as America/Chicago"),
        ("America/Madison", "write an IANA name such as America/Chicago"),
        ("", "write an IANA name such as America/Chicago"),
    ],
)
def test_a_zone_that_is_none_is_answered_with_the_one_that_was_meant(tmp_path: Path, zone: str, hint: str) -> None:
    """A city is enough to know it by; a town without a zone of its own is not answered with a far island's."""
    with pytest.raises(ConfigError) as caught:
        init_home(tmp_path / "home", "Org", zone)
    assert str(caught.value) == f"'{zone}' is not a time zone\n   HINT: {hint}"


def test_the_home_is_named_or_found_upwards(tmp_path: Path) -> None:
    """`--home`, then DR_HOME, then the nearest folder that holds inventory/; a named place that is none is an error, not a fallback."""
    for name in ("a", "b", "c/d/e"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("a", "b", "c"):
        (tmp_path / name / "inventory").mkdir()
    env = {"DR_HOME": str(tmp_path / "b")}
    assert find_home(str(tmp_path / "a"), env, tmp_path) == tmp_path / "a"
    assert find_home("a", env, tmp_path) == tmp_path / "a"
    assert find_home(None, env, tmp_path / "c" / "d") == tmp_path / "b"
    assert find_home(None, {}, tmp_path / "c" / "d" / "e") == tmp_path / "c"
    with pytest.raises(ConfigError, match="is not a home: it holds no inventory/"):
        find_home(str(tmp_path), env, tmp_path / "a")
    with pytest.raises(ConfigError) as caught:
        find_home(None, {}, Path("/"))
    assert str(caught.value) == (
        "there is no home here: neither / nor a folder above it holds inventory/\n"
        "   HINT: dr init PATH makes a home; or name one with --home or DR_HOME"
    )


def test_a_second_init_says_that_there_is_a_home_and_changes_nothing(tmp_path: Path) -> None:
    """Instructions for new keys would send a person away with the wrong ones; one that was cut short is completed."""
    home = tmp_path / "home"
    first = init_home(home, "Org", "UTC")
    held = {file: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    assert init_home(home, "Other", "UTC") == [f"{home} is a home already, with all its files; nothing was changed."]
    assert {file: file.read_bytes() for file in home.rglob("*") if file.is_file()} == held
    (home / "runbooks" / "nightly.yaml").unlink()
    assert init_home(home, "Org", "UTC") == first


def test_the_example_of_the_source_is_no_home(tmp_path: Path) -> None:
    """In a checkout, the first thing said is what the folder is; not that its placeholder is no key."""
    said = (
        f"{examples()} is no home: its inventory/ is the example that comes with the source\n"
        "   HINT: dr init PATH makes a home from it; then name that with --home or DR_HOME"
    )
    for named, where in ((str(examples()), tmp_path), (None, examples() / "runbooks")):
        with pytest.raises(ConfigError) as caught:
            find_home(named, {}, where)
        assert str(caught.value) == said
    init_home(tmp_path / "home", "Org", "UTC")
    assert find_home(str(tmp_path / "home"), {}, tmp_path) == tmp_path / "home"
