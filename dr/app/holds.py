"""`dr backups hold` and `release`: a person's word, in every copy, in the catalog and in the audit trail."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dr.actions.holding import read_back_holds, remember, remembered
from dr.app.home import App, whoami
from dr.errors import ConfigError, Refused
from dr.model.backup import Copy, Hold
from dr.model.base import RunId, SetId, SystemName


@dataclass(frozen=True)
class HoldOutcome:
    """What was done in which copies, and where it could not be done: then it is INCOMPLETE, and a finding until it is."""

    set: SetId
    repositories: Sequence[str]
    undone: Sequence[str]


def hold(app: App, set_id: str, reason: str, until: str | None) -> HoldOutcome:
    """Keep a set whatever retention says, until it is released or the end of the day `until`.

    Put on record before it is written, so that one that was cut short is a finding, and is made whole by the next prune. Raises
    ConfigError, or Refused where no copy exists any more.
    """
    if not reason.strip() or len(reason) > 500:
        raise ConfigError("a reason is needed, of 500 characters at most", hint="it is kept beside the set; name no client in it")
    system, copies = _copies(app, set_id)
    by, now = whoami(), app.clock.now()
    made = Hold(
        system=system,
        set=SetId(set_id),
        name=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        by=by,
        at=now,
        reason=" ".join(reason.split()),
        until=_end_of(until, app.inventory.organisation.zone, now),
    )
    known, released = remembered(app.records, made.set)
    app.records.audit("set.held", made.set, {"hold": made.name, "reason": made.reason}, actor=by, at=now)
    remember(app.records, made.set, [*known, made], released)
    for copy in copies:
        app.records.hold(copy.set, copy.repository, True)
    return _settle(app, system, copies)


def release(app: App, set_id: str) -> HoldOutcome:
    """Let retention decide about a set again. Raises Refused where nothing holds it."""
    system, copies = _copies(app, set_id)
    _settle(app, system, copies)  # what only a repository knows of
    known, released = remembered(app.records, SetId(set_id))
    if not known and not any(copy.held for copy in app.backup(set_id)[1]):
        raise Refused(f"nothing holds {set_id}", hint="`dr backups list` shows which sets are held")
    names = [one.name for one in known]
    app.records.audit("set.released", set_id, {"holds": names}, actor=whoami(), at=app.clock.now())
    remember(app.records, SetId(set_id), known, [*released, *names])
    return _settle(app, system, copies)


def _copies(app: App, set_id: str) -> tuple[SystemName, list[Copy]]:
    manifest, copies = app.backup(set_id)
    if not copies:
        raise Refused(f"no copy of {set_id} exists any more", hint="`dr backups list` shows those that do")
    return manifest.system, copies


def _settle(app: App, system: SystemName, copies: Sequence[Copy]) -> HoldOutcome:
    names = {copy.repository for copy in copies}
    there = [repository for repository in app.repositories() if repository.name in names]
    keys, now, set_id = app.services.keys, app.clock.now(), copies[0].set
    undone = read_back_holds(system, there, records=app.records, keys=keys, now=now, run=RunId(""), only=set_id)
    missed = {line.partition("/")[0] for line in undone}
    return HoldOutcome(set_id, [name for name in sorted(names) if name not in missed], undone)


def _end_of(day: str | None, zone: str, now: datetime) -> datetime | None:
    """The first instant after that day."""
    if day is None:
        return None
    try:
        named = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise ConfigError(f"'{day}' is not a day", hint="write it as 2027-03-31; the hold lasts through that day") from None
    end = (named + timedelta(days=1)).astimezone(UTC)
    if end <= now:
        raise ConfigError(
            f"{day} is over", hint="a hold lasts through a day that is still to come, or without --until until it is released"
        )
    return end
