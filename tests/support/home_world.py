"""A home as `dr init` makes it, two repositories, and `save-home` carried out on it; and homes that a stranger might plant."""

import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from dr import plugins
from dr.actions import save_home
from dr.app.home_restore import Wish, restore_home
from dr.app.services import HomeServices
from dr.app.stored_homes import open_place
from dr.catalog.audit import GENESIS
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.config.init import init_home
from dr.config.keys import ESCROW, SIGNING
from dr.config.load import load
from dr.engine.staging import staging_folder
from dr.model.backup import make_set_id
from dr.model.base import ByteCount, HostPath, JsonObject, RunId, StepId, SystemName
from dr.model.home import HomeManifest
from dr.model.ports import Repository, StepContext
from dr.model.record import Finding, Severity
from dr.stream import home as stored
from dr.stream.encode import Encoder
from tests.support.catalog_runs import plan_of, run_at

NIGHT = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
PASSWORD = "the production password, which is a canary"


@dataclass
class HomeWorld:
    """`place/home` with its repositories beside it."""

    place: Path
    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    """What happens at a failpoint of `save-home`."""

    def __post_init__(self) -> None:
        self.home = self.place / "home"
        self.clock = FixedClock(NIGHT)
        init_home(self.home, "Harbor", "America/Chicago")
        (self.home / "keys" / "production-postgres.password").write_text(PASSWORD + "\n")
        (self.home / "evidence" / "drill-1.json").write_text("{}\n")
        self.escrow = self.place / "escrow.agekey"
        (self.home / ESCROW).rename(self.escrow)
        self.loaded = load(self.home, plugins.kinds())
        self.catalog: Catalog = open_catalog(self.home / "state" / "catalog.db", self.clock)
        self.services = HomeServices(self.home, self.loaded, self.catalog, self.clock, lambda _: None)
        for one in self.services.repositories():
            one.initialise("Harbor", f"id-{one.name}", NIGHT)

    @property
    def repositories(self) -> list[Repository]:
        return self.services.repositories()

    def folder(self, name: str = "bank-vault") -> Path:
        return self.home / "repositories" / name

    def save(self, run: str = "", keep: int = 7) -> JsonObject:
        name = RunId(run or f"nightly-{self.clock.now():%Y%m%dT%H%M%SZ}-1a2b")
        self.catalog.begin_run(run_at(self.clock.now(), run=name), plan_of())
        params = save_home.Params(to=("online", "vault"), keep=keep)  # type: ignore[arg-type]
        return save_home.run(params, cast("StepContext", HomeStep(self, name))).facts

    def night(self) -> str:
        saved = self.save()
        self.clock.move_to(self.clock.now() + timedelta(days=1))
        return str(saved["home"])

    def restore(
        self, to: str = "new", *, source: str = "bank-vault", failpoint: Callable[[str], None] = lambda _: None, **wish: str
    ) -> list[str]:
        made = Wish(to=self.place / to, key=Path(wish.get("key", str(self.escrow))), trust=wish.get("trust"), at=wish.get("at"))
        return restore_home(open_place(str(self.folder(source))), made, failpoint=lambda _: None, clock=self.clock)

    # ------------------------------------------------------------ what a stranger might plant

    def plant(
        self, tar: bytes, *, key: Ed25519PrivateKey | None = None, later: int = 1, source: str = "bank-vault", **changed: object
    ) -> str:
        """Store a home of these plain bytes, whole and signed: by the home's own key, or by `key`."""
        signer = key or self.signing_key()
        name = make_set_id(self.clock.now() + timedelta(days=1), "abcdef")
        repository = open_place(str(self.folder())).repository
        recipients = self.services.keys.recipients
        parts = stored.HomeParts(name, Encoder(recipients), [repository], lambda: None)
        parts.write(tar)
        parts.finish()
        manifest = HomeManifest(
            organisation="Harbor",
            name=name,
            run=RunId("planted"),
            created=self.clock.now(),
            tool="dr",
            recipients=recipients,
            public=signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
            plain=ByteCount(parts.plain),
            parts=tuple(parts.sealed),
            audit=GENESIS,
        )
        stored.seal(parts, manifest.model_copy(update=changed), signer.sign)
        return name

    def signing_key(self) -> Ed25519PrivateKey:
        return cast("Ed25519PrivateKey", load_pem_private_key((self.home / SIGNING).read_bytes(), password=None))


class HomeStep:
    """What of `StepContext` the action reaches."""

    def __init__(self, world: HomeWorld, run: RunId) -> None:
        self._world = world
        self.run, self.step, self.home = run, StepId("save-home"), HostPath(str(world.home))
        self.clock, self.records, self.keys = world.clock, world.catalog, world.services.keys
        self.inventory = world.loaded.inventory

    def repositories(self, tiers: Sequence[str] | None = None) -> list[Repository]:
        return self._world.services.repositories(tiers)

    @contextmanager
    def staging(self, name: str) -> Iterator[HostPath]:
        with staging_folder(self._world.home / "state", self.run, self.step, name) as place:
            yield place

    def failpoint(self, name: str) -> None:
        assert name in save_home.ACTION.failpoints
        self._world.at.get(name, lambda: None)()

    def progress(self, what: str) -> None:
        return None

    def audit(self, event: str, subject: str, facts: JsonObject | None = None) -> None:
        self.records.audit(event, subject, facts or {}, actor="a test", at=self.clock.now())

    def finding(self, key: str, severity: Severity, message: str, *, system: SystemName | None = None, hint: str = "") -> None:
        self.records.finding(Finding(key=key, severity=severity, message=message, hint=hint, at=self.clock.now()))


def tar_with(*members: tarfile.TarInfo, **files: bytes) -> bytes:
    """A tar stream of these special members and plain files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            plain = tarfile.TarInfo(name)
            plain.size = len(data)
            tar.addfile(plain, io.BytesIO(data))
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made
