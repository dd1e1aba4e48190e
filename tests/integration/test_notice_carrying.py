"""Notices on their way, over a real catalog: claimed before they leave, beside each other, gathered, taken up after a kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock
from dr.errors import ConfigError, Refused
from dr.model.inventory import Inventory, SecretRef
from dr.model.notice_record import Notice
from dr.model.ports import Ledger, Word
from dr.model.record import Severity
from dr.notify.alive import carrying, lives
from dr.notify.carrier import Carrier, _Round
from dr.notify.channel import Sent
from dr.notify.codes import Codes
from dr.notify.post import LedgerPost
from dr.notify.stories import AcknowledgedStory
from dr.notify.wording import Wording
from tests.support.but import But
from tests.support.catalog_copies import NOW
from tests.support.catalog_runs import inventory_of
from tests.support.notices import carrier_of, post_of

pytestmark = pytest.mark.integration
STORY = AcknowledgedStory(organisation="Madison", subject="the database", by="Anna", at="now", comment="", notice="n-1")


def word(
    number: int = 1, severity: Severity = "warning", to: str = "administrators", subject: str = "the database", **more: object
) -> Word:
    story = STORY.model_copy(update={"subject": subject})
    return Word(id=f"w-{number}", to=to, template="acknowledged", story=story, severity=severity, **more)  # type: ignore[arg-type]


@dataclass
class Providers:
    """Where messages arrive. `url` of a channel is its secret's name; `down` refuse, `hangs` wait until they are let go."""

    down: set[str] = field(default_factory=set)
    hangs: dict[str, threading.Event] = field(default_factory=dict)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    """Which channel, and the subject."""
    bodies: list[Wording] = field(default_factory=list)

    def __call__(self, url: str, message: Wording, notice: Notice) -> Sent:
        if url in self.hangs:
            self.hangs[url].wait(20)
        if url in self.down:
            return Sent(False, "the provider could not be reached")
        self.arrived.append((url.partition("//")[2], message.subject))
        self.bodies.append(message)
        return Sent(True)

    def to(self, name: str) -> list[str]:
        return [subject for url, subject in self.arrived if url.startswith(name)]


@dataclass
class House:
    """An inventory of people, a real ledger, and providers that do as they are told."""

    catalog: Catalog
    people: dict[str, int]
    providers: Providers = field(default_factory=Providers)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))
    rules: dict[str, object] = field(default_factory=dict)

    @property
    def inventory(self) -> Inventory:
        made = inventory_of({name: [f"test://{name}-{n}" for n in range(count)] for name, count in self.people.items()})
        return Inventory.from_facts({**made.to_facts(), "notices": self.rules})

    def carrier(self, catalog: Catalog | None = None, workers: int = 8, codes: Codes | None = None) -> Carrier:
        def secret(reference: SecretRef) -> str:
            assert reference.env
            return reference.env

        return carrier_of(self.inventory, catalog or self.catalog, self.clock, secret, teller=self.providers, workers=workers, codes=codes)

    def post(self, workers: int = 8, codes: Codes | None = None) -> LedgerPost:
        return post_of(self.inventory, self.catalog, self.clock, self.carrier(workers=workers, codes=codes))

    def later(self, **span: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**span))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        yield House(catalog, {"anna": 2, "bob": 1})


def test_an_alarm_leaves_though_the_key_of_its_codes_cannot_be_read(house: House) -> None:
    """Without a code nobody can say that they saw it; but they see it."""

    def unreadable() -> bytes:
        raise Refused("keys/digest.key can be read by others")

    post = house.post(codes=Codes(house.catalog, unreadable))
    post.owe(word(severity="critical", acknowledge=True))
    post.carry()
    assert sorted(name for name, _ in house.providers.arrived) == ["anna-0", "bob-0"]
    assert not any("dr ack" in body.text for body in house.providers.bodies)


def test_a_word_is_in_the_ledger_before_anybody_is_told(house: House) -> None:
    """And the same word again is the same notice, told once."""
    post = house.post()
    owed = post.owe(word())
    assert (owed.state, owed.due, house.providers.arrived) == ("owed", NOW, [])
    carried = post.carry()
    assert [(n.id, n.state) for n in carried.notices] == [("w-1", "delivered")]
    assert carried.next is None
    assert post.owe(word()).state == "delivered"
    assert post.carry().notices == ()
    assert sorted(url for url, _ in house.providers.arrived) == ["anna-0", "bob-0"]


def test_a_rise_in_severity_is_told_anew_and_says_so(house: House) -> None:
    """Deduplication that a rise breaks through; a fall does not."""
    post = house.post()
    post.owe(word())
    post.carry()
    assert post.owe(word(severity="info")).severity == "warning"
    assert post.owe(word(severity="critical")).raised == 1
    post.carry()
    assert house.providers.to("bob") == ["Anna saw it: the database", "Anna saw it: the database (more severe now)"]


def test_the_next_channel_then_the_next_person_until_somebody_answers(house: House) -> None:
    post = house.post()
    post.owe(word(acknowledge=True))
    assert post.carry().next == NOW + timedelta(minutes=10)
    for _ in range(2):
        house.later(minutes=10)
        post.carry()
    assert [url for url, _ in house.providers.arrived] == ["anna-0", "anna-1", "bob-0"]
    house.later(minutes=10)
    carried = post.carry()
    assert [n.state for n in carried.notices] == ["unanswered"]
    (finding,) = house.catalog.open_findings()
    said = "nobody acknowledged 'Anna saw it: the database', owed to administrators since Sun 22 Nov 2026, 06:00 CST"
    assert finding.message == f"{said}: everybody was told by every channel"
    assert carried.next == house.clock.now() + timedelta(minutes=30)


def test_a_word_to_nobody_is_red_and_a_finding(house: House) -> None:
    post = house.post()
    post.owe(word(to="admins", acknowledge=True))
    assert [n.state for n in post.carry().notices] == ["nobody"]
    assert len(house.catalog.open_findings()) == 1


def test_ten_thousand_are_one_message_and_each_says_where_it_went(house: House) -> None:
    """A small ten thousand: the most severe are named, what says the same is one line, and the rest is counted."""
    post = house.post()
    for number in range(60):
        post.owe(word(number, "critical" if number == 7 else "warning", subject=f"system {number % 50}"))
    carried = post.carry()
    assert [(n.gathered, n.state, n.severity) for n in carried.notices] == [(60, "delivered", "critical")]
    assert house.providers.to("anna") == ["Madison Shelter: 60 messages in one, 1 critical"]
    assert {n.state for n in house.catalog.notices(100)} == {"delivered"}
    assert "- **critical**" in (house.providers.bodies[0].markdown or "")
    assert "Anna saw it: system 0 (2 times)" in house.providers.bodies[0].text
    assert "- and 37 more" in house.providers.bodies[0].text
    post.owe(word(100))
    assert post.carry().next == NOW + timedelta(minutes=10)  # one more waits for the next digest


def test_one_that_hangs_keeps_nobody_elses_message(house: House) -> None:
    """Each is recorded when it is known, whatever others wait for."""
    house.providers.hangs["test://anna-0"] = threading.Event()
    post = house.post()
    post.owe(word())
    carrying = threading.Thread(target=post.carry)
    carrying.start()
    eventually(lambda: [d.contact for d in ledger(house).deliveries] == ["bob"])
    assert [claim.contact for claim in ledger(house).claims] == ["anna"]
    house.providers.hangs["test://anna-0"].set()
    carrying.join()
    assert (ledger(house).state, ledger(house).claims) == ("delivered", ())


class Looks:
    """A ledger that counts how often it is asked what was told lately."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self.lately = catalog, 0

    def notices_since(self, since: datetime) -> list[Notice]:
        self.lately += 1
        return self._catalog.notices_since(since)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._catalog, name)


def ledger(house: House) -> Notice:
    found = house.catalog.notice("w-1")
    assert found is not None
    return found


def eventually(happened: Callable[[], bool]) -> None:
    for _ in range(400):
        if happened():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it never happened")


def two_at_once(house: House, second: Catalog) -> Counter[str]:
    """One carrier is in the middle of telling Anna while another comes by."""
    gate = house.providers.hangs["test://anna-0"] = threading.Event()
    first = house.post()
    first.owe(word())
    carrying = threading.Thread(target=first.carry)
    carrying.start()
    eventually(lambda: "anna" in ledger(house).begun)
    other = threading.Thread(target=house.carrier(second).carry, args=(["w-1"],))
    other.start()
    other.join(1.0)
    gate.set()
    carrying.join()
    other.join()
    return Counter(url for url, _ in house.providers.arrived)


def test_two_who_carry_at_once_tell_nobody_twice(house: House) -> None:
    """A timer's round and an outage's run."""
    assert two_at_once(house, house.catalog) == {"anna-0": 1, "bob-0": 1}


class Unclaimed(But):
    """The catalog, but what others are sending cannot be seen in it."""

    def amend(self, notice: str, change: Callable[[Notice], Notice]) -> Notice:
        return self._catalog.amend(notice, lambda known: change(known.model_copy(update={"claims": ()})))


@pytest.mark.positive_control
def test_without_claims_two_who_carry_at_once_tell_somebody_twice(house: House) -> None:
    """Twin: the second does not see what the first is about to send."""
    assert two_at_once(house, Unclaimed(house.catalog))["anna-0"] > 1  # type: ignore[arg-type]


KILLED = """
import os, signal, sys
from pathlib import Path
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from dr.notify.channel import Sent
from tests.integration.test_notice_carrying import House, word
from tests.support.catalog_copies import NOW

def dies(url, message, notice):
    os.kill(os.getpid(), signal.SIGKILL)

house = House(open_catalog(Path(sys.argv[1]), FixedClock(NOW)), {"anna": 1, "bob": 1})
house.providers = dies
post = house.post(workers=1)
post.owe(word())
post.carry()
"""


@pytest.mark.fault
def test_what_a_killed_process_may_have_sent_is_sent_again_as_a_repeat(house: House) -> None:
    """At once, by whoever comes by: nobody waits for a process that is no more; and the ledger says that it is not known."""
    killed = subprocess.run([sys.executable, "-c", KILLED, str(house.catalog.path)], cwd=Path.cwd(), check=False)
    assert killed.returncode == -signal.SIGKILL
    assert sorted(claim.contact for claim in ledger(house).claims) == ["anna", "bob"]
    assert [n.state for n in house.post().carry().notices] == ["delivered"]
    assert house.providers.to("anna") == ["Anna saw it: the database (repeat)"]
    lost = [delivery for delivery in ledger(house).deliveries if delivery.state == "unknown"]
    assert {delivery.detail for delivery in lost} == {"who sent it ended before it was known whether it left"}


def test_a_stop_lets_go_of_what_never_left(house: House) -> None:
    """So that the next does not call it a repeat."""
    post = house.post()
    carrier = house.carrier(workers=1)
    notice = post.owe(word())
    looks = iter([None])

    def stop() -> None:
        next(looks)  # the second look raises

    with pytest.raises(StopIteration):
        carrier.carry([notice.id], stop=stop)
    post.carry()
    assert not [subject for _, subject in house.providers.arrived if "(repeat)" in subject]
    assert sorted(url for url, _ in house.providers.arrived) == ["anna-0", "bob-0"]


def test_what_failed_is_tried_again_when_it_is_due(house: House) -> None:
    house.providers.down |= {"test://bob-0"}
    post = house.post()
    post.owe(word())
    carried = post.carry()
    assert ([n.state for n in carried.notices], carried.next) == (["partial"], NOW + timedelta(minutes=1))
    house.providers.down.clear()
    house.later(minutes=1)
    assert [n.state for n in post.carry().notices] == ["delivered"]
    assert house.providers.to("bob") == ["Anna saw it: the database (repeat)"]


def test_an_exercise_says_so_first(house: House) -> None:
    post = house.post()
    post.owe(word(exercise=True))
    post.carry()
    assert house.providers.bodies[0].subject == "EXERCISE: Anna saw it: the database"
    assert house.providers.bodies[0].text.startswith("This is an EXERCISE. Nothing has failed; do as if it had.\n")


def test_an_unknown_template_owes_nothing(house: House) -> None:
    with pytest.raises(ConfigError, match="there is no notice template 'nonsense'"):
        house.post().owe(Word(id="w", to="anna", template="nonsense", story=STORY))
    assert house.catalog.notices() == []


def test_very_many_words_to_as_many_people_are_looked_through_once(house: House) -> None:
    """What was told lately is read once for all of them, not once for each of those who are told."""
    house.people = {f"p{number}": 1 for number in range(30)}
    for number, name in enumerate(house.people):
        house.post().owe(word(number, to=name))
    looks = Looks(house.catalog)
    post_of(house.inventory, cast("Ledger", looks), house.clock, house.carrier()).carry()
    assert (looks.lately, len(house.providers.arrived)) == (1, 30)


@pytest.mark.fault
@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_was_stopped_or_that_nobody_buried_works_at_nothing(sent: signal.Signals) -> None:
    """In a container nobody may ever bury it, and it would keep what it had claimed from everybody else."""
    says = "import time\nfrom dr.notify.alive import carrying\nwith carrying() as name:\n    print(name, flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", says], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert lives(name)
        process.send_signal(sent)
        eventually(lambda: not lives(name))
        process.kill()


def test_the_process_that_asks_is_alive() -> None:
    """A claim of this very process counts while its carrier works, and no longer."""
    with carrying() as name:
        assert name.startswith(f"{os.getpid()}-")
        assert lives(name)
    assert not lives(name)
    assert not lives("1-never-1")


def test_what_takes_long_to_record_is_not_recorded_after_every_message() -> None:
    """With ten thousand people the ledger's own work would outweigh the sending; the last of them are recorded at once all the same."""
    with ThreadPoolExecutor(1) as pool:
        now = _Round("me", pool)
        now.out["w-1"], now.back["w-1"], now.since["w-1"] = 8, [], time.monotonic() - 5
        assert now.is_worth_a_look("w-1"), "nothing is known of it yet, and it waits for long"
        now.looked["w-1"] = time.monotonic(), 60.0
        assert not now.is_worth_a_look("w-1")
        now.out["w-1"] = 0
        assert now.is_worth_a_look("w-1")


def test_who_was_told_by_a_clock_that_ran_ahead_keeps_nobody_waiting_for_it(tmp_path: Path) -> None:
    """Three hours ahead, then set back: the timer's next round goes on at once, and from then on by the clock that is right."""
    clock = FixedClock(NOW + timedelta(hours=3))
    with open_catalog(tmp_path / "ahead.db", clock) as catalog:
        house = House(catalog, {"anna": 2, "bob": 1}, clock=clock)
        house.post().owe(word(acknowledge=True))
        house.post().carry()
        clock.move_to(NOW)
        assert house.post().carry().next == NOW + timedelta(minutes=10)
        assert [url for url, _ in house.providers.arrived] == ["anna-0", "anna-1"]
        clock.move_to(NOW + timedelta(minutes=10))
        house.post().carry()
        assert [url for url, _ in house.providers.arrived] == ["anna-0", "anna-1", "bob-0"]
