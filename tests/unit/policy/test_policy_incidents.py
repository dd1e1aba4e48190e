"""What of what was exposed can be read: both together always, each alone never; and who touched it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.base import HostName, RepositoryName, RunId, SetId, Sha256, SystemName
from dr.model.incident import Exposed, Incident, IncidentId, KeptCopy
from dr.model.record import AuditEntry
from dr.notify.render import render
from dr.policy.incident_trail import accesses, touched
from dr.policy.incident_words import answer, owed, story, told, what_next
from dr.policy.incidents import Exposure, exposure, stays_of, widened
from tests.support.outage_world import inventory

pytestmark = pytest.mark.unit
NOON = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
DRILL, ESCROW = "age1drill", "age1escrow"
SETS = ("20261120T070000Z-aaaaaa", "20261121T070000Z-bbbbbb", "20261122T070000Z-cccccc")


def ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def kept(set_id: str, repository: str, days: float, gone: float | None = None, *, to: tuple[str, ...] = (DRILL, ESCROW)) -> KeptCopy:
    return KeptCopy(
        set=SetId(set_id),
        system=SystemName("hmis"),
        repository=RepositoryName(repository),
        committed=ago(days),
        removed=None if gone is None else ago(gone),
        recipients=to,
    )


COPIES = [kept(name, where, 3 - n) for n, name in enumerate(SETS) for where in ("online", "vault")]


def key(name: str) -> Exposed:
    return Exposed(kind="key", name=name, recipients={"drill": (DRILL,), "escrow": (ESCROW,)}.get(name, ()))


def one_copy(name: str, where: str | None = None) -> Exposed:
    return Exposed(kind="copy", name=name, repository=RepositoryName(where) if where else None)


def incident(*exposed: Exposed, since: datetime = NOON) -> Incident:
    return Incident(id=IncidentId("inc-1"), what="a bag", state="open", exposed=exposed, since=since, noticed=NOON, opened=NOON, by="anna")


def entry(seq: int, event: str, subject: str, days: float, **facts: object) -> AuditEntry:
    nothing = Sha256("0" * 64)
    return AuditEntry(seq=seq, at=ago(days), actor="bert", event=event, subject=subject, facts=facts, previous=nothing, hash=nothing)


BYTES = st.sampled_from(
    [*(one_copy(name, where) for name in SETS for where in (None, "online", "vault")), Exposed(kind="repository", name="vault")]
)
OPENING = st.sampled_from([key("drill"), key("escrow")])


@given(st.lists(BYTES, min_size=1, max_size=4), st.lists(OPENING, max_size=2))
def test_bytes_and_a_key_together_are_readable_and_never_one_alone(held: list[Exposed], keys: list[Exposed]) -> None:
    """The promise of the report: every exposed copy is readable exactly when a key that opens it was exposed as well."""
    alone = exposure(incident(*held), COPIES, [])
    assert alone.reach
    assert alone.readable == 0
    assert exposure(incident(*keys), COPIES, []).readable == 0
    both = exposure(incident(*held, *keys), COPIES, [])
    of_the_bytes = {(each.set, each.where) for each in alone.reach}
    assert {(each.set, each.where) for each in both.reach if each.readable} == (of_the_bytes if keys else set())


def test_each_is_said_with_its_reason() -> None:
    found = exposure(incident(one_copy(SETS[0], "vault"), key("drill")), COPIES, [])
    said = {(each.set, each.where): (each.readable, each.why) for each in found.reach}
    assert said[SetId(SETS[0]), "vault"] == (True, "its bytes and the drill key, which opens them, were exposed together")
    why = "the drill key opens it, but its bytes were not exposed: whoever gets at online as well can read it"
    assert said[SetId(SETS[0]), "online"] == (False, why)
    assert answer(found) == "6 copies are concerned; 1 of them CAN BE READ with what was exposed."
    alone = exposure(incident(one_copy(SETS[0], "vault")), COPIES, [])
    assert [each.why for each in alone.reach] == ["its bytes are encrypted, and no key that opens them was exposed"]


def test_of_a_medium_what_lay_there_at_the_time_counts() -> None:
    """What was removed before, or came later, is said beside, and not counted."""
    copies = [kept(SETS[0], "vault", 9, 5), kept(SETS[1], "vault", 9, 1), kept(SETS[2], "vault", -1)]
    found = exposure(incident(Exposed(kind="repository", name="vault"), since=ago(2)), copies, [])
    assert found.sets == (SETS[1],)
    assert found.remarks[0].startswith("1 copy in vault had been removed before: not counted here")
    assert found.remarks[1] == "1 copy was committed to vault after it was noticed: not counted here"


def test_a_key_that_a_set_was_not_encrypted_to_opens_nothing() -> None:
    """After a rotation the old key opens the old sets alone."""
    copies = [kept(SETS[0], "vault", 3), kept(SETS[1], "vault", 2, to=("age1new", ESCROW))]
    found = exposure(incident(Exposed(kind="repository", name="vault"), key("drill")), copies, [])
    assert {each.set: each.readable for each in found.reach} == {SETS[0]: True, SETS[1]: False}


def test_who_can_read_it_is_not_known_then_it_counts_as_readable() -> None:
    assert exposure(incident(one_copy(SETS[0])), [kept(SETS[0], "vault", 3, to=())], []).readable == 1


def test_the_signing_key_reads_nothing_and_what_it_can_forge_is_said() -> None:
    found = exposure(incident(Exposed(kind="repository", name="vault"), key("signing")), COPIES, [])
    assert found.readable == 0
    assert any(line.startswith("the signing key reads nothing; but whoever has it can make sets") for line in found.remarks)


TRAIL = [
    entry(1, "restore.begun", f"standby/{SETS[0]}", 3, **{"from": "online", "run": "drill-1"}),
    entry(2, "restore.adopted", f"standby/{SETS[0]}", 2.9, **{"from": "online", "run": "drill-1"}),
    entry(3, "standby.scrubbed", "standby", 2.5, run="drill-1"),
    entry(4, "key.lent", f"standby/{SETS[1]}", 1, run="drill-2"),
    entry(5, "restore.begun", f"standby/{SETS[1]}", 1, **{"from": "vault", "run": "drill-2"}),
]


def test_what_was_restored_lay_there_in_clear_until_it_was_scrubbed() -> None:
    stays = stays_of(TRAIL)
    assert [(stay.set, stay.host, stay.run, stay.ended) for stay in stays] == [
        (SETS[0], HostName("standby"), RunId("drill-1"), ago(2.5)),
        (SETS[1], HostName("standby"), RunId("drill-2"), None),
    ]
    found = exposure(incident(Exposed(kind="host", name="standby"), since=ago(2)), COPIES, stays)
    assert [(each.set, each.readable, each.why) for each in found.reach] == [
        (SETS[1], True, "it lay there in clear: no key is needed"),
        (SETS[0], False, "it was scrubbed, and searched for, before that"),
    ]
    assert answer(found) == "2 restores are concerned; 1 of them CAN BE READ with what was exposed."


def test_the_trail_says_who_touched_it_and_nothing_else() -> None:
    """Of the vault's copy: what was made there and read from there; not what another copy or another set went through."""
    entries = [
        entry(1, "copy.committed", f"vault/{SETS[0]}", 3, **{"from": "online"}),
        entry(2, "copy.committed", f"vault/{SETS[1]}", 2),
        entry(3, "copy.decoded", f"online/{SETS[0]}", 2),
        entry(4, "restore.begun", f"standby/{SETS[0]}", 2, **{"from": "vault"}),
        entry(5, "restore.begun", f"standby/{SETS[0]}", 2, **{"from": "online"}),
        entry(6, "set.held", SETS[0], 1),
        entry(7, "run-started", "drill-1", 1),
        entry(8, "copy.mended", f"online/{SETS[0]}", 1, **{"from": ["vault"]}),
    ]
    one = incident(one_copy(SETS[0], "vault"))
    seen = list(accesses(entries, touched(one, exposure(one, COPIES, []), {"online", "vault"})))
    assert [(each.number, each.who, each.what) for each in seen] == [
        (1, "bert", "made, read from online"),
        (4, "bert", "restore begun, read from vault"),
        (6, "bert", "put on hold"),
        (8, "bert", "mended, read from vault"),
    ]


def test_of_a_host_and_a_key_their_own_entries_count_as_well() -> None:
    one = incident(Exposed(kind="host", name="standby"), key("drill"))
    found = exposure(one, COPIES, stays_of(TRAIL))
    rotated = entry(9, "keys.rotated", "keys/drill", 0)
    assert [each.number for each in accesses([*TRAIL, rotated], touched(one, found, {"online", "vault"}))] == [1, 2, 3, 4, 5, 9]


def test_what_to_do_next_names_the_keys_the_copies_and_who_owes_the_report() -> None:
    world = inventory()
    one = incident(one_copy(SETS[0], "vault"), key("drill"))
    lines = list(what_next(one, exposure(one, COPIES, []), world, None))
    assert lines[0].startswith("Make a new drill key: dr keys rotate drill.")
    assert lines[1] == f'Keep it as evidence: dr backups hold {SETS[0]} --reason "inc-1"'
    assert any("no duty for it is written" in line for line in lines)
    assert any("ask who knows your agreements and the law" in line for line in lines)
    assert told(world, None) == ["administrators"]
    assert owed(one, world) == ""


def test_a_story_has_numbers_and_names_and_nothing_is_concerned_is_said() -> None:
    nothing = Exposure((), ())
    assert answer(nothing) == "Nothing on record is concerned: no copy and no restore was there at the time."
    told_of = story(incident(), nothing, "a bag", inventory(), NOON, by="anna", lines=("key drill",), added=False)
    assert (told_of.readable, told_of.unreadable, told_of.noticed) == (0, 0, "12:00")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "No copy and no restore on record is concerned."),
        (1, "1 copy or restore is concerned; it cannot be read with what was exposed."),
        (2, "2 copies and restores are concerned; none of it can be read with what was exposed."),
    ],
)
def test_the_mail_counts_as_one_speaks(number: int, said: str) -> None:
    told_of = story(incident(), Exposure((), ()), "a bag", inventory(), NOON, by="anna", lines=("key drill",), added=False)
    assert said in render("incident-opened", told_of.model_copy(update={"unreadable": number})).body.splitlines()


def test_what_is_added_twice_is_there_once() -> None:
    one = incident(key("drill"))
    assert widened(one, [key("drill"), key("escrow")]).exposed == (key("drill"), key("escrow"))
