"""`dr incident`: what a person says about what may have come into strangers' hands. It is on record first; then people are told.

A crash between loses nothing: what is owed follows from the records, and whoever comes by next (another command, a timer's
`dr notices carry`) owes it and carries it.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, partial

from dr.app.failpoints import of_verb
from dr.app.home import App, whoami
from dr.app.outages import words
from dr.app.recover import recognised_at
from dr.clock import local
from dr.config.keys import kept_drill_keys, noted_recipients, public_half, read_identity
from dr.errors import ConfigError, DrError, Refused
from dr.model.base import RepositoryName, SetId
from dr.model.incident import Exposed, Incident, IncidentAct, IncidentEntry, IncidentId
from dr.model.inventory import SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import Word
from dr.model.record import AuditEntry
from dr.policy.incident_words import answer, story, told
from dr.policy.incidents import Exposure, exposure, stays_of, widened
from dr.policy.outages import lately

TEMPLATE = "incident-opened"


@dataclass(frozen=True)
class Asked:
    """What of it was exposed, as a person types it."""

    copies: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """How it is after an act; what is concerned by it, and who was told by this act.

    `entry`: what is on record of the act; `again`: it was there already, since the same was typed before.
    """

    incident: Incident
    found: Exposure
    entry: IncidentEntry
    again: bool = False
    notices: tuple[Notice, ...] = ()

    @property
    def answer(self) -> str:
        """In one sentence: could anything be read?"""
        return answer(self.found)


# ---------------------------------------------------------------- what may be done


def open_one(app: App, what: str | None, asked: Asked, since: str | None, noticed: str | None) -> Done:
    """Put it on record and tell people; the same typed again by the same person, after a crash, is no second one.

    Raises ConfigError for what is not known here.
    """
    now, zone = app.clock.now(), app.inventory.organisation.zone
    seen = recognised_at("--noticed", noticed, now, zone)
    began = recognised_at("--since", since, now, zone) if since else seen
    exposed = exposed_of(app, asked)
    if not exposed:
        raise ConfigError("what was exposed?", hint="--copy SET[@REPOSITORY], --repository REPOSITORY, --key drill, --host STANDBY")
    if began > seen:
        raise ConfigError("--since is after --noticed", hint="it was exposed before, or when, somebody noticed")
    wanted = Incident(
        id=IncidentId(f"inc-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"),
        what=words("--what", what).rstrip("."),
        state="open",
        exposed=exposed,
        since=began,
        noticed=seen,
        opened=now,
        by=whoami(),
    )
    entry = _entry(wanted.id, "opened", now, wanted.what, exposed)
    for known in app.records.incidents(open_only=True):
        if (known.what, known.by, known.exposed) == (wanted.what, wanted.by, exposed):
            return _tell(app, "open", known, app.records.incident_entries(known.id)[0], again=True)
    return _tell(app, "open", app.records.open_incident(wanted, entry), entry)


def note(app: App, named: str | None, text: str, asked: Asked) -> Done:
    """Write down what was found or decided; and what else was exposed, of which people are told. Raises Refused where it is closed."""
    one, more, now = pick(app, named, closed=True), exposed_of(app, asked), app.clock.now()
    added = tuple(each for each in more if each not in one.exposed)
    return _change(app, "note", one, _entry(one.id, "noted", now, words("a note", text), added))


def close(app: App, named: str | None, text: str) -> Done:
    """It is over, and why. Raises Refused where it is closed already, in other words."""
    one = pick(app, named, closed=True)
    return _change(app, "close", one, _entry(one.id, "closed", app.clock.now(), words("--text", text)))


def pick(app: App, named: str | None, *, closed: bool = False) -> Incident:
    """The incident of that name; without one, the only open one (or, if `closed` may be, the newest). Raises ConfigError."""
    if named:
        found = app.records.incident(IncidentId(named))
        if found is None:
            raise ConfigError(f"there is no incident '{named}'", hint="dr incident list --all")
        return found
    known = app.records.incidents(open_only=True)
    if len(known) > 1:
        raise ConfigError(f"which incident? there are {', '.join(one.id for one in known)}", hint="name one of them behind the command")
    known = known or (app.records.incidents() if closed else [])
    if not known:
        raise ConfigError("there is no open incident", hint="dr incident list --all")
    return known[0]


def _change(app: App, verb: str, one: Incident, entry: IncidentEntry) -> Done:
    """One thing more about it; what was said last, said again by the same person, is on record already."""
    last = app.records.incident_entries(one.id)[-1]
    if (last.act, last.by, last.text) == (entry.act, entry.by, entry.text) and not entry.exposed:
        return _tell(app, verb, one, last, again=True)
    ended = f": {local(last.at, app.inventory.organisation.zone)}, by {last.by}: {last.text}" if last.act == "closed" else ""

    def decide(known: Incident) -> tuple[Incident, IncidentEntry]:
        if known.state == "closed":
            raise Refused(f"{known.id} is closed{ended}", hint="if there is more to it, open another, and name this one in its words")
        if entry.act == "closed":
            return known.model_copy(update={"state": "closed", "ended": entry.at}), entry
        return widened(known, entry.exposed), entry

    return _tell(app, verb, app.records.change_incident(one.id, decide) or one, entry)


def _entry(one: IncidentId, act: IncidentAct, at: datetime, text: str, exposed: Sequence[Exposed] = ()) -> IncidentEntry:
    key = f"{act}-{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    return IncidentEntry(incident=one, key=key, act=act, by=whoami(), at=at, text=text, exposed=tuple(exposed))


# ---------------------------------------------------------------- what was exposed


def exposed_of(app: App, asked: Asked) -> tuple[Exposed, ...]:
    """Each thing by name, looked up. Raises ConfigError."""
    found = [
        *(_copy(app, one) for one in asked.copies),
        *(Exposed(kind="repository", name=_repository(app, one)) for one in asked.repositories),
        *(_key(app, one) for one in asked.keys),
        *(_host(app, one) for one in asked.hosts),
    ]
    return tuple(dict.fromkeys(found))


def _copy(app: App, text: str) -> Exposed:
    name, _, where = text.partition("@")
    if app.records.manifest(SetId(name)) is None:
        raise ConfigError(f"there never was a set '{name}'", hint="`dr backups list` shows them; --copy SET@REPOSITORY names one copy")
    return Exposed(kind="copy", name=name, repository=RepositoryName(_repository(app, where)) if where else None)


def _repository(app: App, name: str) -> str:
    known = {*app.inventory.repositories, *(copy.repository for copy in app.records.kept_copies())}
    if name not in known:
        raise ConfigError(f"'{name}' is not a repository", hint=f"there are {', '.join(sorted(known))}")
    return name


def _host(app: App, name: str) -> Exposed:
    known = [each for each, entry in app.inventory.hosts.items() if entry.role == "standby"]
    used = {str(stay.host) for stay in stays_of(trail(app))} if name not in known else set()
    if name not in {*known, *used}:
        raise ConfigError(f"'{name}' is not a standby", hint=f"on which sets were restored: {', '.join(sorted({*known, *used})) or 'none'}")
    return Exposed(kind="host", name=name)


def _key(app: App, name: str) -> Exposed:
    if name == "signing":
        return Exposed(kind="key", name=name)
    if name in ("drill", "escrow"):
        found = _drill_keys(app) if name == "drill" else tuple(filter(None, (noted_recipients(app.home).get("escrow"),)))
        if not found:
            hint = f"name it itself: --key age1...; the recipients are {', '.join(app.inventory.organisation.keys.recipients)}"
            raise ConfigError(f"which key is the {name} key is not known here", hint=hint)
        return Exposed(kind="key", name=name, recipients=found)
    if name.startswith("age1") and any(name in copy.recipients for copy in app.records.kept_copies()):
        return Exposed(kind="key", name=name, recipients=(name,))
    raise ConfigError(
        f"'{name[:12]}' is no key of ours", hint="--key drill, escrow, signing, or an age public key that a set is encrypted to"
    )


def _drill_keys(app: App) -> tuple[str, ...]:
    """The public halves of the drill key and of its predecessors, which lie beside it: who has one may have them all."""
    noted = noted_recipients(app.home).get("drill")
    found = [noted] if noted else []
    kept = [SecretRef(file=name) for name in kept_drill_keys(app.home)]
    for ref in [app.inventory.organisation.keys.identity, *kept]:
        if ref is not None:
            try:
                found.append(public_half(read_identity(ref, app.home, "the drill key")))
            except DrError:
                continue  # not on this machine, or not to be read: what was noted of it counts
    return tuple(dict.fromkeys(found))


# ---------------------------------------------------------------- what that concerns, and who is told


def trail(app: App) -> Iterator[AuditEntry]:
    """All of the audit trail, oldest first."""
    last = 0
    while entries := app.records.audit_entries(after=last):
        yield from entries
        last = entries[-1].seq


def concerned(app: App, incident: Incident) -> Exposure:
    return exposure(incident, app.records.kept_copies(), stays_of(trail(app)))


def owe_incidents(app: App) -> list[Notice]:
    """What is owed of every open incident, and is not in the ledger yet: for whoever is about to carry it."""
    now, found = app.clock.now(), list[Notice]()
    for one in lately(app.records.incidents(), now):
        found += _owe(app, one, now, cache(partial(concerned, app, one)), lambda _: None)
    return found


def _tell(app: App, verb: str, incident: Incident, entry: IncidentEntry, *, again: bool = False) -> Done:
    """Owe all of it, then carry it."""
    at = of_verb(f"incident-{verb}")
    at("after-record")
    found = concerned(app, incident)
    owed = [one.id for one in _owe(app, incident, app.clock.now(), lambda: found, at)]
    app.services.post.carry()
    at("after-carried")
    of_it = (f"{incident.id}:{entry.key}:{name}" for name in told(app.inventory, app.records.board()))
    notices = (app.records.notice(one) for one in dict.fromkeys((*owed, *of_it)))
    return Done(incident, found, entry, again, tuple(one for one in notices if one is not None))


def _owe(app: App, incident: Incident, now: datetime, found: Callable[[], Exposure], at: Callable[[str], None]) -> list[Notice]:
    """A word for each entry by which something was exposed, to everybody who is told. `found`: what is concerned; the whole trail is
    read for that, so only where a word is owed."""
    to = told(app.inventory, app.records.board())
    written = []
    for entry in app.records.incident_entries(incident.id):
        left = [name for name in to if entry.exposed and app.records.notice(f"{incident.id}:{entry.key}:{name}") is None]
        for name in left:
            word = _word(app, incident, entry, now, found())
            written.append(app.services.post.owe(replace(word, id=f"{incident.id}:{entry.key}:{name}", to=name)))
            at("after-owed")
    return written


def _word(app: App, incident: Incident, entry: IncidentEntry, now: datetime, found: Exposure) -> Word:
    lines, added = [str(one) for one in entry.exposed], entry.act != "opened"
    told_of = story(incident, found, entry.text, app.inventory, now, by=entry.by, lines=lines, added=added)
    return Word(id="", to="", template=TEMPLATE, story=told_of, severity="critical", acknowledge=True)
