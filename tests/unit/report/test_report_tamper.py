"""Promise 11: evidence can be checked offline with the public key alone, and no byte of it can be changed unnoticed."""

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.errors import Damaged, Refused
from dr.model.base import canonical
from dr.report.write import read_signed, written
from tests.support.report_evidence import evidence

pytestmark = pytest.mark.unit
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
BODY = evidence().to_facts()
FILE = written(BODY, "ab" * 32, KEY.sign(canonical(BODY)))


def believe(data: bytes, signature: bytes) -> None:
    try:
        KEY.public_key().verify(signature, data)
    except InvalidSignature:
        raise Damaged("not ours") from None


def believe_all(data: bytes, signature: bytes) -> None:
    """A verifier that looks at nothing."""


def test_what_was_written_is_read_again() -> None:
    read, key = read_signed(FILE, believe)
    assert (read, key) == (evidence(), "ab" * 32)
    assert FILE.endswith(b"\n") and FILE[:-1] == canonical(json.loads(FILE))


@settings(max_examples=400, deadline=None)
@given(at=st.integers(0, len(FILE) - 1), flip=st.integers(1, 255))
def test_no_changed_byte_passes(at: int, flip: int) -> None:
    """Any byte, changed in any way, is found; only the name of the key, which nothing rests on, may differ."""
    changed = FILE[:at] + bytes([FILE[at] ^ flip]) + FILE[at + 1 :]
    try:
        read, key = read_signed(changed, believe)
    except Damaged:
        return
    assert read == evidence() and key != "ab" * 32


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, len(FILE)), insert=st.binary(max_size=3), drop=st.integers(0, 3))
def test_nothing_is_added_or_cut(at: int, insert: bytes, drop: int) -> None:
    changed = FILE[:at] + insert + FILE[at + drop :]
    if changed == FILE:
        return
    try:
        read, key = read_signed(changed, believe)
    except Damaged:
        return
    assert read == evidence() and key != "ab" * 32


@pytest.mark.positive_control
def test_without_the_signature_a_changed_verdict_would_pass() -> None:
    """The content itself is protected by the signature and by nothing else."""
    changed = FILE.replace(b'"verdict":"PASS"', b'"verdict":"FAIL"')
    assert read_signed(changed, believe_all)[0].verdict == "FAIL"
    with pytest.raises(Damaged):
        read_signed(changed, believe)


def test_a_key_id_that_is_not_the_verifiers_is_no_reason_to_disbelieve() -> None:
    """Judged by the signature: a renamed key makes nothing false, and nothing true."""
    other = written(BODY, "cd" * 32, KEY.sign(canonical(BODY)))
    assert read_signed(other, believe)[1] == "cd" * 32
    foreign = written(BODY, "ab" * 32, Ed25519PrivateKey.generate().sign(canonical(BODY)))
    with pytest.raises(Damaged):
        read_signed(foreign, believe)


def test_the_same_content_written_otherwise_is_not_the_file() -> None:
    for changed in (json.dumps(json.loads(FILE)).encode(), FILE + b"\n", FILE[:-1], FILE.replace(b"Shelter", b"\\u0053helter")):
        with pytest.raises(Damaged):
            read_signed(changed, believe)


def test_strange_files_are_damaged_not_a_crash() -> None:
    body = {**BODY, "x": float("nan")}
    nan = json.dumps({"evidence": body, "key": "k", "signature": base64.b64encode(b"s" * 64).decode()}).encode()
    for strange in (b"", b"\xff\xfe", b"{}", b"[]", b"null", nan, b'{"evidence":{},"key":"\\ud800","signature":""}', b"[" * 5000):
        with pytest.raises(Damaged):
            read_signed(strange, believe)


def test_the_page_is_told_from_the_evidence() -> None:
    with pytest.raises(Damaged, match="this is the page") as raised:
        read_signed(b"<!doctype html>", believe)
    assert raised.value.hint == "the signed original is the .json file beside it"


def test_a_later_format_is_genuine_and_refused() -> None:
    """A signed file that this version cannot read is not called damaged."""
    later = {**BODY, "format": 2, "tool": "dr 9.0"}
    with pytest.raises(Refused, match="genuine, but this dr cannot read it"):
        read_signed(written(later, "ab" * 32, KEY.sign(canonical(later))), believe)
