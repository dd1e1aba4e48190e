"""Format 1: what lies where in a set, and how a signature is written down.

<artifact>/<000000>.zst.age ...   parts, in stream order: the plain bytes as one zstd frame, that as one age file
index.zst.age                     SetIndex as JSON, encoded in the same way
RESTORE.md                        how to restore the set with age, zstd and tar alone; bound by the manifest
manifest.json, manifest.sig       written last: a set without them does not exist
audit-head.json, holds/           beside them; may be published later; each bears its own signature
"""

import base64
import binascii
import json
import re

from dr.errors import Damaged
from dr.model.backup import Artifact
from dr.model.base import SetId, SystemName, canonical
from dr.model.ports import Keyring
from dr.model.record import AuditHead

INDEX = "index.zst.age"
GUIDE = "RESTORE.md"
MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
AUDIT_HEAD = "audit-head.json"
HOLDS = "holds/"
INDEX_LIMIT = 256 * 2**20
"""Plain bytes of an index at most."""
LONGEST = INDEX_LIMIT + 64 * 2**20
"""Bytes that are taken as one message from a `dr` on another machine at most: an index, and what is said with it."""
PARTS_LIMIT = 10**6
"""Parts of one artifact at most: their names have six digits, so that a shell's glob puts them in order."""

_PART = re.compile(r"^[a-z][a-z0-9-]{0,59}/\d{6}\.zst\.age$")


def part_path(artifact: str, number: int) -> str:
    return f"{artifact}/{number:06}.zst.age"


def is_part(path: str) -> bool:
    return bool(_PART.match(path))


def is_beside(path: str) -> bool:
    """Whether it is a place for what may be published, and withdrawn, after the set was sealed."""
    return path == AUDIT_HEAD or (path.startswith(HOLDS) and path != HOLDS)


def part_paths(artifact: Artifact) -> list[str]:
    return [part_path(artifact.name, part.number) for part in artifact.parts]


def write_signature(signature: bytes) -> bytes:
    """As it is stored: base64 and a newline."""
    return base64.b64encode(signature) + b"\n"


def read_signature(stored: bytes) -> bytes:
    """Raises Damaged unless it is exactly what `write_signature` writes: base64 has several spellings of the same bytes."""
    try:
        signature = base64.b64decode(stored.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise Damaged("a signature is not base64") from None
    if write_signature(signature) != stored:
        raise Damaged("a signature is not spelled as it was written")
    return signature


def write_audit_head(head: AuditHead, system: SystemName, set_id: SetId, keys: Keyring) -> bytes:
    """`audit-head.json`: the head of the audit chain when the set was sealed, signed together with the set it lies in."""
    facts = {"head": head.to_facts(), "set": set_id, "system": system}
    signature = base64.b64encode(keys.sign(canonical(facts))).decode()
    return canonical({**facts, "signature": signature}) + b"\n"


def read_audit_head(stored: bytes, system: SystemName, set_id: SetId, keys: Keyring) -> AuditHead:
    """Raises Damaged unless it was signed for this set."""
    try:
        facts = json.loads(stored)
        spelling = canonical(facts) + b"\n"
        signature = base64.b64decode(facts.pop("signature"), validate=True)
        keys.verify(canonical(facts), signature)
        head = AuditHead.from_facts(facts["head"])
        where = (facts["system"], facts["set"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Damaged(f"{AUDIT_HEAD} of set {set_id} cannot be read") from None
    if where != (system, set_id):
        raise Damaged(f"{AUDIT_HEAD} of set {set_id} was signed for another set")
    if stored != spelling or base64.b64encode(signature).decode() != json.loads(stored)["signature"]:
        raise Damaged(f"{AUDIT_HEAD} of set {set_id} is not spelled as it was written")
    return head
