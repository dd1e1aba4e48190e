"""Bring a home back on a bare machine, from a repository and the escrow key.

Everything is laid out and made ready in a hidden folder of the empty place; then its folders are moved up, `inventory` last, since with
that the place is a home. Killed anywhere, it is run again: what is not a home yet is made anew, what is one already is left as it is.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dr import plugins
from dr.actions.reconcile import EXPIRY
from dr.app.home import whoami
from dr.app.relocate import relocate
from dr.app.stored_homes import Place, believed, choose, grouped
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import Clock, SystemClock, local
from dr.config.keys import DRILL
from dr.config.load import load
from dr.disk import make_folder, sync_folder, write_new
from dr.errors import ConfigError, Damaged, Failed, Refused
from dr.model.base import SystemName
from dr.model.home import HomeManifest
from dr.model.inventory import Inventory
from dr.model.record import Finding
from dr.stream.encode import Decoder
from dr.stream.home import fingerprint, plain_parts
from dr.stream.homepack import CATALOG, unpack

WORK = ".dr-home-restore"
"""In the place while a home is being brought back into it."""
HOME = "home"
_BEFORE = ("state", "evidence", "keys", "runbooks")
"""Moved up in this order; what else there is follows, then inventory."""
ROOM = 2


@dataclass(frozen=True)
class Wish:
    """What a person asks for. `key`: the file of an age identity. `repositories`: where those of the inventory are on this machine."""

    to: Path
    key: Path
    trust: str | None = None
    at: str | None = None
    repositories: Mapping[str, Path] = field(default_factory=dict)


def restore_home(place: Place, wish: Wish, *, failpoint: Callable[[str], None], clock: Clock | None = None) -> list[str]:
    """Do it, and give back what the person should read. Raises by the tree; a place that is not empty is Refused."""
    clock = clock or SystemClock()
    identity = read_identity(wish.key)
    manifest, notes = choose(place, believed(wish.trust), wish.at)
    _require_recipient(identity, manifest, wish.key)
    with _claimed(wish.to) as (work, done):
        if not done:
            failpoint("after-claim")
            _make_ready(work / HOME, place, manifest, identity, wish, failpoint, clock)
            _move_up(work / HOME, wish.to, failpoint)
        shutil.rmtree(work)
        sync_folder(wish.to)
    return [*notes, *_whose(manifest, wish), *_next(wish.to, manifest, place)]


def read_identity(file: Path) -> str:
    """The text of an age identity. Raises ConfigError for a file that is none."""
    try:
        text = file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"the key {file} cannot be read", hint="name the file of the escrow key: the one that was carried away") from None
    line = next((one.strip() for one in text.splitlines() if one.strip().startswith("AGE-SECRET-KEY-")), None)
    if line is None:
        raise ConfigError(f"{file} holds no age identity", hint="it is the line that begins with AGE-SECRET-KEY-")
    return line


def _require_recipient(identity: str, manifest: HomeManifest, file: Path) -> None:
    from pyrage import IdentityError, x25519

    try:
        public = str(x25519.Identity.from_str(identity).to_public())
    except IdentityError:
        raise ConfigError(f"{file} holds no age identity that is whole", hint="was a character lost when it was typed in?") from None
    if public not in manifest.recipients:
        raise Refused(
            f"the key {file} does not open home {manifest.name}: its public half is {public}",
            hint=f"it opens to: {', '.join(manifest.recipients)}",
        )


@contextmanager
def _claimed(to: Path) -> Iterator[tuple[Path, bool]]:
    """The work folder in an empty place, ours alone; and whether an interrupted attempt had made the home whole already."""
    if to.exists() and not to.is_dir():
        raise Refused(f"{to} is not a folder", hint="name a new or empty one")
    make_folder(to)
    handle = os.open(to, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another process is bringing a home back into {to}", hint="wait for it to end") from None
        work = to / WORK
        strange = sorted(entry.name for entry in to.iterdir() if entry.name not in (WORK, "lost+found"))
        if strange and not work.is_dir():
            raise Refused(f"{to} is not empty: it holds {', '.join(strange[:3])}", hint="name a new or empty folder")
        done = (to / "inventory").exists()
        if not done:
            for name in strange:  # what the attempt that left the work folder had moved up
                shutil.rmtree(to / name)
            shutil.rmtree(work, ignore_errors=True)
            make_folder(work)
        yield work, done
    finally:
        os.close(handle)


def _make_ready(
    home: Path, place: Place, manifest: HomeManifest, identity: str, wish: Wish, failpoint: Callable[[str], None], clock: Clock
) -> None:
    free = shutil.disk_usage(home.parent).free
    if free < manifest.plain * ROOM:
        raise Failed(f"{wish.to} has {free} bytes free, the home needs {manifest.plain * ROOM}", hint="name a place with more room")
    make_folder(home)
    unpack(plain_parts(place.repository, manifest, Decoder(identity)), home)
    for folder in ("state", "evidence", "keys", "runbooks"):
        make_folder(home / folder)
    if not (home / "inventory").is_dir():
        raise Damaged(f"home {manifest.name} holds no inventory", hint="take an older one with --at")
    failpoint("after-unpack")
    relocate(home, wish.repositories)
    inventory = load(home, plugins.kinds()).inventory
    _install(home, inventory, identity)
    failpoint("after-key")
    if (home / CATALOG).is_file():
        with open_catalog(home / CATALOG, clock) as records:
            _tell_catalog(records, inventory, manifest, place, clock)
    failpoint("after-catalog")


def key_place(inventory: Inventory) -> str:
    """Where a drill looks for the key, relative to the home; where the inventory names no file, its usual place."""
    named = inventory.organisation.keys.identity
    return named.file if named is not None and named.file is not None and not Path(named.file).is_absolute() else DRILL


def _install(home: Path, inventory: Inventory, identity: str) -> None:
    place = home / key_place(inventory)
    make_folder(place.parent)
    write_new(place, f"{identity}\n".encode())


def _tell_catalog(records: Catalog, inventory: Inventory, manifest: HomeManifest, place: Place, clock: Clock) -> None:
    """The catalog is of the night when the home was stored: what it learned since is lost, and so are the runs that were under way."""
    now = clock.now()
    for run in records.runs(limit=1000):
        if run.state == "running":
            records.end_run(run.run, "cancelled", run.verdict, now)
    records.set_setting(EXPIRY, "off")
    for system in inventory.systems:
        message = f"this home was brought back as it was stored in {manifest.name}: what was held, proven or removed since is not on record"
        hint = "nothing expires until `dr retention --turn-on`; verify and drill first, so that proofs exist again"
        records.finding(Finding(key=f"rebuilt:{system}", severity="warning", system=SystemName(system), message=message, hint=hint, at=now))
    facts = {
        "home": manifest.name,
        "stored": manifest.created.isoformat(),
        "key": fingerprint(manifest.public),
        "head": manifest.audit.to_facts(),
    }
    records.audit("home.restored", place.repository.name, facts, actor=whoami(), at=now)


def _move_up(home: Path, to: Path, failpoint: Callable[[str], None]) -> None:
    others = sorted(entry.name for entry in home.iterdir() if entry.name not in (*_BEFORE, "inventory"))
    _sync_all(home)
    for name in (*_BEFORE, *others):
        (home / name).rename(to / name)
    sync_folder(to)
    failpoint("before-inventory")
    (home / "inventory").rename(to / "inventory")
    sync_folder(to)
    failpoint("after-move")


def _sync_all(folder: Path) -> None:
    for below, _, _ in os.walk(folder):
        sync_folder(Path(below))


def _whose(manifest: HomeManifest, wish: Wish) -> list[str]:
    mark = grouped(fingerprint(manifest.public))
    if wish.trust is not None:
        return [f"signed by the key that you trust: {mark}"]
    return [
        f"signed by the key {mark}",
        "   NOT CHECKED: compare it with the fingerprint on the paper that lies with the escrow key. If it differs, a stranger made this",
        "   home: delete it, and say --trust with what the paper says.",
    ]


def _next(home: Path, manifest: HomeManifest, place: Place) -> list[str]:
    inventory = load(home, plugins.kinds()).inventory
    zone = inventory.organisation.zone
    lines = [f"{home} is the home of {inventory.organisation.name} again, as it was on {local(manifest.created, zone)}"]
    lines += _moved(home, inventory, place)
    lines += [f"   export DR_HOME={home}; dr check            says what else is missing here"]
    for name, host in inventory.hosts.items():
        if host.role == "standby":
            lines.append(
                f"   dr hosts enrol {name}                    once inventory/hosts.yaml names an empty place for it on this machine"
            )
    for system, entry in inventory.systems.items():
        lines += [f"   dr drill {system} --tier {tier}" for tier in entry.runbooks.drill]
    if inventory.organisation.keys.identity is None:
        lines.append(f"   the key lies in {DRILL}, but inventory/organisation.yaml names no keys.identity: add it where drills run")
    if not (home / CATALOG).is_file():
        lines.append("   it was stored without a catalog: dr catalog rebuild")
    return lines


def _moved(home: Path, inventory: Inventory, place: Place) -> Sequence[str]:
    """Repositories that are not where the inventory says."""
    gone = {
        name: path
        for name, entry in inventory.repositories.items()
        if isinstance(path := entry.with_.get("path"), str) and not (home / path).is_dir()
    }
    lines = [f"   {path} does not exist here: dr home relocate {name}=PATH" for name, path in gone.items()]
    return [*lines, f"   (you read from a repository of tier {place.tier})"] if lines else []
