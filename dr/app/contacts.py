"""The people of the inventory: whether an alarm would reach them. A test of each channel asks for an answer; the answer proves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.app.home import App
from dr.clock import local
from dr.config.secrets import resolve_secret
from dr.errors import ConfigError, DrError
from dr.model.base import RunId
from dr.model.inventory import Contact
from dr.model.notice_record import Notice
from dr.model.ports import Word
from dr.model.record import Finding
from dr.notify.channel import scheme_of
from dr.notify.proven import address_of, proven
from dr.notify.stories import ContactTestStory
from dr.notify.webhooks import forbidden
from dr.policy.words import short, spoken

TEST = "contact-test"
_ASKED = "contact.asked:"


@dataclass(frozen=True)
class Channel:
    """One channel of one contact, as far as it is known to work."""

    contact: str
    name: str
    number: int
    """From 1."""
    kind: str
    """`mailto`, `ntfy`, ...; `unknown` where its secret cannot be read."""
    proven: datetime | None
    valid: bool
    """Whether that is recent enough."""
    test: Notice | None = None
    """The newest test that was sent by it."""

    def to_facts(self) -> dict[str, object]:
        at = self.proven.isoformat() if self.proven else None
        facts = {"contact": self.contact, "name": self.name, "channel": self.number, "kind": self.kind, "proven": at, "valid": self.valid}
        return {**facts, "test": self.test.id if self.test else None, "test_state": self.test.state if self.test else None}


def channels(app: App, name: str | None = None) -> list[Channel]:
    """Every channel of everybody, or of one contact. Raises ConfigError."""
    tests: dict[tuple[str, int], Notice] = {}
    for notice in app.records.notices_by(TEST):
        tests[notice.to, notice.channel or 0] = notice
    return [channel for key, contact in _named(app, name).items() for channel in _channels(app, key, contact, tests)]


def ask(app: App, name: str | None = None) -> list[Notice]:
    """Send each channel a test that asks to be acknowledged, and say what became of each. Raises ConfigError."""
    now = app.clock.now()
    owed = [
        app.services.post.owe(_word(app, key, contact, number, now)).id
        for key, contact in _named(app, name).items()
        for number in range(len(contact.channels))
    ]
    app.services.carrier.carry(owed)
    for key in _named(app, name):
        if app.records.setting(_ASKED + key) is None:
            app.records.set_setting(_ASKED + key, now.isoformat())
    note(app)
    return [notice for notice in map(app.records.notice, owed) if notice is not None]


def note(app: App) -> list[Finding]:
    """A finding for each contact who was asked, and of whom no channel is proven any more, or after a day still not; closed for others."""
    now, found = app.clock.now(), []
    for name, contact in app.inventory.contacts.items():
        key = f"contact-unproven:{name}"
        why = _unproven(app, name, contact, now)
        if not why:
            app.records.close_finding(key, now, RunId(""))
            continue
        hint = f"dr contacts check {name}; when the test arrives: dr ack CODE"
        found.append(
            Finding(key=key, severity="warning", message=f"nobody knows whether an alarm reaches {name}: {why}", hint=hint, at=now)
        )
        app.records.finding(found[-1])
    return found


def require_allowed(app: App) -> None:
    """Raises ConfigError for a channel that would post to a host which the inventory does not allow."""
    for name, contact in app.inventory.contacts.items():
        for number, url in enumerate(_urls(app, contact)):
            why = forbidden(url, app.inventory.notices.webhooks)
            if why:
                hint = "add the host to `notices: {webhooks: [...]}`, or take the channel out"
                raise ConfigError(f"contact '{name}', channel {number + 1}: {why}", hint=hint)


def proven_ago(app: App, name: str) -> str:
    """`3 days`, where a channel of theirs is proven and that is recent enough; else empty."""
    now = app.clock.now()
    recent = [at for at in _proven(app, name, app.inventory.contacts[name]) if at and now - at < _valid(app)]
    return spoken((now - max(recent)).total_seconds()) if recent else ""


def _unproven(app: App, name: str, contact: Contact, now: datetime) -> str:
    """Why they count as not proven, of those who were ever asked; empty where they do, or were not."""
    asked = app.records.setting(_ASKED + name)
    times = [at for at in _proven(app, name, contact) if at]
    if any(now - at < _valid(app) for at in times):
        return ""
    if times:
        return f"a test was last acknowledged {spoken((now - max(times)).total_seconds())} ago"
    patience = timedelta(seconds=app.inventory.notices.code_valid)
    if asked and now - datetime.fromisoformat(asked) > patience:
        return f"no test was acknowledged within {short(patience.total_seconds())}"
    return ""


def _valid(app: App) -> timedelta:
    return timedelta(seconds=app.inventory.notices.contact_valid)


def _named(app: App, name: str | None) -> dict[str, Contact]:
    contacts = app.inventory.contacts
    if name is None:
        return dict(contacts)
    if name not in contacts:
        raise ConfigError(f"there is no contact '{name}'", hint=f"inventory/contacts.yaml has {', '.join(contacts) or 'none'}")
    return {name: contacts[name]}


def _urls(app: App, contact: Contact) -> Iterator[str]:
    """Empty where the secret cannot be read."""
    for reference in contact.channels:
        try:
            yield resolve_secret(reference, app.home)  # not through the services: `dr check` makes no catalog
        except DrError:
            yield ""


def _proven(app: App, name: str, contact: Contact) -> Sequence[datetime | None]:
    key = app.services.keys.digest_key()
    return proven(app.records, name, [address_of(url, key) for url in _urls(app, contact)])


def _channels(app: App, key: str, contact: Contact, tests: dict[tuple[str, int], Notice]) -> Iterator[Channel]:
    now = app.clock.now()
    for number, (url, at) in enumerate(zip(_urls(app, contact), _proven(app, key, contact), strict=True)):
        valid = at is not None and now - at < _valid(app)
        yield Channel(key, contact.name, number + 1, scheme_of(url), at, valid, tests.get((key, number)))


def _word(app: App, name: str, contact: Contact, number: int, now: datetime) -> Word:
    story = ContactTestStory(
        organisation=app.inventory.organisation.name,
        name=contact.name,
        channel=number + 1,
        channels=len(contact.channels),
        kind=scheme_of(list(_urls(app, contact))[number]),
        at=local(now, app.inventory.organisation.zone),
        valid=short(app.inventory.notices.contact_valid),
    )
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    return Word(id=f"{TEST}-{name}-{number + 1}-{stamp}", to=name, template=TEST, story=story, acknowledge=True, channel=number)
