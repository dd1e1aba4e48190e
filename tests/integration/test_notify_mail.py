"""A failed nightly reaches a mailbox, or its silence is recorded and red: real SMTP with AUTH on this machine, the real catalog."""

import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import ConfigError, Failed
from dr.model.inventory import SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import StepContext, Telling
from dr.notify.channel import scheme_of, send
from dr.notify.ledger import LedgerNotifier
from dr.policy.readiness import readiness
from dr.policy.undelivered import what_became
from tests.support.but import But
from tests.support.catalog_copies import HMIS, NOW
from tests.support.catalog_mailbox import PASSWORD, USER, Mailbox, body_of, free_port, mailbox
from tests.support.catalog_runs import context, inventory_of, plan_of, run_at, step_of
from tests.support.notices import notifier_of

pytestmark = pytest.mark.integration

TELLING = Telling(to="administrators", template="nightly-failed", severity="critical")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as opened:
        opened.begin_run(run_at(), plan_of())
        opened.record_step(step_of(state="failed"))
        yield opened


def notifier(
    catalog: Catalog, people: dict[str, list[str]], after_send: Callable[[StepContext], None] | None = None, workers: int = 8
) -> LedgerNotifier:
    """`people`: contact to the URLs of its channels; each URL is a secret under a name of its own."""
    secrets = {f"{name}-{place}": url for name, urls in people.items() for place, url in enumerate(urls)}
    inventory = inventory_of({name: [f"{name}-{place}" for place in range(len(urls))] for name, urls in people.items()})

    def secret(reference: SecretRef) -> str:
        if not secrets[reference.env or ""]:
            raise ConfigError(f"the secret {reference} is not set")
        return secrets[reference.env or ""]

    return notifier_of(inventory, catalog, FixedClock(NOW), secret, after_send or (lambda _ctx: None), workers=workers)


def dead() -> str:
    return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{free_port()}/?from=dr@example.org&to=bob@example.org"


def colour(catalog: Catalog) -> list[str]:
    """The red reasons about notices in `dr status`."""
    found = readiness(HMIS, inventory_of({}).systems["hmis"], [], [], [], catalog.notices(), NOW)
    return [r.text for r in found.reasons if r.colour == "red" and "notice" in r.text]


def test_a_failed_nightly_reaches_every_mailbox_of_the_group(box: Mailbox, catalog: Catalog) -> None:
    """Promise 8's first half: plain text, the failure in the subject, one message each."""
    notice = notifier(catalog, {"anna": [box.url("anna")], "bob": [box.url("bob")]}).tell(TELLING, context(catalog))
    assert notice.state == "delivered"
    assert [box.subjects(name) for name in ("anna", "bob")] == [["hmis: nightly FAILED"]] * 2
    assert box.to("anna")[0].get_content_type() == "text/plain"
    assert body_of(box.to("anna")[0]).rstrip() == notice.body.rstrip()
    assert catalog.notices() == [notice]
    assert sorted((d.contact, d.scheme, d.state, d.attempt) for d in notice.deliveries) == [
        ("anna", "mailto", "delivered", 1),
        ("bob", "mailto", "delivered", 1),
    ]
    assert colour(catalog) == []


def test_an_alarm_that_wants_an_answer_bears_a_code_and_is_pursued_until_there_is_one(box: Mailbox, catalog: Catalog) -> None:
    """`acknowledge: true` in a runbook: delivered is enough for the run, and not for whoever must act."""
    tell = notifier(catalog, {"anna": [box.url("anna")]}).tell
    asked = tell(replace(TELLING, acknowledge=True), context(catalog))
    assert asked.state == "delivered"
    assert re.search(r"dr ack [A-Z0-9-]+", body_of(box.to("anna")[0]))
    assert asked.due == NOW + timedelta(minutes=10)
    told = tell(replace(TELLING, to="anna"), context(catalog))  # without: said, and over
    assert told.due is None
    assert "dr ack" not in body_of(box.to("anna")[1])


def test_no_credential_reaches_the_catalog(box: Mailbox, catalog: Catalog) -> None:
    """Promise 7: the ledger holds the scheme of a channel and nothing else of it."""
    notifier(catalog, {"anna": [box.url("anna")], "bob": [dead()]}).tell(TELLING, context(catalog))
    stored = b"".join(path.read_bytes() for path in catalog.path.parent.iterdir() if path.is_file())
    assert b"mailto" in stored
    assert PASSWORD.encode() not in stored
    assert USER.encode() not in stored


def test_a_notice_to_nobody_is_recorded_audited_and_red(catalog: Catalog) -> None:
    """A group without members is an alarm, not a success."""
    with pytest.raises(Failed) as refused:
        notifier(catalog, {"anna": [dead()]}).tell(Telling(to="admins", template="nightly-failed"), context(catalog))
    assert str(refused.value) == (
        "the notice 'nightly-failed' to 'admins' reached nobody: no contact or group has that name\n"
        "   HINT: name a contact in inventory/contacts.yaml, or add the group 'admins' to one; then tell them by hand now"
    )
    assert [n.state for n in catalog.notices()] == ["nobody"]
    assert [e.event for e in catalog.audit_entries()] == ["notice.nobody"]
    assert colour(catalog) == ["a notice to admins reached nobody, 0 seconds ago: no contact or group has that name"]


def test_a_dead_mail_server_is_a_failed_notice(catalog: Catalog) -> None:
    """What no provider confirmed was not delivered."""
    notice = notifier(catalog, {"bob": [dead()]}).tell(TELLING, context(catalog))
    assert notice.state == "failed"
    assert notice.deliveries[0].detail == "the provider could not be reached"
    assert colour(catalog) == ["a notice to administrators was not delivered, 0 seconds ago"]


def test_one_of_two_people_is_partial_and_a_second_channel_helps(box: Mailbox, catalog: Catalog) -> None:
    """Every channel is tried with a result of its own; one is enough for its contact, never for another's."""
    people = {"anna": [dead(), box.url("anna")], "bob": [dead()]}
    notice = notifier(catalog, people).tell(TELLING, context(catalog))
    assert notice.state == "partial"
    assert sorted((d.contact, d.channel, d.state) for d in notice.deliveries) == [
        ("anna", 0, "failed"),
        ("anna", 1, "delivered"),
        ("bob", 0, "failed"),
    ]


@pytest.mark.parametrize(
    ("url", "scheme", "detail"),
    [
        ("nonsense://token@host", "nonsense", "this is no URL of a channel that can be used"),
        ("", "unknown", "its address is a secret that could not be read"),
    ],
)
def test_a_bad_url_or_an_unreadable_secret_is_a_failure(catalog: Catalog, url: str, scheme: str, detail: str) -> None:
    """Apprise only returns False for a URL that it cannot use; that must not read as done."""
    notice = notifier(catalog, {"bob": [url]}).tell(TELLING, context(catalog))
    assert (notice.state, notice.deliveries[0].scheme, notice.deliveries[0].detail) == ("failed", scheme, detail)


def test_a_url_that_reaches_only_some_of_its_targets_is_a_failure(box: Mailbox) -> None:
    """PARTIAL is not delivered: who was left out is unknown."""
    sent = send(f"{box.url('anna')}, {dead()}", "subject", "body")
    assert (sent.delivered, sent.detail) == (False, "it reached only some of the channel's targets")


def test_a_provider_that_never_answers_has_not_confirmed() -> None:
    """A time-out is a failure that says the message may still arrive."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"mailto://127.0.0.1:{silent.getsockname()[1]}/?from=dr@example.org&to=anna@example.org&cto=2"
        sent = send(url, "subject", "body", timeout=0.5)
    assert (sent.delivered, sent.detail) == (False, "the provider did not confirm within 0.5 s; it may still arrive")


def test_only_the_scheme_of_a_channel_is_ever_named() -> None:
    """A URL without one names nothing."""
    assert [scheme_of(url) for url in (" MAILTO://u:p@h", "tgram://token/chat", "token-without-scheme")] == ["mailto", "tgram", "unknown"]


KILLED_AFTER_SENDING = """
import os, signal, sys
from pathlib import Path
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from tests.integration.test_notify_mail import TELLING, Forgetful, notifier
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import context
catalog = open_catalog(Path(sys.argv[1]), FixedClock(NOW))
die = lambda _ctx: os.kill(os.getpid(), signal.SIGKILL)
ledger = Forgetful(catalog) if sys.argv[3:] else catalog
notifier(ledger, {"anna": [sys.argv[2]]}, die).tell(TELLING, context(catalog))
"""


def die_after_sending(catalog: Catalog, box: Mailbox, *more: str) -> None:
    command = [sys.executable, "-c", KILLED_AFTER_SENDING, str(catalog.path), box.url("anna"), *more]
    killed = subprocess.run(command, cwd=Path.cwd(), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert box.subjects("anna") == ["hmis: nightly FAILED"]


@pytest.mark.fault
def test_a_kill_between_sending_and_recording_is_repeated_and_marked(box: Mailbox, catalog: Catalog) -> None:
    """Promise 1 for messages: at least once, the second one says that it is a repeat, and one notice stands in the ledger."""
    die_after_sending(catalog, box)
    assert [(n.state, n.deliveries) for n in catalog.notices()] == [("owed", ())]
    notice = notifier(catalog, {"anna": [box.url("anna")]}).tell(TELLING, context(catalog))
    assert box.subjects("anna") == ["hmis: nightly FAILED", "hmis: nightly FAILED (repeat)"]
    assert [(n.id, n.state, n.repeated) for n in catalog.notices()] == [(notice.id, "delivered", 1)]
    assert notifier(catalog, {"anna": [box.url("anna")]}).tell(TELLING, context(catalog)) == notice
    assert len(box.messages) == 2


class Forgetful(But):
    """The catalog, but what is about to be sent is not in the ledger before it is."""

    def amend(self, notice: str, change: Callable[[Notice], Notice]) -> Notice:
        changed: list[Notice] = []

        def without_claims(known: Notice) -> Notice:
            changed.append(change(known))
            return changed[0].model_copy(update={"claims": (), "begun": ()})

        self._catalog.amend(notice, without_claims)
        return changed[0]


@pytest.mark.fault
@pytest.mark.positive_control
def test_without_the_ledger_first_a_repeat_looks_like_a_second_failure(box: Mailbox, catalog: Catalog) -> None:
    """Twin: with a ledger that forgets what was about to be sent, the second message is not marked."""
    die_after_sending(catalog, box, "forgetful")
    notifier(catalog, {"anna": [box.url("anna")]}).tell(TELLING, context(catalog))
    assert box.subjects("anna") == ["hmis: nightly FAILED", "hmis: nightly FAILED"]


class Crash(BaseException):
    """The process ends here, as far as the notifier can tell."""


def test_who_was_reached_before_a_crash_is_not_told_again(box: Mailbox, catalog: Catalog) -> None:
    """Only the one whose result was not recorded hears it twice."""
    people = {"anna": [box.url("anna")], "bob": [box.url("bob")]}
    sent: list[StepContext] = []

    def crash_at_the_second(ctx: StepContext) -> None:
        sent.append(ctx)
        if len(sent) == 2:
            raise Crash

    with pytest.raises(Crash):
        notifier(catalog, people, crash_at_the_second, workers=1).tell(TELLING, context(catalog))
    assert notifier(catalog, people).tell(TELLING, context(catalog)).state == "delivered"
    assert box.subjects("anna") == ["hmis: nightly FAILED"]
    assert box.subjects("bob") == ["hmis: nightly FAILED", "hmis: nightly FAILED (repeat)"]


class Heard(logging.Handler):
    """Everything that reaches the root logger, as a person who turned on debugging would see it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "mail.log":  # the test's own mail server
            self.lines.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[list[str]]:
    handler, root, apprise = Heard(), logging.getLogger(), logging.getLogger("apprise")
    before = root.level, apprise.propagate
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before[0])
    apprise.propagate = before[1]


HEADER = "&+X-Token=header-secret"


def test_nothing_of_a_channel_reaches_a_log(box: Mailbox, heard: list[str]) -> None:
    """Promise 7: Apprise logs addresses and headers at DEBUG; none of its lines come through."""
    assert send(box.url("anna", extra=HEADER), "subject", "body").delivered
    assert not [line for line in heard if "header-secret" in line or "anna@example.org" in line]


@pytest.mark.positive_control
def test_apprise_by_itself_does_log_a_channels_details(box: Mailbox, heard: list[str]) -> None:
    """Twin: the same send, not quieted."""
    import apprise

    logging.getLogger("apprise").propagate = True
    channel = apprise.Apprise()
    channel.add(box.url("anna", extra=HEADER))
    assert channel.notify(title="subject", body="body")
    assert [line for line in heard if "header-secret" in line or "anna@example.org" in line]


def test_what_was_not_delivered_is_sent_again_by_hand_and_clears_the_red(box: Mailbox, catalog: Catalog) -> None:
    """The mail server is back: whom nothing had reached is told, marked as a repeat; who was reached is not told twice."""
    down = {"anna": [box.url("anna")], "bob": [dead()]}
    failed = notifier(catalog, down).tell(TELLING, context(catalog))
    assert what_became(failed) == "reached only some of them: the mail server could not be reached"
    audited: list[str] = []
    up = notifier(catalog, {"anna": [box.url("anna")], "bob": [box.url("bob")]})
    again = up.resend(failed, lambda event, _subject, _facts: audited.append(event))
    assert (again.state, what_became(again), audited) == ("delivered", "was delivered", ["notice.delivered"])
    assert box.subjects("anna") == ["hmis: nightly FAILED"]
    assert box.subjects("bob") == ["hmis: nightly FAILED (repeat)"]
    assert catalog.notices() == [again]
    assert colour(catalog) == []


def test_a_retry_that_reaches_nobody_stays_red_and_says_why(catalog: Catalog) -> None:
    """Its state is never better than what was delivered."""
    people = {"bob": [dead()]}
    failed = notifier(catalog, people).tell(TELLING, context(catalog))
    again = notifier(catalog, people).resend(failed, lambda _event, _subject, _facts: None)
    assert again.state == "failed"
    assert max(d.attempt for d in again.deliveries) == 2
    assert what_became(again) == "was not delivered: the mail server could not be reached"
    assert len(colour(catalog)) == 1
