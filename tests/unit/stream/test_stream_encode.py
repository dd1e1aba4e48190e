"""One part's encoding, and the rules by which a stored one serves again."""

from datetime import timedelta

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.errors import ConfigError, Damaged
from dr.model.backup import PartCopy
from dr.model.base import ByteCount, RepositoryName, SetId, Sha256
from dr.stream.encode import Decoder, Encoder, encoding_digest, plain_digest, zstd
from dr.stream.layout import is_beside, read_audit_head, read_signature, write_audit_head, write_signature
from dr.stream.reuse import Reusable, reusable
from tests.support.stream_context import HMIS, NOW, StreamRecords
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit

KEYS = TestKeys()
ENCODER = Encoder(KEYS.recipients)
ENCODING = ENCODER.digest


@given(st.binary(max_size=5000))
@settings(max_examples=20, deadline=None)
def test_what_is_encoded_decodes_with_either_key(plain: bytes) -> None:
    stored = ENCODER.encode(plain)
    for identity in (KEYS.identity(), str(KEYS.escrow)):
        assert Decoder(f"# a comment\n{identity}\n").decode(stored, limit=len(plain)) == plain


def test_a_byte_more_than_the_limit_is_damage() -> None:
    with pytest.raises(Damaged, match="unpacks to more than the 99 bytes"):
        Decoder(KEYS.identity()).decode(ENCODER.encode(bytes(100)), limit=99)


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (b"no frame at all", "its zstd frame is broken"),
        (zstd.compress(b"one") + zstd.compress(b"two"), "it is not exactly one zstd frame"),
        (zstd.compress(b"one") + b"and more", "it is not exactly one zstd frame"),
        (zstd.compress(bytes(1000))[:-3], "it is not exactly one zstd frame"),
    ],
    ids=["none", "two", "more", "cut"],
)
def test_what_is_not_one_whole_frame_is_damage(frame: bytes, why: str) -> None:
    """What our key opens must still be what we write: nothing less, nothing behind it."""
    sealed = pyrage.encrypt(frame, [pyrage.x25519.Recipient.from_str(KEYS.recipients[0])])
    with pytest.raises(Damaged, match=why):
        Decoder(KEYS.identity()).decode(sealed, limit=2000)


def test_anothers_key_opens_nothing() -> None:
    with pytest.raises(Damaged, match="cannot be decrypted with this key"):
        Decoder(TestKeys().identity()).decode(ENCODER.encode(b"1"), limit=10)


@pytest.mark.parametrize("recipients", [(), KEYS.recipients[:1], KEYS.recipients[:1] * 2, ("age1nonsense", KEYS.recipients[0])])
def test_recipients_that_are_too_few_or_none_are_refused(recipients: tuple[str, ...]) -> None:
    """A set that one lost key makes unreadable is no backup."""
    with pytest.raises(ConfigError):
        Encoder(recipients)


def test_the_encoding_is_the_recipients_and_the_compression() -> None:
    one, two = KEYS.recipients
    assert encoding_digest((one, two), "zstd-3") == encoding_digest((two, one), "zstd-3") == ENCODING
    assert len({ENCODING, encoding_digest((one, two), "zstd-9"), encoding_digest((one, one), "zstd-3")}) == 3


def test_a_plain_digest_depends_on_the_key() -> None:
    """Without the key, nobody can tell which known file is in a set."""
    assert plain_digest(b"one", b"data") != plain_digest(b"two", b"data")


def part(repository: str = "online", sha256: str = "a", **change: object) -> PartCopy:
    facts = PartCopy(
        system=HMIS,
        repository=RepositoryName(repository),
        set=SetId("20261121T070000Z-abcdef"),
        artifact="site",
        number=0,
        plain="p",
        size=ByteCount(1),
        sha256=Sha256(sha256 * 64),
        encoding=ENCODING,
        origin=SetId("20261121T070000Z-abcdef"),
        written=NOW - timedelta(days=1),
        read_back=NOW - timedelta(days=1),
    )
    return facts.model_copy(update=change)


@pytest.mark.parametrize(
    ("change", "serves"),
    [
        ({}, True),
        ({"encoding": "0" * 64}, False),
        ({"read_back": None}, False),
        ({"read_back": NOW - timedelta(days=7)}, True),
        ({"read_back": NOW - timedelta(days=7, seconds=1)}, False),
        ({"written": NOW - timedelta(days=14) + timedelta(seconds=1)}, True),
        ({"written": NOW - timedelta(days=14)}, False),
        ({"read_back": NOW + timedelta(minutes=4)}, True),
        ({"read_back": NOW + timedelta(minutes=6)}, False),
        ({"written": NOW + timedelta(minutes=6)}, False),
    ],
)
def test_the_rules_of_reuse_to_the_second(change: dict[str, object], serves: bool) -> None:
    assert reusable(part().model_copy(update=change), ENCODING, NOW) is serves


def test_the_encoding_that_most_repositories_hold_is_chosen() -> None:
    """So that as little as possible is written, and every copy is the same."""
    held = [part("online", "a"), part("vault", "b"), part("online", "b"), part("third", "a", written=NOW - timedelta(days=3))]
    choice = Reusable(held, ENCODING, NOW).choose("p", map(RepositoryName, ("online", "vault")))
    assert choice is not None
    assert (choice.sha256[0], sorted(choice.held)) == ("b", ["online", "vault"])
    assert Reusable(held, ENCODING, NOW).choose("other", [RepositoryName("online")]) is None
    assert Reusable(held, ENCODING, NOW).choose("p", [RepositoryName("fourth")]) is None


def test_an_audit_head_belongs_to_its_set() -> None:
    """It cannot be moved to another set, nor made by a stranger."""
    set_id, other = SetId("20261121T070000Z-abcdef"), SetId("20261122T070000Z-abcdef")
    head = StreamRecords().audit_head()
    stored = write_audit_head(head, HMIS, set_id, KEYS)
    assert read_audit_head(stored, HMIS, set_id, KEYS) == head
    for args in ((stored, HMIS, other, KEYS), (stored[:-9], HMIS, set_id, KEYS), (stored, HMIS, set_id, TestKeys(seed="b"))):
        with pytest.raises(Damaged):
            read_audit_head(*args)


def test_a_signature_has_one_spelling() -> None:
    """Base64 has several for the same bytes, and JSON too: a changed file that still verifies would be a change that nobody sees."""
    stored = write_signature(bytes(range(64)))
    assert read_signature(stored) == bytes(range(64))
    slack = stored[:-4] + bytes([stored[-4] + 1]) + stored[-3:]
    for spelling in (slack, stored[:-1], stored + b"\n", b" " + stored, stored.replace(b"A", b"A\n", 1), b"", "ä".encode()):
        with pytest.raises(Damaged):
            read_signature(spelling)


def test_an_audit_head_has_one_spelling() -> None:
    set_id = SetId("20261121T070000Z-abcdef")
    stored = write_audit_head(StreamRecords().audit_head(), HMIS, set_id, KEYS)
    for spelling in (stored[:-1], stored + b" ", stored.replace(b":", b": ", 1)):
        with pytest.raises(Damaged):
            read_audit_head(spelling, HMIS, set_id, KEYS)


def test_places_beside_a_manifest() -> None:
    assert [path for path in ("audit-head.json", "holds/a", "holds/", "manifest.json", "site/000000.zst.age") if is_beside(path)] == [
        "audit-head.json",
        "holds/a",
    ]
