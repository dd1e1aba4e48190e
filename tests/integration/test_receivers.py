"""Real receivers, fine and not: each is in the ledger as what it is, and escalation reaches a person's answer or says that it did not."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.model.inventory import Inventory, SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import Word
from dr.notify.acknowledge import Desk
from dr.notify.channel import SEND_SECONDS, Sent, send_worded
from dr.notify.codes import Codes
from dr.notify.post import LedgerPost
from dr.notify.stories import ContactTestStory
from dr.notify.wording import Wording
from tests.support.catalog_copies import NOW
from tests.support.catalog_mailbox import body_of, free_port, mailbox
from tests.support.catalog_runs import inventory_of
from tests.support.notices import KEY, carrier_of, post_of
from tests.support.receivers import PASSWORD, USER, broker, cutting, irc_server, mail, said, silent, syslog, webhook

pytestmark = pytest.mark.integration
HURRY = "cto=1&rto=1"
PATIENT = "cto=25&rto=25"
"""For a receiver that is well, on a machine that is busy."""
STORY = ContactTestStory(
    organisation="Harbor", name="Anna <b>Bold</b>", channel=1, channels=2, kind="mailto", at="Sun 22 Nov 2026, 06:00 CST", valid="90 d"
)


class House:
    """One person, whose channels are these, and a real ledger. `patience`: seconds after which a provider has not confirmed."""

    def __init__(self, catalog: Catalog, *urls: str, rules: dict[str, object] | None = None, patience: float = SEND_SECONDS) -> None:
        self.catalog, self.clock, self._urls, self._patience = catalog, FixedClock(NOW), urls, patience
        made = inventory_of({"anna": [str(number) for number in range(len(urls))]})
        self.inventory = Inventory.from_facts({**made.to_facts(), "notices": rules or {}})

    def post(self) -> LedgerPost:
        def secret(reference: SecretRef) -> str:
            return self._urls[int(reference.env or "")]

        def teller(url: str, message: Wording, notice: Notice) -> Sent:
            return send_worded(url, message, severity=notice.severity, timeout=self._patience)

        return post_of(
            self.inventory, self.catalog, self.clock, carrier_of(self.inventory, self.catalog, self.clock, secret, teller=teller)
        )

    def tell(self, to: str = "anna") -> Notice:
        post = self.post()
        post.owe(Word(id="w", to=to, template="contact-test", story=STORY, severity="critical", acknowledge=True))
        return post.carry().notices[0]

    def later(self) -> Notice:
        self.clock.move_to(self.clock.now() + timedelta(minutes=10))
        return self.post().carry().notices[0]

    def acknowledge(self, text: str) -> Notice:
        (code,) = re.findall(r"dr ack ([A-Z2-9]{4}-[A-Z2-9]{2})", text)
        return Desk(self.inventory, self.catalog, self.clock, Codes(self.catalog, lambda: KEY), self.post()).acknowledge(code).notice


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as opened:
        yield opened


# ---------------------------------------------------------------- where all is well


def test_mail_has_a_text_and_html_in_which_nothing_typed_is_obeyed(catalog: Catalog) -> None:
    """By an SMTP server that wants a login; what looks like HTML is shown as it was typed."""
    with mailbox() as box:
        house = House(catalog, box.url("anna"))
        assert house.tell().state == "delivered"
        message = box.to("anna")[0]
        assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
        text, page = (body_of(part) for part in message.walk() if not part.is_multipart())
        assert "Nothing has happened. This is a test of Anna <b>Bold</b>'s channel 1 (mailto)" in text
        assert "Anna &lt;b&gt;Bold&lt;/b&gt;" in page
        assert house.acknowledge(text).answered


def test_a_webhook_is_told_in_plain_text_with_a_code(catalog: Catalog) -> None:
    with webhook() as hook:
        house = House(catalog, f"json://127.0.0.1:{hook.port}/alarms")
        assert house.tell().state == "delivered"
        heard = said(hook.texts[0])
        assert (heard["title"], heard["type"]) == ("Harbor: test of channel 1 of 2 to Anna <b>Bold</b>", "failure")
        assert house.acknowledge(heard["message"]).answered


def test_a_broker_that_wants_a_login_confirms_each_message(catalog: Catalog, tmp_path: Path) -> None:
    """MQTT; and with a wrong password it takes none, which is told from one that it took."""
    with broker(tmp_path) as mqtt:
        house = House(
            catalog,
            f"mqtt://{USER}:wrong@127.0.0.1:{mqtt.port}/alarms?{HURRY}",
            f"mqtt://{USER}:{PASSWORD}@127.0.0.1:{mqtt.port}/alarms?{PATIENT}",
        )
        notice = house.tell()
        assert [(d.state, d.detail) for d in notice.deliveries] == [
            ("failed", "the broker did not confirm it; it takes none where the login is wrong"),
            ("delivered", ""),
        ]
        assert house.acknowledge(mqtt.texts[0]).answered


def test_a_room_of_irc_gets_the_short_text_code_and_all(catalog: Catalog) -> None:
    """Its messages may be no longer than a telephone's; and a wrong password is said to be one."""
    with irc_server() as irc:
        where = f"127.0.0.1:{irc.port}/%23ops?{HURRY}"
        house = House(catalog, f"irc://dr:wrong@{where}", f"irc://dr:{PASSWORD}@{where}")
        notice = house.tell()
        assert [(d.state, d.detail) for d in notice.deliveries] == [("failed", "the provider refused the login"), ("delivered", "")]
        assert len(irc.texts) == 1
        assert len(irc.texts[0]) < 320
        assert house.acknowledge(irc.texts[0]).answered


def test_a_syslog_is_handed_the_message_and_the_ledger_says_that_nothing_confirmed_it(catalog: Catalog) -> None:
    with syslog() as log:
        notice = House(catalog, f"rsyslog://127.0.0.1:{log.port}/daemon").tell()
        assert [(d.state, d.detail) for d in notice.deliveries] == [("delivered", "handed over; a syslog confirms nothing")]


# ---------------------------------------------------------------- where it is not


@contextmanager
def down() -> Iterator[int]:
    yield free_port()


@contextmanager
def posting(status: int) -> Iterator[int]:
    with webhook(status) as hook:
        yield hook.port


@contextmanager
def mailing(answers: str) -> Iterator[int]:
    with mail(answers) as server:
        yield server.port


@contextmanager
def wanting_a_login() -> Iterator[int]:
    with mailbox() as box:
        yield box.port


MAIL = f"mailto://127.0.0.1:%d/?from=dr@example.org&to=anna@example.org&{HURRY}"
WRONG = f"mailto://dr-sender:wrong@127.0.0.1:%d/?from=dr@example.org&to=anna@example.org&{HURRY}"
HOOK, MQTT, IRC = f"json://127.0.0.1:%d/x?{HURRY}", f"mqtt://127.0.0.1:%d/x?{HURRY}", f"irc://dr@127.0.0.1:%d/%%23ops?{HURRY}"
NOT_REACHED, NO_ANSWER = "the provider could not be reached", "the provider did not answer in time"
BROKE_OFF = "the connection broke off before the provider confirmed; it may have arrived"
NO_RECEIPT = "the broker did not confirm it; it takes none where the login is wrong"
LATE = "the provider did not confirm within 4 s; it may still arrive"
Trouble = tuple[str, Callable[[], AbstractContextManager[int]], str]
TROUBLES: dict[str, Trouble] = {
    "mail down": (MAIL, down, NOT_REACHED),
    "mail hanging": (MAIL, silent, NO_ANSWER),
    "mail refusing": (MAIL, lambda: mailing("refuses"), "the provider refused the message"),
    "mail losing": (MAIL, lambda: mailing("loses"), BROKE_OFF),
    "mail wrong password": (WRONG, wanting_a_login, "the provider refused the login"),
    "webhook down": (HOOK, down, NOT_REACHED),
    "webhook hanging": (HOOK, silent, NO_ANSWER),
    "webhook refusing": (HOOK, lambda: posting(500), "the provider refused the message"),
    "webhook losing": (HOOK, lambda: posting(0), BROKE_OFF),
    "webhook wrong password": (HOOK, lambda: posting(401), "the provider refused the login"),
    "mqtt down": (MQTT, down, NOT_REACHED),
    "mqtt hanging": (MQTT, silent, NO_RECEIPT),
    "mqtt losing": (MQTT, cutting, NO_RECEIPT),
    "irc down": (IRC, down, NOT_REACHED),
    "irc losing": (IRC, cutting, BROKE_OFF),
    "nothing at all": ("nonsense://x:%d", down, "this is no URL of a channel that can be used"),
    "no daemon": ("syslog://?port=%d", down, "this machine has no syslog daemon"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_in_the_ledger_as_what_it_is_and_the_next_channel_is_tried(catalog: Catalog, name: str) -> None:
    """At once; and a person's answer to that one ends it. Never is a message that nobody confirmed a delivered one."""
    url, receiver, detail = TROUBLES[name]
    with receiver() as port, webhook() as hook:
        house = House(catalog, url % port, f"json://127.0.0.1:{hook.port}/")
        notice = house.tell()
        assert [(d.channel, d.state, d.detail) for d in notice.deliveries] == [(0, "failed", detail), (1, "delivered", "")]
        assert house.acknowledge(said(hook.texts[0])["message"]).answered
        assert house.catalog.due_notices(NOW + timedelta(days=1)) == []


@pytest.mark.campaign
def test_one_that_never_answers_at_all_is_given_up_and_may_still_arrive(catalog: Catalog) -> None:
    """IRC's own patience is longer than ours."""
    with silent() as port:
        notice = House(catalog, IRC % port, patience=4).tell()
    assert [(d.state, d.detail) for d in notice.deliveries] == [("failed", LATE)]


def test_where_no_channel_works_it_is_said_loudly_and_gone_on_with(catalog: Catalog) -> None:
    """Each channel twice; then it is unanswered, a finding, and begins again."""
    house = House(catalog, HOOK % free_port(), MAIL % free_port(), rules={"retry": ["5m"]})
    assert [house.tell().state, house.later().state] == ["failed", "unanswered"]
    (finding,) = catalog.open_findings()
    assert (finding.severity, finding.key) == ("critical", "unanswered:w")
    assert catalog.next_due() is not None


def test_a_group_that_nobody_is_in_is_a_finding_too(catalog: Catalog) -> None:
    notice = House(catalog, HOOK % free_port()).tell("managment")
    assert (notice.state, len(catalog.open_findings())) == ("nobody", 1)


def test_a_webhook_to_a_host_that_is_not_allowed_gets_nothing(catalog: Catalog) -> None:
    with webhook() as hook:
        url = f"json://127.0.0.1:{hook.port}/"
        notice = House(catalog, url, rules={"webhooks": ["hooks.example.org"]}).tell()
        refused = "a json channel may not post to that host: it is not in `notices: webhooks`"
        assert ([d.detail for d in notice.deliveries], hook.texts) == ([refused], [])


@pytest.mark.positive_control
def test_where_all_hosts_are_allowed_it_does(catalog: Catalog) -> None:
    """Twin: no list."""
    with webhook() as hook:
        assert House(catalog, f"json://127.0.0.1:{hook.port}/").tell().state == "delivered"
        assert len(hook.texts) == 1


def test_no_credential_of_any_channel_reaches_the_catalog(catalog: Catalog) -> None:
    """Promise 7, with codes and proofs beside the deliveries."""
    with wanting_a_login() as port:
        House(catalog, WRONG % port, f"json://{USER}:{PASSWORD}@127.0.0.1:{port}/tok-12345?{HURRY}").tell()
    stored = b"".join(path.read_bytes() for path in catalog.path.parent.iterdir() if path.is_file())
    assert b"mailto" in stored
    assert not [word for word in (b"tok-12345", PASSWORD.encode(), b":wrong@") if word in stored]
