"""A code in a message, typed back: once, in time, of its own message; then nobody else is asked. And channels that such a code proves."""

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from dr.catalog.catalog import Catalog, open_catalog
from dr.clock import FixedClock, local
from dr.errors import Refused
from dr.model.notice_record import Notice
from dr.model.ports import Ledger
from dr.notify.acknowledge import Book, Desk
from dr.notify.channel import Sent
from dr.notify.codes import TRIES, Codes
from dr.notify.proven import address_of, proven
from tests.integration.test_notice_carrying import House, ledger, word
from tests.support.but import But
from tests.support.catalog_copies import NOW
from tests.support.notices import KEY, carrier_of, post_of
from tests.support.outage_world import OutageWorld, Pigeonhole, outage

pytestmark = pytest.mark.integration


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        yield House(catalog, {"anna": 2, "bob": 1})


def desk(house: House, ledger: Ledger | None = None) -> Desk:
    kept = ledger or house.catalog
    return Desk(house.inventory, kept, house.clock, Codes(kept, lambda: KEY), house.post())


def codes_of(house: House) -> list[str]:
    """Every code that arrived, in order."""
    return [found[0] for body in house.providers.bodies for found in [re.findall(r"dr ack (\S+)", body.text)] if found]


def told(house: House, **more: object) -> list[str]:
    """A critical word that Anna and Bob have, each with a code."""
    house.post().owe(word(severity="critical", **{"acknowledge": True, **more}))  # type: ignore[arg-type]
    house.post().carry()
    return codes_of(house)


def test_a_code_ends_it_and_the_others_hear_who_saw_it(house: House) -> None:
    anna = told(house)[0]
    assert re.fullmatch(r"[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{2}", anna)
    seen = desk(house).acknowledge(anna.lower().replace("-", ""), "on my way")
    first, other = seen.contact, {"anna": "bob", "bob": "anna"}[seen.contact]
    assert (seen.notice.answered, seen.notice.due, seen.others) == (True, None, (other,))
    house.post().carry()
    assert house.providers.to(other)[-1] == f"{first.title()} saw it: Anna saw it: the database"
    assert "They add: on my way" in house.providers.bodies[-1].text
    house.later(days=1)
    house.post().carry()
    assert len(house.providers.arrived) == 3
    events = [entry.event for entry in house.catalog.audit_entries()]
    assert "notice.acknowledged" in events


def test_of_an_exercise_the_word_that_somebody_saw_it_says_so_once(house: House) -> None:
    seen = desk(house).acknowledge(told(house, exercise=True)[0])
    house.post().carry()
    assert house.providers.to(seen.others[0])[-1] == f"EXERCISE: {seen.contact.title()} saw it: Anna saw it: the database"


def test_no_two_messages_ever_have_one_code(house: House) -> None:
    """Chance gives the same letters twice, now or in a year: whoever typed them would answer another message, in another's name."""
    drawn = iter(["AAAAAA", "AAAAAA", "BBBBBB", "AAAAAA", "CCCCCC", "DDDDDD"])
    house.people = {"anna": 1, "bob": 1}
    post = house.post(codes=Codes(house.catalog, lambda: KEY, lambda: next(drawn)))
    for name in ("anna", "bob"):
        post.owe(word(ord(name[0]), to=name, acknowledge=True))
        post.carry()
    assert len(set(codes_of(house))) == 2
    assert [desk(house).acknowledge(code).contact for code in codes_of(house)] == ["anna", "bob"]


def test_each_code_that_acknowledges_nothing_is_refused_in_its_own_words(house: House) -> None:
    """Used, of another outage, unknown, expired."""
    code, other = told(house, outage="outage-1")
    at = desk(house)
    with pytest.raises(Refused, match=r"^that code is not of outage-2, it is of outage-1\n"):
        at.acknowledge(code, outage="outage-2")
    at.acknowledge(code, outage="outage-1")
    with pytest.raises(Refused, match=r"^that code was used already: \w+ acknowledged it, .*; nothing more to do\n"):
        at.acknowledge(code)
    with pytest.raises(Refused, match=r"^'K7QM-2F' is no code of any message\n"):
        at.acknowledge("K7QM-2F")
    house.later(days=1)
    with pytest.raises(Refused, match=r"^that code has expired\n"):
        at.acknowledge(other)


class Slow(But):
    """The catalog, but another process uses the code up just before this one does."""

    def use_code(self, digest: str, at: datetime) -> bool:
        self._catalog.use_code(digest, at)
        return self._catalog.use_code(digest, at)


def test_of_two_at_once_one_is_refused(house: House) -> None:
    code = told(house)[0]
    with pytest.raises(Refused, match=r"^that code was used already: .*; nothing more to do\n"):
        desk(house, Slow(house.catalog)).acknowledge(code)


def test_a_used_code_is_known_before_anything_is_written(house: House) -> None:
    code = told(house)[0]
    desk(house).acknowledge(code, "first")
    codes = Codes(house.catalog, lambda: KEY)
    with pytest.raises(Refused, match=r"^that code was used already\n"):
        codes.find(code, NOW)


def test_a_code_typed_twice_is_answered_with_who_acknowledged_and_when(house: House) -> None:
    """Whoever typed it the first time, in the night, reads that nothing is left to do; as the organisation's people read a time."""
    code = told(house)[0]
    first = desk(house).acknowledge(code).contact
    with pytest.raises(Refused) as refused:
        desk(house).acknowledge(code)
    when = local(NOW, house.inventory.organisation.zone)
    name = house.inventory.contacts[first].name
    assert refused.value.message == f"that code was used already: {name} acknowledged it, {when}; nothing more to do"
    assert refused.value.exit_code == 3
    plain = Book(house.catalog, house.clock, Codes(house.catalog, lambda: KEY), house.post().audit)
    with pytest.raises(Refused, match=f"^that code was used already: {first} acknowledged it, .* UTC; nothing more to do"):
        plain.acknowledge(code)


def test_a_used_code_of_what_became_more_severe_is_not_called_done(house: House) -> None:
    house.rules = {"together": ["administrators"]}
    house.post().owe(word(acknowledge=True))
    house.post().carry()
    code = codes_of(house)[0]
    desk(house).acknowledge(code)
    house.post().owe(word(severity="critical", acknowledge=True))
    with pytest.raises(Refused, match=r"^that code was used already: .*; it has become more severe since\n.*the newest message's code"):
        desk(house).acknowledge(code)


def test_a_used_code_whose_message_is_gone_is_said_to_be_used(house: House) -> None:
    code = told(house)[0]
    desk(house).acknowledge(code)
    with pytest.raises(Refused, match=r"^that code was used already\n"):
        desk(house, Emptied(house.catalog)).acknowledge(code)


class Emptied(But):
    """The catalog, but its notices are gone."""

    def notice(self, _notice: str) -> None:
        return None


def test_a_code_whose_message_is_gone_is_refused(house: House) -> None:
    code = told(house)[0]
    with pytest.raises(Refused, match=r"^the message of that code is not in the ledger any more\n"):
        desk(house, Emptied(house.catalog)).acknowledge(code)


def test_a_code_of_before_it_became_more_severe_answers_nothing(house: House) -> None:
    """What they saw was something lesser."""
    house.rules = {"together": ["administrators"]}
    post = house.post()
    post.owe(word(acknowledge=True))
    post.carry()
    post.owe(word(severity="critical", acknowledge=True))
    with pytest.raises(Refused, match=r"^that code is of an earlier message: it has become more severe since\n"):
        desk(house).acknowledge(codes_of(house)[0])


class Raising(But):
    """The catalog, but another process says that it is worse just when somebody says that they saw it."""

    def __init__(self, house: House) -> None:
        super().__init__(house.catalog)
        self._house = house

    def amend(self, notice: str, change: Callable[[Notice], Notice]) -> Notice:
        self._house.post().owe(word(severity="critical", acknowledge=True))
        return self._catalog.amend(notice, change)


def test_what_becomes_more_severe_while_somebody_says_that_they_saw_it_is_told_all_the_same(house: House) -> None:
    """Else nobody would ever hear that it is worse: it would be answered by who saw the lesser one."""
    house.rules = {"together": ["administrators"]}
    house.post().owe(word(acknowledge=True))
    house.post().carry()
    before = len(house.providers.arrived)
    with pytest.raises(Refused, match=r"^that code is of an earlier message: it has become more severe since\n"):
        desk(house, Raising(house)).acknowledge(codes_of(house)[0])
    house.post().carry()
    assert len(house.providers.arrived) > before


def test_wrong_codes_are_counted_and_then_none_is_looked_at(house: House) -> None:
    """Else a patient program types them all; a quarter of an hour later the right one is taken."""
    code = told(house)[0]
    at = desk(house)
    for _ in range(TRIES):
        with pytest.raises(Refused, match="is no code"):
            at.acknowledge("AAAA-AA")
    with pytest.raises(Refused, match=r"^10 wrong codes were typed here lately: none is looked at for now\n"):
        at.acknowledge(code)
    house.later(minutes=15)
    assert at.acknowledge(code).notice.answered


class Uncounting(But):
    """The catalog, but wrong codes are not remembered."""

    def amend_setting(self, key: str, change: Callable[[str | None], str]) -> str:
        return change(None) if key == "acknowledge.wrong" else self._catalog.amend_setting(key, change)


@pytest.mark.positive_control
def test_without_the_count_codes_can_be_tried_through(house: House) -> None:
    """Twin: after as many wrong ones as one likes the next is looked at."""
    code = told(house)[0]
    at = desk(house, Uncounting(house.catalog))
    for _ in range(TRIES + 1):
        with pytest.raises(Refused, match="is no code"):
            at.acknowledge("AAAA-AA")
    assert at.acknowledge(code).notice.answered


def looked_at(ledgers: Sequence[Ledger]) -> int:
    """How many wrong codes were looked at, where each of these tries as many as one may, all at the same time."""
    start = threading.Barrier(len(ledgers))

    def tries(ledger: Ledger) -> int:
        codes = Codes(ledger, lambda: KEY)
        start.wait(10)
        return sum(refusal(codes) == "'AAAA-AA' is no code of any message" for _ in range(TRIES))

    with ThreadPoolExecutor(len(ledgers)) as pool:
        return sum(pool.map(tries, ledgers))


def refusal(codes: Codes) -> str:
    with pytest.raises(Refused) as refused:
        codes.find("AAAA-AA", NOW)
    return refused.value.message


def test_who_types_wrong_codes_in_several_places_at_once_has_no_more_tries(house: House) -> None:
    """Each with a connection of its own, as processes have: one counts behind the other, and before anything is looked at."""
    with ExitStack() as opened:
        several = [opened.enter_context(open_catalog(house.catalog.path, FixedClock(NOW))) for _ in range(3)]
        assert looked_at(several) == TRIES
        assert looked_at(several) == 0


class Interleaved(But):
    """The catalog, but between the reading of the count and the writing of it there is time for all the others to read it too."""

    def __init__(self, catalog: Catalog, meet: threading.Barrier) -> None:
        super().__init__(catalog)
        self._meet = meet

    def amend_setting(self, key: str, change: Callable[[str | None], str]) -> str:
        kept = self._catalog.setting(key)
        self._meet.wait(10)
        value = change(kept)
        self._catalog.set_setting(key, value)
        return value


@pytest.mark.positive_control
def test_a_count_that_is_read_and_then_written_counts_short(house: House) -> None:
    """Twin: both read the same number, so that two tries count as one."""
    meet = threading.Barrier(2)
    several = [Interleaved(house.catalog, meet) for _ in range(2)]
    assert looked_at(several) > TRIES


def test_a_clock_that_ran_ahead_locks_nobody_out_for_longer(house: House) -> None:
    """What was typed wrongly in hours that have not come yet is not held against anybody today."""
    code = told(house)[0]
    for _ in range(TRIES):
        with pytest.raises(Refused, match="is no code"):
            Codes(house.catalog, lambda: KEY).find("AAAA-AA", NOW + timedelta(hours=3))
    assert desk(house).acknowledge(code).notice.answered


class Reusing(But):
    """The catalog, but a code is never used up."""

    def use_code(self, digest: str, at: object) -> bool:
        return True


@pytest.mark.positive_control
def test_a_code_that_is_never_used_up_acknowledges_again(house: House) -> None:
    """Twin of "used already"."""
    code = told(house)[0]
    at = desk(house, Reusing(house.catalog))
    assert at.acknowledge(code).contact == at.acknowledge(code).contact


def test_neither_the_catalog_nor_a_message_in_it_holds_a_code(house: House) -> None:
    """Whoever reads the catalog can acknowledge nothing."""
    code = told(house)[0]
    stored = b"".join(path.read_bytes() for path in house.catalog.path.parent.iterdir() if path.is_file())
    assert code.encode() not in stored
    assert code.replace("-", "").encode() not in stored


def test_an_answer_proves_the_channel_that_the_code_came_by(house: House) -> None:
    """As it is: with another address it would be another channel."""
    desk(house).acknowledge(told(house)[0])
    contact = ledger(house).acknowledgements[0].contact
    addresses = [address_of(url, KEY) for url in (f"test://{contact}-0", f"test://{contact}-1", "test://elsewhere")]
    assert proven(house.catalog, contact, addresses) == [NOW, None, None]


def test_what_was_gathered_is_acknowledged_with_its_digest(house: House) -> None:
    post = house.post()
    for number in range(9):
        post.owe(word(number, "critical", acknowledge=True))
    post.carry()
    desk(house).acknowledge(codes_of(house)[0])
    assert {notice.answered for notice in house.catalog.notices() if notice.id.startswith("w-")} == {True}
    house.later(hours=1)
    assert not [n for n in post.carry().notices if n.acknowledge]


def test_nobody_has_answered_is_a_finding_until_somebody_does(house: House) -> None:
    code = told(house)[0]
    post = house.post()
    for _ in range(3):
        house.later(minutes=10)
        post.carry()
    assert [finding.key for finding in house.catalog.open_findings()] == ["unanswered:w-1"]
    desk(house).acknowledge(code)
    assert house.catalog.open_findings() == []


class Killed:
    """A ledger whose process dies at the nth call of one of its writes."""

    def __init__(self, catalog: Catalog, write: str, at: int = 1) -> None:
        self._catalog, self._write, self._left = catalog, write, at

    def __getattr__(self, name: str) -> object:
        self._left -= name == self._write
        if name == self._write and self._left == 0:
            raise KeyboardInterrupt
        return getattr(self._catalog, name)


@pytest.mark.parametrize("write", ["close_finding", "owe", "use_code"])
def test_whoever_types_a_code_again_after_a_kill_does_what_was_left(house: House, write: str) -> None:
    """The others hear who has it, and it is no finding any more: wherever the first attempt ended."""
    code = told(house)[0]
    for _ in range(3):
        house.later(minutes=10)
        house.post().carry()
    killed = cast("Ledger", Killed(house.catalog, write))
    cut = Desk(
        house.inventory, killed, house.clock, Codes(killed, lambda: KEY), post_of(house.inventory, killed, house.clock, house.carrier())
    )
    with pytest.raises(KeyboardInterrupt):
        cut.acknowledge(code)
    seen = desk(house).acknowledge(code)
    house.post().carry()
    for other in seen.others:
        assert len([subject for subject in house.providers.to(other) if " saw it: " in subject and "again" not in subject]) == 2
    assert (len(seen.others), house.catalog.open_findings()) == (1, [])


def test_that_nobody_answered_to_the_end_is_said_though_a_kill_came_before(house: House) -> None:
    """Nothing of it is due after its last round: what was not said by then would never be."""
    house.rules = {"rounds": 1}
    house.post().owe(word(acknowledge=True))
    for _ in range(3):
        house.post().carry()
        house.later(minutes=10)
    killed = post_of(house.inventory, cast("Ledger", Killed(house.catalog, "finding")), house.clock, house.carrier())
    with pytest.raises(KeyboardInterrupt):
        killed.carry()
    assert (ledger(house).state, house.catalog.open_findings()) == ("unanswered", [])
    house.post().carry()
    assert [finding.key for finding in house.catalog.open_findings()] == ["unanswered:w-1"]
    assert ledger(house).due is None


def test_what_nobody_answered_is_no_finding_any_more_once_the_outage_is_over(tmp_path: Path) -> None:
    """Its code runs out, and nobody could ever say that they saw it."""
    world = OutageWorld(tmp_path)
    carrier = carrier_of(world.inventory, world.records, world.clock, lambda _: "json://there", teller=lambda *_: Sent(True))
    post = post_of(world.inventory, world.records, world.clock, carrier)
    world.post = cast("Pigeonhole", post)
    one = world.desk.declare(outage(severity="minor")).outage.id
    for _ in range(16):
        world.wait(10)
        post.carry()
    assert [f.key.rpartition(":")[2] for f in world.records.open_findings() if f.key.startswith(f"unanswered:{one}:")] == ["administrators"]
    world.desk.resolve(one, "users work")
    assert [finding.key for finding in world.records.open_findings()] == []


def test_it_is_told_for_ever_until_then(house: House) -> None:
    """Promise 8: six hours without an answer are six hours of messages, each marked, none held back by the night."""
    house.people, house.rules = {"anna": 1}, {"quiet": "00:00-23:59"}
    told(house)
    ended = NOW + timedelta(hours=6)
    post = house.post()
    while house.clock.now() < ended:
        following = post.carry().next
        assert following is not None
        house.clock.move_to(max(following, house.clock.now()))
    subjects = house.providers.to("anna")
    assert len(subjects) == 9
    assert all(subject.endswith("(again: nobody has acknowledged)") for subject in subjects[1:])
