"""Makes a golden repository: `python -m tests.support.stream_golden tests/corpus/golden-vN`. Once a release of a format; never again.

What it made is committed as data and must be read by every later `dr`. Its keys are throwaway keys: they protect nothing.
"""

import hashlib
import json
import sys
from datetime import timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from dr.errors import Damaged, Refused
from dr.model.backup import Tombstone, make_set_id
from dr.model.base import RepositoryName, RunId, SetId, canonical
from dr.model.ports import SetWriter, Written
from dr.repositories.directory import DirectoryRepository
from dr.stream.layout import write_signature
from dr.stream.sets import StreamSets
from tests.support.stream_context import HMIS, NOW, StreamContext
from tests.support.stream_keys import TestKeys
from tests.support.stream_tars import filling, noise, tar_of

ORGANISATION = "Golden Harbor"


class GoldenKeys:
    """`dr.model.ports.Keyring` of a golden repository: it can read and verify, never sign."""

    def __init__(self, folder: Path, *, holder: str = "drill") -> None:
        self._identity = (folder / f"{holder}.agekey").read_text()
        public = load_pem_public_key((folder / "signing.pub").read_bytes())
        assert isinstance(public, Ed25519PublicKey)
        self._public = public
        self.recipients: tuple[str, ...] = tuple((folder / "recipients.txt").read_text().split())

    def digest_key(self) -> bytes:
        raise Refused("a golden repository takes no new set")

    def identity(self) -> str:
        return self._identity

    def sign(self, data: bytes) -> bytes:
        raise Refused("a golden repository takes no new set")

    def verify(self, data: bytes, signature: bytes) -> None:
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            raise Damaged("no trusted key made the signature") from None


def golden(folder: Path) -> DirectoryRepository:
    """The repository of a golden folder, to read."""
    return DirectoryRepository(RepositoryName("golden"), "online", folder / "repository", organisation=ORGANISATION)


def make(folder: Path) -> None:
    folder.mkdir()
    keys, ctx = TestKeys(seed="golden"), StreamContext()
    repository = golden(folder)
    repository.initialise(ORGANISATION, "golden", NOW)
    sets = StreamSets(ORGANISATION, keys, ctx.clock, {"dr": "0.1.0"})
    nights = [_night(sets, repository, ctx, number) for number in range(3)]
    removed = nights[0].manifest
    tombstone = Tombstone(
        system=HMIS,
        set=removed.set,
        manifest=nights[0].manifest_sha256,  # type: ignore[arg-type]
        instant=removed.instant,
        removed=ctx.clock.now(),
        run=RunId("prune-1"),
        rule="keep_within",
    )
    signature = write_signature(keys.sign(canonical(tombstone.to_facts())))
    repository.remove(tombstone, signature, failpoint=lambda _: None)
    repository.beside(HMIS, nights[1].manifest.set, "holds/audit.json", b"{}\n")
    repository.put_home("home.age", b"not opened by this test\n")
    _write_keys(folder / "keys", keys)
    expected = {number.manifest.set: _digests(_tars(at)) for at, number in enumerate(nights) if at}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def _tars(night: int) -> dict[str, bytes]:
    files = {f"folder/file-{number}": noise(3_000, number) for number in range(8)} | {"night": b"%d\n" % night, "empty": b""}
    return {
        "hmis-00": tar_of({"database.json": b'{"database": "hmis"}\n', "dump/toc.dat": b"toc", "dump/1.dat": b"1\t2\n"}),
        "hmis-globals": tar_of({"globals.sql": b"CREATE ROLE worker;\n"}),
        "site-00": tar_of({**files, "text": b"the same line\n" * 400_000}),
    }


def _digests(tars: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(tar).hexdigest() for name, tar in tars.items()}


def _night(sets: StreamSets, repository: DirectoryRepository, ctx: StreamContext, number: int) -> Written:
    tars = _tars(number)

    def fill(into: SetWriter) -> None:
        databases = {name: tar for name, tar in tars.items() if name.startswith("hmis")}
        filling(databases, kind="postgres_logical", source="hmis")(into)
        filling({"site-00": tars["site-00"]}, kind="files", source="site")(into)

    written = sets.write(
        system=HMIS,
        set_id=SetId(make_set_id(ctx.clock.now(), "901de4")),
        run=RunId(f"nightly-{number}"),
        created=ctx.clock.now(),
        to=[repository],
        needle="needle",
        fill=fill,
        ctx=ctx.step,
    )
    ctx.records.committed(written, {"golden": "online"})
    ctx.records.read_back(ctx.clock.now())
    ctx.clock.move_to(ctx.clock.now() + timedelta(days=1))
    return written


def _write_keys(folder: Path, keys: TestKeys) -> None:
    folder.mkdir()
    (folder / "drill.agekey").write_text(f"# throwaway: protects nothing\n{keys.identity()}\n")
    (folder / "escrow.agekey").write_text(f"# throwaway: protects nothing\n{keys.escrow}\n")
    (folder / "recipients.txt").write_text("\n".join(keys.recipients) + "\n")
    (folder / "signing.pub").write_bytes(keys.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
