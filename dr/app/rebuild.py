"""Make the catalog anew from what the repositories, the evidence and the old catalog (where it can be read) say.

It is built beside the old one and takes its place in one rename, so that a kill at any point leaves the old one or the new one, whole;
the old one is kept under another name. Copies come back as `stored`, proofs only where signed evidence still shows them.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from dr import plugins
from dr.actions.reconcile import EXPIRY
from dr.app import regained
from dr.app.engines import all_pending
from dr.app.home import whoami
from dr.app.services import HomeServices
from dr.app.stored_catalog import stored_catalogs
from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import Clock, iso, local
from dr.config.load import load
from dr.disk import make_folder, sync_folder
from dr.errors import DrError, Refused
from dr.model.backup import Copy
from dr.model.base import RepositoryName, SetId, SystemName
from dr.model.ports import Repository
from dr.model.record import AuditHead, Finding, HostState, ProductionFacts

FRESH = "catalog.db.rebuilding"
ASIDE = "catalog.db.before-rebuild-"
_TAILS = ("", "-wal", "-shm")
TURN_ON = "nothing expires until `dr retention --turn-on`; verify and drill first, so that proofs exist again"


@dataclass
class Old:
    """What could be read of the catalogs that there were."""

    readable: bool = False
    production: list[ProductionFacts] = field(default_factory=list)
    hosts: list[HostState] = field(default_factory=list)
    held: list[tuple[SetId, RepositoryName]] = field(default_factory=list)
    head: AuditHead | None = None
    origin: str = ""
    """The stored home that production's facts came from, in words; empty where they came from a catalog of this home."""


@dataclass
class Made:
    """What came of it."""

    copies: list[Copy] = field(default_factory=list)
    removed: int = 0
    proven: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    kept: Path | None = None


def rebuild(home: Path, clock: Clock, failpoint: Callable[[str], None]) -> tuple[Made, Old]:
    """Do it. Safe to repeat. Raises Refused while a run is under way; Unreachable or Refused if no repository can be read."""
    loaded, state = load(home, plugins.kinds()), home / "state"
    make_folder(state)
    with _alone(state):
        fresh = state / FRESH
        _remove(fresh)
        with open_catalog(fresh, clock) as records:
            house = HomeServices(home, loaded, records, clock, lambda _: None)
            there, absent = _reachable(house)
            made, old = Made(absent=absent), read_old(house)
            if not old.production:
                _take_from_stored(house, there, old, made.problems)
            failpoint("after-begin")
            _fill(house, records, there, made, old, failpoint)
        failpoint("before-swap")
        made.kept = _swap(state, fresh, clock, failpoint)
    return made, old


def _fill(house: HomeServices, records: Catalog, there: list[Repository], made: Made, old: Old, failpoint: Callable[[str], None]) -> None:
    _begin_chain(house, records, old, there)
    made.problems += [f"{name} could not be read; what it holds is recorded once it is there: run this again" for name in made.absent]
    for repository in there:
        for copy in regained.copies(repository, house, records, made.problems):
            made.copies.append(copy)
            failpoint("after-copy")
    made.removed = regained.tombstones(there, house, records)
    made.proven = regained.proofs(house, records, made.problems)
    failpoint("after-proofs")
    _carry_over(house, records, old)
    _say(house, records, old)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    with (state / "rebuild.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("another process is rebuilding the catalog", hint="wait for it to end") from None
        going = all_pending(state)
        if going:
            raise Refused(
                f"{', '.join(going)} is not over: its steps would be recorded in a catalog that does not know it",
                hint="finish it with `dr runs resume`, or end it with `dr runs cancel --hard RUN`",
            )
        yield


def _reachable(house: HomeServices) -> tuple[list[Repository], list[str]]:
    """Before anything is touched: a catalog made of no repository at all would be an empty one."""
    there, errors = [], {}
    for repository in house.repositories():
        try:
            repository.identity()
            there.append(repository)
        except DrError as error:
            errors[str(repository.name)] = error
    if errors and not there:
        raise next(iter(errors.values()))
    return there, sorted(errors)


# ---------------------------------------------------------------- the old one


def read_old(house: HomeServices) -> Old:
    """From the newest catalog that can be read and knows anything: the present one, or one that was put aside."""
    asides = sorted((p for p in house.state.glob(f"{ASIDE}*") if p.name[-4:] not in _TAILS), reverse=True)
    readable = False
    for path in (house.state / "catalog.db", *asides):
        old = _read(path, house)
        readable = readable or (old is not None and old.readable)
        if old is not None and (old.production or old.head is not None):
            return old
    return Old(readable=readable)


def _read(path: Path, house: HomeServices) -> Old | None:
    """Through a copy, so that the old one is neither upgraded nor changed. None for what is no whole catalog of ours."""
    scratch = house.state / f"{FRESH}.old"
    _remove(scratch)
    try:
        if not path.is_file():
            return None
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(scratch)) as target:
            source.backup(target)
        with open_catalog(scratch, house.clock) as records:
            head = records.audit_head()
            held = [(copy.set, copy.repository) for copy in records.copies() if copy.held]
            return Old(True, records.production(), records.hosts(), held, head if head.seq else None)
    except (sqlite3.DatabaseError, DrError, ValueError, OSError):
        return None
    except Exception as error:
        if isinstance(getattr(error, "orig", None), sqlite3.DatabaseError):
            return None
        raise
    finally:
        _remove(scratch)


def _take_from_stored(house: HomeServices, there: list[Repository], old: Old, problems: list[str]) -> None:
    """Production may be dead and cannot be asked: what the newest stored home knows of it keeps the guard working."""
    with stored_catalogs(house, there, problems) as catalogs:
        for found in catalogs:
            then = _read(found.path, house)
            if then is not None and then.production:
                old.production, old.origin = then.production, found.origin
                old.hosts, old.held = old.hosts or then.hosts, [*old.held, *then.held]
                old.head = max((head for head in (old.head, then.head) if head), key=lambda head: head.seq, default=None)
                return


def _remove(path: Path) -> None:
    for tail in (*_TAILS, ".upgrade-lock"):
        path.with_name(path.name + tail).unlink(missing_ok=True)


# ---------------------------------------------------------------- the new one


def _begin_chain(house: HomeServices, records: Catalog, old: Old, there: list[Repository]) -> None:
    """The first entry names the newest head that is known, so that everybody sees where the chain broke, and what it broke off from."""
    head = regained.newest_head(house, there, old.head)
    facts = {"old_head": head.to_facts() if head else None, "repositories": [str(one.name) for one in there]}
    records.audit("catalog.rebuilt", "catalog", facts, actor=whoami(), at=house.clock.now())
    records.set_setting(EXPIRY, "off")


def _carry_over(house: HomeServices, records: Catalog, old: Old) -> None:
    for facts in old.production:
        records.record_production(facts)
        if old.origin:
            records.audit("production.regained", facts.host, {"from": old.origin}, actor=whoami(), at=house.clock.now())
    for host in old.hosts:
        records.record_host(host)
    for set_id, repository in old.held:
        records.hold(set_id, repository, True)


def _say(house: HomeServices, records: Catalog, old: Old) -> None:
    on = local(house.clock.now(), house.inventory.organisation.zone)
    for system in house.inventory.systems:
        message = f"the catalog was rebuilt on {on}: proofs of which no signed evidence is left are unknown"
        _find(records, house, f"rebuilt:{system}", "warning", message, TURN_ON, SystemName(system))
    known = {facts.host for facts in old.production}
    for name, host in house.inventory.hosts.items():
        if host.role == "production" and name not in known:
            message = f"how {name} is recognised is not on record: no drill or recovery may write anywhere until it is"
            _find(records, house, f"production-unknown:{name}", "critical", message, f"dr hosts enrol {name}", None)


def _find(records: Catalog, house: HomeServices, key: str, severity: str, message: str, hint: str, system: SystemName | None) -> None:
    facts = {"key": key, "severity": severity, "message": message, "hint": hint, "system": system, "at": iso(house.clock.now())}
    records.finding(Finding.from_facts(facts))


def _swap(state: Path, fresh: Path, clock: Clock, failpoint: Callable[[str], None]) -> Path | None:
    """The old one gets a second name, then the new one its place. SQLite's own side files must never meet another database."""
    place = state / "catalog.db"
    _fold(fresh)
    kept: Path | None = None
    if place.exists():
        _fold(place)
        kept = _free_name(state, f"{ASIDE}{clock.now():%Y%m%dT%H%M%SZ}")
        os.link(place, kept)
        for tail in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                place.with_name(place.name + tail).rename(kept.with_name(kept.name + tail))
        sync_folder(state)
    failpoint("after-aside")
    fresh.replace(place)
    sync_folder(state)
    failpoint("after-swap")
    _remove(fresh)
    return kept


def _free_name(state: Path, name: str) -> Path:
    number = 1
    while (path := state / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return path


def _fold(path: Path) -> None:
    """Bring the write-ahead log into the file itself; one that is broken stays as it is and is put aside with its log."""
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
