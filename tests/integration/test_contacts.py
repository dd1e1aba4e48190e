"""`dr contacts check`, `dr ack`, `dr notices carry` over a real home: who would be reached, and who of them is not known to be."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dr.app import App, init_home
from dr.app.acknowledging import acknowledge
from dr.app.contacts import ask, channels, note, require_allowed
from dr.app.doctor.people import people
from dr.app.retry_notices import carry
from dr.cli import cli
from dr.clock import FixedClock
from dr.errors import ConfigError, Refused
from dr.model.ports import Word
from dr.notify.stories import ContactTestStory
from tests.support.catalog_copies import NOW
from tests.support.catalog_mailbox import free_port
from tests.support.receivers import Received, said, webhook

pytestmark = pytest.mark.integration
CONTACTS = """\
contacts:
  anna: {name: Anna Abel, groups: [administrators], deputy: bob, channels: [!secret {file: keys/anna.url}]}
  bob: {name: Bob Baker, groups: [management], channels: [!secret {file: keys/bob.url}, !secret {file: keys/anna.url}]}
notices: {webhooks: [127.0.0.1], contact_valid: 30d}
"""


@dataclass
class House:
    """A home with Anna, who has a webhook, and Bob, whose first channel is dead."""

    home: Path
    hook: Received
    clock: FixedClock

    def app(self) -> App:
        return App.open(str(self.home), clock=self.clock)

    def url(self, name: str, url: str) -> None:
        file = self.home / "keys" / f"{name}.url"
        file.write_text(url + "\n")
        file.chmod(0o600)

    def codes(self) -> list[str]:
        return [code for text in self.hook.texts for code in re.findall(r"dr ack (\S+)", said(text)["message"])]

    def dr(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["--home", str(self.home), *words], standalone_mode=False)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    init_home(str(tmp_path / "home"), "Harbor", "America/Chicago")
    (tmp_path / "home" / "inventory" / "contacts.yaml").write_text(CONTACTS)
    for extra in ("duties.yaml", "outages.yaml"):  # they name people of the example
        (tmp_path / "home" / "inventory" / extra).unlink(missing_ok=True)
    with webhook() as hook:
        made = House(tmp_path / "home", hook, FixedClock(NOW))
        made.url("anna", f"json://127.0.0.1:{hook.port}/")
        made.url("bob", f"json://127.0.0.1:{free_port()}/")
        yield made


def test_each_channel_is_tested_and_an_answer_proves_it_until_it_is_too_old(house: House) -> None:
    """Bob's own channel is dead and said to be; the one that he shares with Anna is not proven by her answer for him."""
    app = house.app()
    assert sorted((n.to, n.channel, n.state) for n in ask(app)) == [("anna", 0, "delivered"), ("bob", 0, "failed"), ("bob", 1, "delivered")]
    by_anna = next(c for c, t in zip(house.codes(), house.hook.texts, strict=True) if "Anna Abel" in said(t)["title"])
    assert acknowledge(app, by_anna, "", None).contact == "anna"
    assert [(c.contact, c.number, c.valid) for c in channels(app)] == [("anna", 1, True), ("bob", 1, False), ("bob", 2, False)]
    assert "anna acknowledged a message 0 seconds ago" in [line.text for line in people(app) if line.colour == "green"]
    house.clock.move_to(NOW + timedelta(days=2))
    assert [finding.message for finding in note(app)] == ["nobody knows whether an alarm reaches bob: no test was acknowledged within 24 h"]
    house.clock.move_to(NOW + timedelta(days=31))
    assert "nobody knows whether an alarm reaches anna: a test was last acknowledged 31 days ago" in [f.message for f in note(app)]


def test_a_new_address_is_a_channel_that_nobody_proved(house: House) -> None:
    app = house.app()
    ask(app, "anna")
    acknowledge(app, house.codes()[0], "", None)
    house.url("anna", f"json://127.0.0.1:{house.hook.port}/elsewhere")
    assert [c.valid for c in channels(house.app(), "anna")] == [False]


def test_a_test_that_nobody_answers_is_no_alarm_and_ends(house: House) -> None:
    """It is a test: nobody else is asked, and it is not told again for ever."""
    ask(house.app(), "anna")
    house.clock.move_to(NOW + timedelta(minutes=10))
    carried = carry(house.app())
    assert ([n.state for n in carried.notices], carried.next) == (["unanswered"], None)
    assert house.app().records.open_findings() == []


def test_a_webhook_elsewhere_is_refused_before_anything_is_sent(house: House) -> None:
    """`dr check` says so, and names nothing of the address."""
    require_allowed(house.app())
    house.url("bob", "json://token-42@collector.example.net/steal")
    with pytest.raises(ConfigError) as refused:
        require_allowed(house.app())
    assert str(refused.value) == (
        "contact 'bob', channel 1: a json channel may not post to that host: it is not in `notices: webhooks`\n"
        "   HINT: add the host to `notices: {webhooks: [...]}`, or take the channel out"
    )


def test_an_unknown_contact_and_a_wrong_deputy_are_said(house: House) -> None:
    with pytest.raises(ConfigError, match="there is no contact 'carl'"):
        ask(house.app(), "carl")
    file = house.home / "inventory" / "contacts.yaml"
    file.write_text(file.read_text().replace("deputy: bob", "deputy: bobb"))
    with pytest.raises(ConfigError, match="'bobb' is not a contact"):
        house.app()


def test_where_nobody_can_be_asked_no_test_is_sent(house: House) -> None:
    """A script that forgot --yes hears what to say, and ends with 2, not with the 1 of a test that reached nobody."""
    refused = house.dr("contacts", "check").exception
    assert isinstance(refused, ConfigError)
    assert str(refused) == "nothing was sent: nobody is there to be asked\n   HINT: say --yes, or type it in a terminal"
    assert not house.app().records.notices()


def test_a_person_types_the_code(house: House) -> None:
    """As they would; a code that is used up ends with 3, and a message nobody answered is shown with whom one waits for."""
    checked = house.dr("contacts", "check", "anna", "--yes")
    assert "anna" in checked.output
    shown = house.dr("notices", "show", house.app().records.notices()[0].id).output
    assert "anna was told by channel 1; time to acknowledge until" in shown
    done = house.dr("ack", house.codes()[0], "--comment", "seen on my telephone")
    assert "acknowledged for Anna Abel: Harbor: test of channel 1 of 1 to Anna Abel" in done.output
    assert "anna acknowledged it" in house.dr("notices", "show", house.app().records.notices()[0].id).output
    assert type(house.dr("ack", house.codes()[0]).exception).__name__ == "Refused"


def test_what_is_due_is_sent_though_another_part_of_the_round_fails(house: House) -> None:
    """A key that others can read since yesterday's clean-up: it is said, and nobody's message waits until somebody reads that."""
    app = house.app()
    story = ContactTestStory(organisation="Harbor", name="Anna", channel=1, channels=1, kind="json", at="now", valid="30 d")
    app.services.post.owe(Word(id="w-1", to="anna", template="contact-test", story=story))
    (house.home / "keys" / "digest.key").chmod(0o644)
    with pytest.raises(Refused, match=r"digest\.key"):
        carry(house.app())
    assert len(house.hook.texts) == 1
