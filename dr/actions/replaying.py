"""Carrying out on what was restored the requests, to be erased or shared no longer, that came after the backup.

Twice: by the step of that name, once it was compared with its source; and by `open`, for what was asked while the recovery went on, since
hours may pass between the two until a person approves. All requests are one transaction, and safe to repeat.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dr.actions.journal import open_key, places_of, tell
from dr.clock import iso
from dr.errors import Damaged, Refused
from dr.model.base import HostName, JsonObject, SetId, Sha256, SourceName, SystemName
from dr.model.ports import ReplayOrder, Replays, StepContext, WritableHost
from dr.model.suppression import SuppressionEntry, SuppressionTemplates
from dr.policy.suppression import due


@dataclass(frozen=True)
class Order:
    """Of which system, on which host, by which of its sets, and by whose SQL."""

    system: SystemName
    host: HostName
    set: SetId
    wanted: SuppressionTemplates


@dataclass(frozen=True)
class Replayed:
    """`entries` and `head`: how far the journal went; `told`: each request by number, kind, date, the HMAC of its key, and its rows."""

    entries: int
    head: Sha256
    told: tuple[JsonObject, ...]


def _nowhere(_: str) -> None:
    """No failpoint."""


def replay(order: Order, host: WritableHost, ctx: StepContext, point: Callable[[str], None] = _nowhere) -> Replayed:
    """Every request that is due to the set. `point` is told `before-replay` and `after-replay`. Raises Refused where it cannot be known."""
    looked = places_of(order.system, ctx).look()
    tell(order.system, looked, ctx)
    journal = looked.holding(order.system)
    entries = due(journal, _instant(order, ctx), order.wanted.margin)
    source = ctx.source(ctx.inventory.systems[order.system].sources[order.wanted.source].kind)
    if not isinstance(source, Replays):
        raise Refused(f"source '{order.wanted.source}' of {order.system} replays no requests", hint="name a database source")
    asked = ReplayOrder(order.wanted.database, _templates(order.wanted, entries, Path(ctx.home)), _opened(entries, ctx))
    point("before-replay")
    rows = host.replay(source, _place(host.places(), SourceName(order.wanted.source)), asked, ctx) if entries else []
    point("after-replay")
    told = tuple(_told(entry, count) for entry, count in zip(entries, rows, strict=True))
    facts: JsonObject = {"replayed": list(told), "entries": journal.seq, "head": journal.head}
    ctx.audit("suppressions.replayed", f"{order.host}/{order.set}", facts)
    return Replayed(journal.seq, journal.head, told)


def _instant(order: Order, ctx: StepContext) -> datetime:
    manifest = ctx.records.manifest(order.set)
    if manifest is None:
        raise Refused(f"set {order.set} is not in the catalog", hint="dr catalog rebuild")
    return manifest.instant


def _templates(wanted: SuppressionTemplates, entries: list[SuppressionEntry], home: Path) -> dict[str, str]:
    """Of the kinds that there are requests of. Raises Refused where one is not declared or cannot be read."""
    files = {"erase": wanted.erase, "unshare": wanted.unshare}
    texts: dict[str, str] = {}
    for kind in sorted({entry.kind for entry in entries}):
        named = files[kind]
        if named is None:
            raise Refused(f"there are requests to {kind}, and no SQL that does it", hint=f"name a file under suppression.{kind}")
        try:
            texts[kind] = (home / named).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise Refused(f"{named}, by which requests to {kind} are carried out, cannot be read", hint="is it below the home?") from None
    return texts


def _opened(entries: list[SuppressionEntry], ctx: StepContext) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((entry.kind, open_key(entry, ctx.keys)) for entry in entries)
    except Damaged as error:
        raise Refused(error.message, hint="dr suppress verify; another copy may be whole") from None


def _place(places: JsonObject, source: SourceName) -> JsonObject:
    if source not in places:
        raise Refused(f"source '{source}' came up nowhere in this run", hint="`suppression.source` names a source of the system")
    return dict(places[source])


def _told(entry: SuppressionEntry, rows: int) -> JsonObject:
    return {"entry": entry.seq, "kind": entry.kind, "asked": iso(entry.at), "hmac": entry.subject, "rows": rows}
