"""`dr suppress`: requests that must not come back with a backup: written down, looked at, let go of when no copy can need them."""

from dataclasses import dataclass
from datetime import datetime

from dr.actions.journal import HOME, Looked, Places, hmac_of, open_key, seal, subject_of
from dr.app.home import App, whoami
from dr.drivers.postgres.replay import prepare
from dr.errors import DrError, Refused
from dr.model.base import HostPath, JsonObject, SystemName
from dr.model.suppression import SuppressionEntry, SuppressionJournal, SuppressionKind
from dr.policy.suppression import outlived


@dataclass(frozen=True)
class Kept:
    """What was written, and the repositories that do not have it yet, each with its cause."""

    journal: SuppressionJournal
    failed: dict[str, str]
    entry: SuppressionEntry | None = None
    gone: int = 0


def begin(app: App, system: str) -> Kept:
    """An empty journal, where there never was one: only ever by hand, so that one that was lost never becomes an empty one."""
    places = _places(app, system)
    with places.alone():
        looked = places.look()
        if looked.judged.journal is not None or looked.damaged or any(looked.copies.values()) or places.known():
            raise Refused(f"{places.system} has a suppression journal, or had one", hint=f"dr suppress verify {places.system}")
        _require_all(looked)
        return _keep(places, app, SuppressionJournal(organisation=places.organisation, system=places.system), "suppression.begun")


def add(app: App, system: str, kind: SuppressionKind, key: str) -> Kept:
    """Write one request down: first in the home, then in every repository. Raises Refused where the journal cannot be relied on."""
    places = _places(app, system)
    sealed = seal(key, places.keys.recipients)
    subject = hmac_of(key, places.keys)
    with places.alone():
        journal = places.look().holding(places.system)
        entry = SuppressionEntry(
            seq=journal.seq + 1, kind=kind, at=app.clock.now(), by=whoami(), subject=subject, sealed=sealed, previous=journal.head
        )
        return _keep(places, app, journal.model_copy(update={"entries": (*journal.entries, entry)}), "suppression.added", entry)


def journal_of(app: App, system: str) -> SuppressionJournal:
    """Raises Refused where it cannot be relied on."""
    places = _places(app, system)
    return places.look().holding(places.system)


def without_sql(app: App, system: str) -> list[str]:
    """Why a restore would be stopped: kinds of request that the system has no SQL for, and SQL that cannot be run."""
    wanted = app.inventory.systems[app.system(system)].suppression
    if wanted is None:
        return [f"{system} names no SQL by which requests are replayed: write `suppression` under it in inventory/systems.yaml"]
    wrong = []
    for kind, named in (("erase", wanted.erase), ("unshare", wanted.unshare)):
        if named is None:
            wrong.append(f"no SQL is named for requests to {kind}: a restore stops at the first of them")
            continue
        try:
            prepare((app.home / named).read_text(encoding="utf-8"), named)
        except (OSError, UnicodeDecodeError):
            wrong.append(f"{named}, the SQL for requests to {kind}, cannot be read")
        except DrError as error:
            wrong.append(error.message)
    return wrong


def look(app: App, system: str) -> Looked:
    return _places(app, system).look()


def mend(app: App, system: str) -> Kept:
    """Write the journal that holds wherever it is missing, damaged or behind."""
    places = _places(app, system)
    with places.alone():
        looked = places.look()
        journal = looked.holding(places.system)
        wrong = {*looked.judged.behind, *looked.damaged, *looked.unreachable}
        if HOME in wrong:
            places.keep(journal)
        failed = places.publish(journal, only=wrong)
    app.records.audit("suppression.mended", places.system, {"places": sorted(wrong - set(failed))}, actor=whoami(), at=app.clock.now())
    return Kept(journal, failed)


def unread(app: App, system: str) -> list[str]:
    """The entries that this home's drill keys do not open, or that hold another key than was recorded, in words."""
    wrong = []
    for entry in journal_of(app, system).entries:
        try:
            open_key(entry, app.services.keys)
        except DrError as error:
            wrong.append(error.message)
    return wrong


def shrink(app: App, system: str) -> Kept:
    """Let go of the entries that no copy can need any more. Raises Refused where nobody knows every copy."""
    places = _places(app, system)
    entry = app.inventory.systems[places.system]
    margin = entry.suppression.margin if entry.suppression else 0.0
    limits = [limit for policy in entry.retention.values() for limit in (policy.expire_after, policy.keep_within) if limit is not None]
    longest = max(map(float, limits), default=None)
    with places.alone():
        looked = places.look()
        journal = looked.holding(places.system)
        _require_all(looked)
        gone = outlived(journal, _instants(app, places), margin, longest, app.clock.now())
        if not gone:
            return Kept(journal, {})
        less = {"base_seq": gone[-1].seq, "base_hash": gone[-1].hash, "entries": journal.entries[len(gone) :]}
        kept = _keep(places, app, journal.model_copy(update=less), "suppression.shrunk")
    return Kept(kept.journal, kept.failed, gone=len(gone))


def _instants(app: App, places: Places) -> list[datetime]:
    """Of every copy that exists: as the catalog knows them, which must be all that the repositories hold."""
    known = {copy.set for copy in app.records.copies(places.system)}
    there = {set_id for repository in places.repositories for _, set_id in repository.sets(places.system)}
    if there - known:
        raise Refused(f"the catalog does not know set {min(there - known)}", hint="dr catalog rebuild")
    return [copy.instant for copy in app.records.copies(places.system)]


def _require_all(looked: Looked) -> None:
    if looked.unreachable or looked.damaged:
        place, why = min((looked.unreachable | looked.damaged).items())
        raise Refused(f"{place} does not show its copy: {why}", hint="it may hold what no other place does; mend that first")


def _keep(places: Places, app: App, journal: SuppressionJournal, event: str, entry: SuppressionEntry | None = None) -> Kept:
    """The home, then the trail, then the repositories: after a crash the journal lacks nothing of what is on record."""
    places.keep(journal)
    facts: JsonObject = {"seq": journal.seq, "hash": journal.head, "base": journal.base_seq}
    if entry is not None:
        facts |= {"kind": entry.kind, "hmac": entry.subject}
    app.records.audit(event, subject_of(places.system), facts, actor=whoami(), at=app.clock.now())
    return Kept(journal, places.publish(journal), entry)


def _places(app: App, system: str) -> Places:
    name: SystemName = app.system(system)
    organisation = app.inventory.organisation.name
    return Places(name, organisation, HostPath(str(app.home)), app.repositories(), app.services.keys, app.records)
