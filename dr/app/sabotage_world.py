"""A private place in which a set may be damaged: a copy of it, another set, a pruned one, and what a catalog would know of the three.

Nothing in it is the real thing: the set's bytes were read from its repository, and lie in a folder that is removed with the world. Of a
big set only its first parts are taken, under a manifest that a key made for this world signed; no real signing key is used.
"""

import hashlib
import random
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from dr.errors import Damaged, Refused
from dr.model.backup import Artifact, Manifest, Part, Previous, Sealed, Tombstone, make_set_id
from dr.model.base import ByteCount, RepositoryName, RunId, SetId, Sha256, canonical, sha256
from dr.model.chain import Known, KnownCopy
from dr.model.ports import Keyring, Repository
from dr.model.record import AuditHead
from dr.repositories.directory import DirectoryRepository
from dr.stream.guide import guide
from dr.stream.layout import AUDIT_HEAD, GUIDE, INDEX, MANIFEST, SIGNATURE, part_path, write_audit_head, write_signature
from dr.stream.stored import read_signed

ENOUGH = 8 * 2**20
"""Stored bytes of parts that are taken of a set: damage in the ten-thousandth part is damage in the first."""
_NAME = RepositoryName("sabotage")


class WorldKeys:
    """Signs with a key of its own; believes that key and, where one is given, a home's. See `dr.model.ports.Keyring`."""

    def __init__(self, home: Keyring | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._home, self._own = home, Ed25519PrivateKey.generate()
        self.recipients: tuple[str, ...] = home.recipients if home else ()

    def sign(self, data: bytes) -> bytes:
        return self._own.sign(data)

    def verify(self, data: bytes, signature: bytes) -> None:
        from cryptography.exceptions import InvalidSignature

        try:
            self._own.public_key().verify(signature, data)
        except InvalidSignature:
            if self._home is None:
                raise Damaged("the signature was made by none of the trusted keys") from None
            self._home.verify(data, signature)

    def digest_key(self) -> bytes:
        raise Refused("nothing is written here")

    def identity(self) -> str:
        raise Refused("nothing is decrypted here")


class World:
    """`subject` is the set that is damaged; `other` and `pruned` are made up. After each mutant, `restore` puts everything back."""

    def __init__(self, root: Path, manifest: Manifest, source: Repository, keys: Keyring, seed: int) -> None:
        self.keys: Keyring = WorldKeys(keys)
        self.stranger: Keyring = WorldKeys()
        self.system, self.organisation = manifest.system, manifest.organisation
        self._root = root
        self.manifest, self.subject = _take(manifest, source, self.keys)
        self.parts = [path for path in self.subject if "/" in path]
        rng = random.Random(seed)  # noqa: S311
        self.other_id, self.pruned_id = self._before(manifest, 2, rng), self._before(manifest, 4, rng)
        self.other, self.pruned = self._made_up(self.other_id, rng), self._made_up(self.pruned_id, rng)
        self.repository: Repository = DirectoryRepository(_NAME, "sabotage", root / "repository", organisation=self.organisation)
        self.restore()

    def _before(self, manifest: Manifest, hours: int, rng: random.Random) -> SetId:
        return make_set_id(manifest.created - timedelta(hours=hours), f"{rng.randrange(16**6):06x}")

    # ------------------------------------------------------------ what is known of it

    def known(self) -> Known:
        at = self.manifest.created
        copies = [
            self._known(self.manifest.set, self.subject, at, self.manifest.previous),
            self._known(self.other_id, self.other, at - timedelta(hours=2), None),
            self._known(self.pruned_id, self.pruned, at - timedelta(hours=4), None, removed=at - timedelta(hours=1)),
        ]
        before = self.manifest.previous
        if before is not None:  # that one lies elsewhere
            early = at - timedelta(hours=9)
            entry = KnownCopy(set=before.set, repository=_NAME, manifest=before.manifest, committed=early, removed=at, rule="left out")
            copies.append(entry)
        return Known(organisation=self.organisation, system=self.system, copies=tuple(copies))

    def _known(
        self, set_id: SetId, files: Mapping[str, bytes], at: datetime, previous: Previous | None, removed: datetime | None = None
    ) -> KnownCopy:
        digest = sha256(files[MANIFEST])
        rule = "a test" if removed else None
        return KnownCopy(set=set_id, repository=_NAME, manifest=digest, committed=at, previous=previous, removed=removed, rule=rule)

    def stone(self, set_id: SetId | None = None, manifest: str = "") -> Tombstone:
        """A tombstone that would be right for the subject, or for another set."""
        files = {self.other_id: self.other, self.pruned_id: self.pruned}.get(set_id or self.manifest.set, self.subject)
        at = self.manifest.created
        return Tombstone(
            system=self.system,
            set=set_id or self.manifest.set,
            manifest=Sha256(manifest or sha256(files[MANIFEST])),
            instant=at,
            removed=at,
            run=RunId("sabotage"),
            rule="a test",
        )

    # ------------------------------------------------------------ names as findings give them

    def place(self, path: str = "", set_id: SetId | None = None) -> str:
        return f"{_NAME}/{set_id or self.manifest.set}: {path}"

    def other_place(self) -> str:
        return self.place(set_id=self.other_id)

    def pruned_place(self) -> str:
        return self.place(set_id=self.pruned_id)

    # ------------------------------------------------------------ damage

    @property
    def folder(self) -> Path:
        return self._folder(self.manifest.set)

    @property
    def other_folder(self) -> Path:
        return self._folder(self.other_id)

    def _folder(self, set_id: SetId) -> Path:
        return self._root / "repository" / "sets" / self.system / set_id

    def put(self, path: str, data: bytes) -> None:
        self.delete(path)
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_bytes(data)

    def delete(self, path: str) -> None:
        (self.folder / path).unlink(missing_ok=True)

    def link(self, path: str, to: Path | None = None) -> None:
        """A symbolic link in an object's place, to the same bytes elsewhere unless `to` says where."""
        target = to or self._root / "elsewhere" / path.replace("/", "-")
        if to is None:
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(self.subject[path])
        self.delete(path)
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).symlink_to(target)

    def link_folder(self, name: str) -> None:
        target = self._root / "elsewhere" / name
        target.parent.mkdir(exist_ok=True)
        (self.folder / name).rename(target)
        (self.folder / name).symlink_to(target)

    def add(self, set_id: SetId, files: Mapping[str, bytes]) -> None:
        for path, data in files.items():
            file = self._folder(set_id) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

    def drop_other(self) -> None:
        shutil.rmtree(self.other_folder)

    def seal(self, manifest: Manifest, keys: Keyring) -> None:
        for path, data in _sealed(manifest, keys).items():
            self.put(path, data)

    def with_part(self, path: str, data: bytes) -> Manifest:
        """The subject's manifest as it would be with these bytes as that part."""
        name, number = path.partition("/")[0], int(path.partition("/")[2][:6])
        artifacts = [_with_part(one, number, data) if one.name == name else one for one in self.manifest.artifacts]
        return self.manifest.model_copy(update={"artifacts": tuple(artifacts)})

    def bury(self, stone: Tombstone, keys: Keyring) -> None:
        stored = canonical(stone.to_facts())
        self.bury_bytes(stone.set, stored, write_signature(keys.sign(stored)))

    def bury_bytes(self, set_id: SetId, stored: bytes, signature: bytes) -> None:
        folder = self._root / "repository" / "tombstones" / self.system
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{set_id}.json").write_bytes(stored)
        (folder / f"{set_id}.sig").write_bytes(signature)

    def restore(self) -> None:
        """Everything as it was before any damage."""
        for name in ("repository", "elsewhere"):
            shutil.rmtree(self._root / name, ignore_errors=True)
        self.repository.initialise(self.organisation, "sabotage", self.manifest.created)
        self.add(self.manifest.set, self.subject)
        self.add(self.other_id, self.other)
        self.bury(self.stone(self.pruned_id), self.keys)

    # ------------------------------------------------------------ sets that are made up

    def _made_up(self, set_id: SetId, rng: random.Random) -> dict[str, bytes]:
        """Of the subject's shape, with other bytes, rightly signed."""
        files = {path: rng.randbytes(len(self.subject[path])) for path in (*self.parts, INDEX)}
        artifacts = self.manifest.artifacts
        for path in self.parts:
            artifacts = tuple(
                _with_part(one, int(path.partition("/")[2][:6]), files[path]) if one.name == path.partition("/")[0] else one
                for one in artifacts
            )
        index = _seal(files[INDEX])
        bare = self.manifest.model_copy(update={"set": set_id, "previous": None, "artifacts": artifacts, "index": index, "guide": None})
        files[GUIDE] = guide(bare)
        made = bare.model_copy(update={"guide": _seal(files[GUIDE])})
        head = AuditHead(seq=1, hash=sha256(set_id.encode()), at=made.created)
        return {**files, **_sealed(made, self.keys), AUDIT_HEAD: write_audit_head(head, self.system, set_id, self.keys)}


def _seal(data: bytes) -> Sealed:
    return Sealed(size=ByteCount(len(data)), sha256=sha256(data))


def _sealed(manifest: Manifest, keys: Keyring) -> dict[str, bytes]:
    stored = canonical(manifest.to_facts())
    return {MANIFEST: stored, SIGNATURE: write_signature(keys.sign(stored))}


def _with_part(artifact: Artifact, number: int, data: bytes) -> Artifact:
    part = Part(number=number, size=ByteCount(len(data)), sha256=Sha256(hashlib.sha256(data).hexdigest()))
    return artifact.model_copy(update={"parts": tuple(part if one.number == number else one for one in artifact.parts)})


def _take(manifest: Manifest, source: Repository, keys: Keyring) -> tuple[Manifest, dict[str, bytes]]:
    """The set's own bytes, or those of its first parts. Raises Damaged if they are not what was signed."""
    system, set_id = manifest.system, manifest.set
    kept = tuple(_first_parts(manifest))
    files: dict[str, bytes] = {}
    for one in kept:
        for part in one.parts:
            path = part_path(one.name, part.number)
            files[path] = read_signed(source, system, set_id, path, part.size, part.sha256)
    files[INDEX] = read_signed(source, system, set_id, INDEX, manifest.index.size, manifest.index.sha256)
    if manifest.guide is not None:
        files[GUIDE] = read_signed(source, system, set_id, GUIDE, manifest.guide.size, manifest.guide.sha256)
    with source.open(system, set_id, AUDIT_HEAD) as head:
        files[AUDIT_HEAD] = head.read()
    if kept == manifest.artifacts:
        files[MANIFEST], files[SIGNATURE] = source.manifest(system, set_id)
        return manifest, files
    smaller = manifest.model_copy(update={"artifacts": kept})
    return smaller, {**files, **_sealed(smaller, keys)}


def _first_parts(manifest: Manifest) -> Iterator[Artifact]:
    left = ENOUGH
    for artifact in manifest.artifacts:
        parts: list[Part] = []
        for part in artifact.parts:
            if parts and left < part.size:
                break
            parts.append(part)
            left -= part.size
        yield artifact.model_copy(update={"parts": tuple(parts)})
