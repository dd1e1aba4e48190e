"""Stored homes: which a repository has, whose they are, and which of them is to be believed."""

from dataclasses import dataclass
from pathlib import Path

from dr import plugins
from dr.errors import ConfigError, Damaged, DrError, Refused
from dr.model.base import HostPath, RepositoryName, Sha256
from dr.model.home import HomeManifest, HomeSeen
from dr.model.ports import Repository
from dr.repositories.directory import identify
from dr.stream import home as stored

_SHORTEST = 32
"""Hex digits of a fingerprint that must be given at least: fewer could be met by somebody with patience."""


@dataclass(frozen=True)
class Place:
    """A repository, opened by somebody who need not have a home."""

    repository: Repository
    organisation: str
    tier: str


def open_place(given: str) -> Place:
    """The repository in a folder. Raises ConfigError, Refused, Unreachable."""
    root = Path(given).expanduser().resolve()
    identity = identify(root)
    kind = plugins.REPOSITORIES["directory"]
    params = kind.params.from_facts({"path": str(root)})
    repository = kind.open(RepositoryName(root.name or "repository"), identity.tier, params, HostPath("/"), identity.organisation)
    return Place(repository, identity.organisation, identity.tier)


def listed(place: Place) -> list[HomeSeen]:
    """Every stored home, newest first, whole or not."""
    return [stored.seen(place.repository, name, place.organisation) for name in stored.names(place.repository)]


def believed(trust: str | None) -> str | None:
    """The fingerprint (or its beginning) that a person trusts: from a public key's file, or as it is written on paper."""
    if trust is None:
        return None
    typed = "".join(trust.split()).lower()
    if len(typed) >= _SHORTEST and not set(typed) - set("0123456789abcdef"):
        return typed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    try:
        key = load_pem_public_key(Path(trust).expanduser().read_bytes())
    except (OSError, ValueError):
        hint = f"name the signing key's public file (keys/signing.pub), or write its fingerprint, {_SHORTEST} digits of it at least"
        raise ConfigError(f"{trust} is no public key", hint=hint) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{trust} is no Ed25519 public key")
    return stored.fingerprint(key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())


def choose(place: Place, trust: str | None, at: str | None) -> tuple[HomeManifest, list[str]]:
    """The newest home that is whole and believed, and a line for each newer one that is not.

    `trust`: a fingerprint, or None, where every home must then be signed by one and the same key: somebody who planted one of his own
    would be seen. Raises Refused, Damaged or ConfigError.
    """
    names = [name for name in stored.names(place.repository) if at is None or name.startswith(at)]
    if not names:
        raise Refused(
            f"{place.repository.name} holds no home" + (f" of {at}" if at else ""),
            hint="a nightly with a save-home step stores one; is it another repository?",
        )
    if trust is None:
        _require_one_signer(place)
    notes: list[str] = []
    for name in names:
        try:
            manifest = _good(place, name, trust)
        except Damaged as error:
            notes.append(f"passed over: {error.message}")
            continue
        return manifest, notes
    raise Damaged(f"no home in {place.repository.name} can be used: {'; '.join(notes)}", hint="try another tier's repository")


def _good(place: Place, name: str, trust: str | None) -> HomeManifest:
    manifest = stored.read_manifest(place.repository, name, place.organisation)
    mark = stored.fingerprint(manifest.public)
    if trust is not None and not mark.startswith(trust):
        raise Damaged(f"home {name} was signed by key {grouped(mark)}, which is not the trusted one")
    stored.require_whole(place.repository, manifest)
    return manifest


def _require_one_signer(place: Place) -> None:
    signers: dict[Sha256, str] = {}
    for name in stored.names(place.repository):
        try:
            manifest = stored.read_manifest(place.repository, name, place.organisation)
        except DrError:
            continue
        signers.setdefault(stored.fingerprint(manifest.public), name)
    if len(signers) > 1:
        shown = "; ".join(f"{name} by {grouped(key)}" for key, name in signers.items())
        raise Refused(
            f"the homes in {place.repository.name} are signed by {len(signers)} keys: {shown}",
            hint="one of them may be a stranger's: say which to believe with --trust, from the paper that you keep",
        )


def grouped(fingerprint: str) -> str:
    """For reading aloud and comparing with paper."""
    return " ".join(fingerprint[at : at + 8] for at in range(0, len(fingerprint), 8))
