"""Whether each key file is what its place says: of the right kind, whole, and believed. Asked before a run needs it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dr.config.inventory import read_folder
from dr.config.keys import DIGEST, HomeKeys, kept_drill_keys, place, public_half, read_identity
from dr.config.nodes import match
from dr.config.problems import Problem
from dr.config.secrets import every_secret, resolve_secret
from dr.errors import Refused
from dr.model.inventory import Inventory, Keys, SecretRef

Place = tuple[str, ...]
_IDENTITY: Place = ("organisation", "keys", "identity")
_SIGNING: Place = ("organisation", "keys", "signing")
_TRUSTED: Place = ("organisation", "keys", "trusted")
DIGEST_PLACE: Place = ("organisation", "keys", "digest")
"""Not written in the inventory: the file has one place only."""
_EXCHANGED = "was a file put into another's place?"
_KINDS = (
    (re.compile(r"^AGE-SECRET-KEY-", re.M), "an age identity, as a drill or an escrow key is"),
    (re.compile(r"PRIVATE KEY-----"), "a private key in PEM, as a signing key is"),
    (re.compile(r"PUBLIC KEY-----"), "a public key in PEM"),
    (re.compile(r"^age1", re.M), "a public age key"),
    (re.compile(r"\A[0-9a-f]{64}\s*\Z"), "64 hex digits, as the digest key is"),
)
"""The private kinds first: a public key stands in the comment of a private one."""


@dataclass(frozen=True)
class KeyTrouble:
    """What is wrong with one key. `where`: its place in the inventory."""

    where: Place
    message: str
    hint: str
    unset: bool = False
    """Its secret is not to be had at all (missing, empty, open to others)."""


def check_keys(inventory: Inventory, home: Path, *, wanted: Callable[[Place], bool] = every_secret) -> list[Problem]:
    """A problem for every wanted key that is there and is not what it should be; what is not there is `check_secrets`'s to say."""
    found = [one for one in key_troubles(inventory.organisation.keys, home) if wanted(one.where)]
    found = [one for one in found if not (one.unset and one.where in (_IDENTITY, _SIGNING))]
    if not found:
        return []
    root, _ = read_folder(home)
    nodes = {where: node for where in (_IDENTITY, _SIGNING, _TRUSTED) for _, _, node in match(root, where)}
    keys = next(node for _, _, node in match(root, ("organisation", "keys")))
    return [nodes.get(one.where, keys).problem(f"{'.'.join(one.where)}: {one.message}", one.hint) for one in found]


def key_troubles(keys: Keys, home: Path) -> list[KeyTrouble]:
    """Everything that is wrong with the key files of a home, in the order drill, signing, trusted, digest. Reads, writes nothing."""
    return [*_drill(keys, home), *_signing(keys, home), *_trusted(keys, home), *_digest(keys, home)]


def held(text: str) -> str:
    """What a file holds instead: `, but a public key in PEM`. Nothing of its content."""
    found = next((words for pattern, words in _KINDS if pattern.search(text)), "")
    return f", but {found}" if found else ""


def _drill(keys: Keys, home: Path) -> Iterator[KeyTrouble]:
    named = [keys.identity] if keys.identity is not None else []
    for ref in [*named, *(SecretRef(file=name) for name in kept_drill_keys(home) if named)]:
        where = place(ref)
        try:
            text = resolve_secret(ref, home)
        except Refused as error:
            yield KeyTrouble(_IDENTITY, error.message, error.hint, unset=ref == keys.identity)
            continue
        try:
            public_half(read_identity(ref, home, where))
        except Refused as error:
            whole = "holds no age identity" not in error.message
            message = f"{where}: {error.message}" if whole else error.message + held(text)
            yield KeyTrouble(_IDENTITY, message, error.hint if whole else f"{error.hint}; {_EXCHANGED}")


def _signing(keys: Keys, home: Path) -> Iterator[KeyTrouble]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        text = resolve_secret(keys.signing, home)
    except Refused as error:
        yield KeyTrouble(_SIGNING, error.message, error.hint, unset=True)
        return
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError):
        hint = f"it is an unencrypted Ed25519 key in PEM, as dr init makes it; {_EXCHANGED}"
        yield KeyTrouble(_SIGNING, f"{place(keys.signing)} holds no signing key{held(text)}", hint)
        return
    if not isinstance(key, Ed25519PrivateKey):
        yield KeyTrouble(_SIGNING, f"{place(keys.signing)} is not an Ed25519 key", f"bring the home's own back from a backup; {_EXCHANGED}")
        return
    believed = [raw for name in keys.trusted if (raw := _public(home / name)) is not None]
    if believed and key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) not in believed:
        hint = "bring the right signing key back, or name its public half under organisation.keys.trusted"
        yield KeyTrouble(_SIGNING, f"what {place(keys.signing)} signs, none of the trusted keys would verify", hint)


def _trusted(keys: Keys, home: Path) -> Iterator[KeyTrouble]:
    for name in keys.trusted:
        try:
            text = (home / name).read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            reason = (error.strerror or "it cannot be opened").lower()
            yield KeyTrouble(_TRUSTED, f"the trusted key {name}: {reason}", "it is an Ed25519 public key in PEM, below the home")
            continue
        if _public(home / name) is None:
            hint = f"it is an Ed25519 public key in PEM; {_EXCHANGED}"
            if "PRIVATE" in text or "AGE-SECRET-KEY-" in text:
                hint += " A private key that others could read is to be replaced: dr keys rotate"
            yield KeyTrouble(_TRUSTED, f"{name} holds no public key of a signer{held(text)}", hint)


def _public(path: Path) -> bytes | None:
    """The raw bytes of an Ed25519 public key in PEM; None for everything else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        return None
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw) if isinstance(key, Ed25519PublicKey) else None


def _digest(keys: Keys, home: Path) -> Iterator[KeyTrouble]:
    try:
        HomeKeys(home, keys).digest_key()
    except Refused as error:
        try:
            instead = held(resolve_secret(SecretRef(file=DIGEST), home))
        except Refused:
            instead = ""
        yield KeyTrouble(DIGEST_PLACE, error.message + instead, error.hint)
