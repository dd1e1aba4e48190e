"""`dr outage`: what a person does about an outage. Each act is on record first; then everybody whom it concerns is owed a word, then told.

A crash between these loses nothing: what is owed follows from the records, and whoever comes by next (another command, the outage's own
run, a timer's `dr notices carry`) owes it and carries it.
"""

import secrets
import time
from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from dr.actions.keep_told import which
from dr.actions.outage_telling import Told, owe_words
from dr.app.failpoints import of_verb
from dr.app.home import App, whoami
from dr.app.keeping import keep_all
from dr.app.recover import recognised_at
from dr.clock import Clock, clock
from dr.errors import ConfigError, Refused
from dr.model.base import OfficeName
from dr.model.notice_record import Notice
from dr.model.outage import Decide, Outage, OutageAct, OutageEntry, OutageId, OutageSeverity, OutageState
from dr.policy import outages as policy

LONGEST = 2000
"""Characters of what a person says at once."""
_ANOTHERS = 15.0
"""Seconds for which an act waits for what another process (the one that keeps people told) is just sending."""


@dataclass(frozen=True)
class Done:
    """How the outage is after an act, and the notices that this act owed or moved, as they are now.

    `entry`: what is on record of the act; `again`: it was there already, since the same was typed before. `begun`: a process that sees to
    it that people stay told was begun just now.
    """

    outage: Outage
    entry: OutageEntry
    again: bool
    notices: tuple[Notice, ...]
    begun: bool = False


@dataclass(frozen=True)
class Desk:
    """Where acts are done: `at` is called at each point at which a test may kill; `keep` sees to it that people stay told, and
    gives back the outages for which it began a process."""

    world: Told
    clock: Clock
    by: str
    at: Callable[[str], None] = lambda _: None
    keep: Callable[[], Collection[OutageId]] = tuple

    # ------------------------------------------------------------ what may be done

    def declare(self, wanted: Outage) -> Done:
        """Put it on record and tell everybody. Raises Refused where one about the same is open, naming it; a proposed one is declared."""
        said = self._entry(wanted.id, "declared", wanted.what, severity=wanted.severity)
        known = self.world.records.open_outage(wanted, said)
        if known.id != wanted.id and known.state == "proposed":
            return self.confirm(known.id, wanted.severity, wanted.what, min(wanted.began, known.began))
        if known.id != wanted.id and (known.by, known.what, known.severity) != (wanted.by, wanted.what, wanted.severity):
            raise Refused(f"an outage of {known.about} is declared already: {known.id}, by {known.by}", hint=_INSTEAD.format(known.id))
        return self._tell(known, self._declaration(known, said), again=known.id != wanted.id)

    def confirm(self, outage: OutageId, severity: OutageSeverity | None, what: str, began: datetime | None) -> Done:
        """Declare what was proposed, as it was proposed but for what is said here."""
        said = self._entry(outage, "declared", what, severity=severity)

        def decide(known: Outage, entries: Sequence[OutageEntry]) -> tuple[Outage, OutageEntry]:
            whole = said.model_copy(update={"text": what or known.what, "severity": severity or known.severity})
            changed, entry = policy.do(known, entries, whole, self._refusal(entries))
            if known.state != "proposed":
                return changed, entry
            said_so = {"what": whole.text, "began": began or known.began, "by": self.by}
            return changed.model_copy(update=said_so), entry

        return self._act(said, decide)

    def update(self, outage: OutageId, text: str, severity: OutageSeverity | None = None) -> Done:
        return self._do(outage, "updated", text, severity=severity)

    def assign(self, outage: OutageId, to: str, text: str = "") -> Done:
        """Raises ConfigError for who is no contact."""
        contacts = self.world.inventory.contacts
        if to not in contacts:
            raise ConfigError(f"'{to}' is no contact", hint=f"inventory/contacts.yaml has {', '.join(contacts) or 'none'}")
        return self._do(outage, "assigned", text, to=to)

    def resolve(self, outage: OutageId, text: str) -> Done:
        return self._do(outage, "resolved", text)

    def review(self, outage: OutageId, text: str) -> Done:
        return self._do(outage, "reviewed", text)

    def dismiss(self, outage: OutageId, text: str) -> Done:
        return self._do(outage, "dismissed", text)

    # ------------------------------------------------------------ inside

    def _do(self, outage: OutageId, act: OutageAct, text: str, *, severity: OutageSeverity | None = None, to: str = "") -> Done:
        said = self._entry(outage, act, text, severity=severity, to=to)
        return self._act(said, lambda known, entries: policy.do(known, entries, said, self._refusal(entries)))

    def _refusal(self, entries: Sequence[OutageEntry]) -> Callable[[Outage, OutageAct], str]:
        zone = self.world.inventory.organisation.zone
        return lambda known, act: policy.why_not(known, act, entries, zone)

    def _act(self, said: OutageEntry, decide: Decide) -> Done:
        """`said`: as it goes on record, unless the same is there already."""
        kept = said

        def noting(known: Outage, entries: Sequence[OutageEntry]) -> tuple[Outage, OutageEntry]:
            nonlocal kept
            changed, kept = decide(known, entries)
            return changed, kept

        changed = self.world.records.change_outage(said.outage, noting)
        if changed is None:
            raise ConfigError(f"there is no outage '{said.outage}'", hint="dr outage list --all")
        return self._tell(changed, kept, again=kept.key != said.key)

    def _declaration(self, known: Outage, said: OutageEntry) -> OutageEntry:
        return next((entry for entry in self.world.records.outage_entries(known.id) if entry.act == "declared"), said)

    def _tell(self, outage: Outage, entry: OutageEntry, *, again: bool) -> Done:
        """Owe all of it, then carry it; what became of it is told."""
        self.at("after-record")
        written = owe_words(outage, self.world, self.clock.now(), lambda: self.at("after-owed"))
        begun = self.keep() if outage.ended is None else ()  # its process begins while people are told here
        self.world.post.carry(outage.id)
        if outage.ended is not None:
            begun = self.keep()  # only now it is known whether anybody must be tried again
        self.at("after-carried")
        return Done(outage, entry, again, self._as_they_are(entry, {notice.id for notice in written}), outage.id in begun)

    def _as_they_are(self, entry: OutageEntry, ours: Set[str]) -> tuple[Notice, ...]:
        """What became of them, and of those that another process was first to owe; what it is just sending is waited for, or it would be
        said that nobody was reached."""
        until, of_it = time.monotonic() + _ANOTHERS, f"{entry.outage}:{entry.key}:"
        while True:
            known = self.world.records.outage_notices(entry.outage)
            found = tuple(one for one in known if one.id in ours or one.id.startswith(of_it))
            if not any(one.claims for one in found) or time.monotonic() > until:
                return found
            time.sleep(0.2)

    def _entry(self, outage: OutageId, act: OutageAct, text: str, *, severity: OutageSeverity | None = None, to: str = "") -> OutageEntry:
        now = self.clock.now()
        key = f"{act}-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        return OutageEntry(outage=outage, key=key, act=act, by=self.by, at=now, text=text, severity=severity, to=to)


_INSTEAD = 'say how it goes: dr outage update {0} "..."; see all of it: dr outage show {0}'


def desk(app: App, verb: str) -> Desk:
    """Of a home, for one command."""
    return Desk(app.services, app.clock, whoami(), of_verb(f"outage-{verb}"), lambda: keep_all(app))


# ---------------------------------------------------------------- what was typed


@dataclass(frozen=True)
class Asked:
    """What a person types to declare one."""

    system: str | None
    office: str | None
    severity: OutageSeverity
    what: str
    began: str | None
    exercise: bool


def prepare(app: App, asked: Asked) -> Outage:
    """The outage that would be declared; nothing is on record. Raises ConfigError."""
    if (asked.system is None) == (asked.office is None):
        systems, offices = ", ".join(app.inventory.systems), ", ".join(app.inventory.offices) or "none"
        raise ConfigError("what is out: a system, or an office?", hint=f"--system {systems}; or --office {offices}")
    if asked.office is not None and asked.office not in app.inventory.offices:
        raise ConfigError(f"'{asked.office}' is not an office", hint=f"there are {', '.join(app.inventory.offices) or 'none'}")
    now = app.clock.now()
    return Outage(
        id=new_id(now),
        system=app.system(asked.system) if asked.system is not None else None,
        office=OfficeName(asked.office) if asked.office is not None else None,
        severity=asked.severity,
        what=words("--what", asked.what).rstrip("."),
        state="declared",
        exercise=asked.exercise,
        began=recognised_at("--began", asked.began, now, app.inventory.organisation.zone),
        by=whoami(),
    )


def new_id(now: datetime) -> OutageId:
    return OutageId(f"out-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")


def words(option: str, text: str | None) -> str:
    """One line of what a person says. Raises ConfigError for nothing, and for too much."""
    said = " ".join((text or "").split())
    if not said:
        raise ConfigError(
            f"{option} says nothing", hint=f'write it in a few words: {option} "..."; it goes to people, so no client\'s data'
        )
    if len(said) > LONGEST:
        raise ConfigError(f"{option} has {len(said):,} characters, and {LONGEST:,} is the most", hint="say it in less")
    return said


def pick(app: App, named: str | None, *states: OutageState, newest: bool = False) -> Outage:
    """The outage of that name; without one, the only real one in these states; an exercise where nothing real is. Raises ConfigError.

    `newest`: where none is, the newest of all, so that whoever acts hears how that one stands.
    """
    if named:
        return which(named, app.records)
    known = app.records.outages()
    found = [one for one in known if one.state in states] or (known[:1] if newest else [])
    found = [one for one in found if not one.exercise] or found
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"which outage? there are {_each(app, known, states)}", hint="name one of them behind the command")
    kind = {"declared": "open", "proposed": "proposed", "resolved": "unreviewed"}.get(states[0], states[0])
    raise ConfigError(f"there is no {kind} outage", hint="dr outage list --all")


def _each(app: App, known: Sequence[Outage], states: Collection[OutageState]) -> str:
    """All in these states, the real ones first: what, since when, whether it is real, and the name to type."""
    now, zone = app.clock.now(), app.inventory.organisation.zone
    asked = sorted((one for one in known if one.state in states), key=lambda one: one.exercise)
    return "; ".join(
        f"{one.id} ({'EXERCISE' if one.exercise else 'REAL'}: {one.about}, since {clock(one.began, now, zone)})" for one in asked
    )


# ---------------------------------------------------------------- for others


def owe_all(app: App) -> list[Notice]:
    """What is owed of every outage by now goes into the ledger: for whoever is about to carry it (`dr notices carry`)."""
    now = app.clock.now()
    return [notice for one in policy.lately(app.records.outages(), now) for notice in owe_words(one, app.services, now)]
