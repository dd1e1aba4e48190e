"""Outages: what may be done in which state, who is owed which word, and that those who are promised words never wait too long for one."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dr.errors import Refused
from dr.model.base import AudienceName, Seconds
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageAct, OutageEntry, OutageRules, OutageSeverity, OutageState, Spans
from dr.policy.outages import Owed, do, due, lately, of_its_end, owed, rules_of, silent_since, told_groups, why_not
from tests.support.outage_world import NOON, inventory, outage

pytestmark = pytest.mark.unit
RULES = OutageRules()
STATES: tuple[OutageState, ...] = ("proposed", "declared", "resolved", "reviewed", "dismissed")
ACTS: tuple[OutageAct, ...] = ("declared", "updated", "assigned", "resolved", "reviewed", "dismissed")


def entry(act: OutageAct, at: datetime = NOON, *, severity: OutageSeverity | None = None, to: str = "", text: str = "words") -> OutageEntry:
    key = f"{act}-{at:%H%M%S%f}"
    return OutageEntry(outage=outage().id, key=key, act=act, by="anna", at=at, text=text, severity=severity, to=to)


def declared(severity: OutageSeverity = "major", at: datetime = NOON) -> OutageEntry:
    return entry("declared", at, severity=severity)


def notice_of(word: Owed, at: datetime) -> Notice:
    return Notice(
        id=word.id, to=word.to, template=word.template, subject="", body="", severity=word.severity, state="owed", created=at, outage="out"
    )


def test_what_may_be_done_in_which_state() -> None:
    """The lifecycle, whole: everything else is refused."""
    may = {state: [act for act in ACTS if not why_not(outage(state=state), act)] for state in STATES}
    assert may == {
        "proposed": ["declared", "dismissed"],
        "declared": ["updated", "assigned", "resolved"],
        "resolved": ["reviewed"],
        "reviewed": ["reviewed"],
        "dismissed": [],
    }


def test_a_refusal_says_why_and_what_to_type_instead() -> None:
    with pytest.raises(Refused) as caught:
        over = outage(state="resolved").model_copy(update={"ended": NOON})
        do(over, [], entry("updated"), lambda known, act: why_not(known, act, [declared(), entry("resolved")], "America/Chicago"))
    assert str(caught.value) == (
        "out-20261123T180000Z-0001 is resolved (Mon 23 Nov 2026, 12:00 CST, by anna: words)\n"
        "   HINT: if it is out again, declare it anew; what was learnt goes into dr outage review out-20261123T180000Z-0001"
    )


def test_what_was_done_already_is_said_with_when_and_by_whom() -> None:
    """To whoever ends it a second time, in other words; and a refusal never fills the screen."""
    ended, known = entry("resolved", text="users work"), [declared(), entry("resolved", text="users work")]
    said = "out-20261123T180000Z-0001 is {} already: Mon 23 Nov 2026, 18:00 UTC, by anna: {}"
    over = outage(state="resolved").model_copy(update={"ended": NOON})
    assert why_not(over, "resolved", known) == said.format("resolved", "users work")
    reviewed = over.model_copy(update={"state": "reviewed"})
    assert why_not(reviewed, "resolved", [*known, entry("reviewed")]) == said.format("resolved", "users work")
    dismissed = outage(state="dismissed").model_copy(update={"ended": NOON})
    assert why_not(dismissed, "dismissed", [entry("dismissed", text="no")]) == said.format("dismissed", "no")
    assert why_not(outage(), "declared", [declared()]) == said.format("declared", "words")
    assert why_not(outage(), "reviewed", [declared()]) == "out-20261123T180000Z-0001 is not over yet"
    assert len(why_not(over, "resolved", [ended.model_copy(update={"text": "long " * 400})])) < 280


def test_what_is_over_is_looked_at_for_a_week() -> None:
    """Outages and incidents alike: whoever should have told of their end may have died."""
    times = [None, NOON - timedelta(days=6), NOON - timedelta(days=8)]
    known = [outage(number).model_copy(update={"ended": ended}) for number, ended in enumerate(times)]
    assert lately(known, NOON) == known[:2]
    assert lately(known, NOON, timedelta(days=9)) == known


@pytest.mark.positive_control
def test_without_the_table_what_is_over_is_assigned_and_ends_again() -> None:
    """The guard off: an outage that was resolved at noon is resolved an hour later."""
    over = outage(state="reviewed").model_copy(update={"ended": NOON})
    changed, _ = do(over, [], entry("resolved", NOON + timedelta(hours=1)), refuse=lambda _outage, _act: "")
    assert (changed.state, changed.ended) == ("resolved", NOON + timedelta(hours=1))


def test_the_same_words_again_are_the_entry_that_is_there() -> None:
    """A command typed again after a crash is no second update, and no refusal of a second end."""
    first = entry("resolved")
    over, _ = do(outage(), [declared()], first)
    again, kept = do(over, [declared(), first], entry("resolved", NOON + timedelta(minutes=3)))
    assert (again, kept) == (over, first)


@pytest.mark.parametrize("later", [entry("updated", NOON + timedelta(hours=1)), entry("updated", NOON, severity="major")])
def test_the_same_words_an_hour_later_or_of_something_graver_are_words_of_their_own(later: OutageEntry) -> None:
    """Else "still at it" would be swallowed, who said it asked why they are silent, and management never told that it became grave."""
    minor = outage(severity="minor")
    changed, kept = do(minor, [declared(), entry("updated", NOON)], later)
    assert kept == later and changed.severity == (later.severity or "minor")
    assert do(minor, [declared(), later], later.model_copy(update={"key": "typed-again"}))[1] == later


def test_a_major_one_reaches_management_and_administrators_and_wants_to_be_seen() -> None:
    words = owed(outage(), [declared()], [], RULES, NOON)
    assert [(w.to, w.template, w.severity, w.acknowledge) for w in words] == [
        ("management", "outage-declared", "critical", True),
        ("administrators", "outage-declared", "critical", True),
    ]


def test_a_minor_one_reaches_administrators_and_when_it_becomes_major_management_hears_that_it_is_out() -> None:
    """A change in severity breaks through: who was told nothing yet is told the whole of it."""
    minor, worse = outage(severity="minor"), entry("updated", NOON + timedelta(minutes=1), severity="major")
    assert [(w.to, w.template) for w in owed(minor, [declared("minor")], [], RULES, NOON)] == [("administrators", "outage-declared")]
    changed, _ = do(minor, [declared("minor")], worse)
    assert changed.severity == "major"
    both = owed(changed, [declared("minor"), worse], [], RULES, NOON)
    assert [(w.to, w.template) for w in both] == [
        ("administrators", "outage-declared"),
        ("management", "outage-declared"),
        ("administrators", "outage-update"),
    ]


def test_its_end_reaches_everybody_who_was_told_that_it_began() -> None:
    end = entry("resolved", NOON + timedelta(hours=1))
    over, _ = do(outage(), [declared()], end)
    words = owed(over, [declared(), end], [], RULES, NOON + timedelta(hours=1))
    assert [w.to for w in words if w.template == "outage-resolved"] == told_groups([declared()], RULES)
    assert of_its_end(over, [declared(), end], RULES) == [w.id for w in words if w.template == "outage-resolved"]


def test_whoever_gets_it_into_their_hands_is_told_so_beside_the_others() -> None:
    given_to = entry("assigned", to="carl")
    words = owed(outage(), [declared(), given_to], [], RULES, NOON)
    assert ("carl", "outage-assigned", True) in [(w.to, w.template, w.acknowledge) for w in words]
    assert [w.to for w in words if w.template == "outage-update"] == ["management", "administrators"]


def test_a_word_that_is_in_the_ledger_is_not_owed_again() -> None:
    words = owed(outage(), [declared()], [], RULES, NOON)
    assert owed(outage(), [declared()], [notice_of(word, NOON) for word in words], RULES, NOON) == []


def test_two_who_owe_the_word_that_it_lasts_owe_the_same_one() -> None:
    """Whoever comes by, and whenever: it is named by the word that it follows."""
    ledger = [notice_of(word, NOON) for word in owed(outage(), [declared()], [], RULES, NOON)]
    early, late = (owed(outage(), [declared()], ledger, RULES, NOON + timedelta(minutes=m)) for m in (29, 44))
    assert [w.id for w in early] == [w.id for w in late] == ["out-20261123T180000Z-0001:lasts-20261123T180000.000000Z:administrators"]


def test_a_clock_that_ran_ahead_and_was_put_back_leaves_nobody_in_silence() -> None:
    """A word and an update of next week: people hear at the promised times from now on all the same, by one word each."""
    entries = [declared(), entry("updated", NOON + timedelta(days=7))]
    ledger = [notice_of(word, NOON) for word in owed(outage(), entries[:1], [], RULES, NOON)]
    early = owed(outage(), entries[:1], ledger, RULES, NOON + timedelta(days=7))
    ledger += [notice_of(word, NOON + timedelta(days=7)) for word in (*early, *owed(outage(), entries, ledger, RULES, NOON))]
    heard = []
    for minutes in range(100):
        now = NOON + timedelta(minutes=minutes)
        for word in owed(outage(), entries, ledger, RULES, now):
            assert word.id not in {notice.id for notice in ledger}
            ledger.append(notice_of(word, now))
            heard += [minutes] if word.template == "outage-cadence" else []
    assert heard == [29, 58, 89]  # at 60 they are asked how it goes
    assert silent_since(outage(), entries, RULES, NOON + timedelta(days=1)) == NOON


def test_two_whose_clocks_were_read_a_moment_apart_owe_no_second_word() -> None:
    ledger = [notice_of(word, NOON) for word in owed(outage(), [declared()], [], RULES, NOON)]
    soon = NOON + timedelta(minutes=30)
    (word,) = owed(outage(), [declared()], ledger, RULES, soon)
    assert owed(outage(), [declared()], [*ledger, notice_of(word, soon + timedelta(seconds=1))], RULES, soon) == []


def test_silence_asks_who_has_it_in_hand_once_each_such_while() -> None:
    mine = outage().model_copy(update={"assigned": "carl"})
    asked = {
        minutes: [w.id for w in owed(mine, [declared()], [], RULES, NOON + timedelta(minutes=minutes)) if w.template == "outage-silent"]
        for minutes in (59, 60, 100, 121)
    }
    assert asked[59] == []
    assert asked[60] == asked[100] == ["out-20261123T180000Z-0001:silent-20261123T190000.000000Z:carl"]
    assert asked[121] == ["out-20261123T180000Z-0001:silent-20261123T200000.000000Z:carl"]
    assert silent_since(mine, [declared()], RULES, NOON + timedelta(minutes=60)) == NOON
    assert silent_since(mine, [declared(), entry("updated", NOON + timedelta(minutes=30))], RULES, NOON + timedelta(minutes=60)) is None


@pytest.mark.parametrize("state", ["proposed", "resolved", "reviewed", "dismissed"])
def test_nothing_is_promised_before_it_is_declared_or_after_its_end(state: OutageState) -> None:
    assert due(outage(state=state), [declared()], [], RULES) is None
    assert silent_since(outage(state=state), [declared()], RULES, NOON + timedelta(days=1)) is None


def test_where_nothing_is_written_the_usual_groups_that_there_are_hear_of_it() -> None:
    """And where there is none of them, everybody: no outage is told to nobody."""
    whole = inventory()
    assert rules_of(whole).major == ("management", "administrators")
    without = whole.model_copy(update={"contacts": {name: one for name, one in whole.contacts.items() if name == "carl"}})
    assert (rules_of(without).major, rules_of(without).minor, rules_of(without).hears) == (("carl",), ("carl",), "carl")
    written = OutageRules(major=(AudienceName("dora"),))
    assert rules_of(inventory(written)) == written


# ---------------------------------------------------------------- the contract: no gap is longer than was promised

Steps = st.lists(st.tuples(st.sampled_from(["look", "updated", "assigned", "worse", "better"]), st.integers(1, 59)), max_size=60)


def gaps(steps: list[tuple[str, int]], rules: OutageRules, severity: OutageSeverity, *, looks: bool = True) -> list[tuple[float, float]]:
    """Each gap between two words to those who are promised them, beside what is promised then: somebody comes by every minute at least."""
    one: Outage = outage(severity=severity)
    entries, ledger, now = [declared(severity)], list[Notice](), NOON
    seen = list[tuple[float, float]]()

    def come_by() -> None:
        for word in owed(one, entries, ledger, rules, now):
            heard = [notice.created for notice in ledger if notice.to == rules.hears]
            if word.to == rules.hears and heard:
                seen.append(((now - max(heard)).total_seconds(), rules.cadence.of(one.severity)))
            ledger.append(notice_of(word, now))

    come_by()
    for what, seconds in steps * 3:
        now += timedelta(seconds=seconds)
        if what in ("updated", "assigned"):
            act: OutageAct = "updated" if what == "updated" else "assigned"
            said = entry(act, now, to="carl" if act == "assigned" else "", text=str(len(entries)))
            one, kept = do(one, entries, said)
            entries.append(kept)
        if looks or what != "look":
            come_by()
    return seen


@settings(max_examples=60, deadline=None)
@given(steps=Steps, major=st.integers(2, 30), minor=st.integers(2, 30), severity=st.sampled_from(["major", "minor"]))
def test_in_any_history_no_gap_is_longer_than_promised(
    steps: list[tuple[str, int]], major: int, minor: int, severity: OutageSeverity
) -> None:
    """The cadence contract: whoever is promised a word every N minutes gets one, changed or not, while somebody comes by each minute."""
    rules = OutageRules(cadence=Spans(major=Seconds(major * 60.0), minor=Seconds(minor * 60.0)))
    assert all(gap <= promised for gap, promised in gaps(steps, rules, severity))


@pytest.mark.positive_control
def test_where_nobody_comes_by_the_gap_grows() -> None:
    """The carrier off: the same history has a gap that was not promised, and the property above would see it."""
    rules = OutageRules(cadence=Spans(major=Seconds(120.0), minor=Seconds(120.0)))
    steps = [("look", 59)] * 4 + [("updated", 59)]
    assert max(gap for gap, _ in gaps(steps, rules, "major", looks=False)) > 120
    assert max(gap for gap, _ in gaps(steps, rules, "major")) <= 120
