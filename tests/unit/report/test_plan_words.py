"""The plan's chapters in words: what was measured and what was not, how long copies stay, what is watched, and what is missing."""

from dataclasses import replace

import pytest

from dr.model.backup import Copy
from dr.model.base import HostName, JsonObject, RunId, sha256
from dr.model.duty import Board
from dr.model.inventory import Inventory, RetentionPolicy, SecretRef, SystemEntry
from dr.model.readiness import DrillFact
from dr.model.record import AuditHead, ScrubCertificate
from dr.model.runbook import Runbook
from dr.model.suppression import SuppressionTemplates
from dr.policy.readiness import readiness
from dr.report.plan_document.blocks import Chapter, Folded, Heading, Text, given, joined
from dr.report.plan_document.care import privacy, redundancy
from dr.report.plan_document.document import written
from dr.report.plan_document.facts import Facts, Kinds, SystemSeen, Way
from dr.report.plan_document.gaps import checking, gaps, known_gaps
from dr.report.plan_document.people import told
from dr.report.plan_document.promises import promised
from dr.report.plan_document.protected import protected, retention_words, timed
from dr.report.plan_document.steps import steps
from dr.report.tables import Table
from tests.support.catalog_copies import HMIS, NOW, ago, copy_at
from tests.unit.policy.test_policy_readiness import ENTRY, PROVEN, drill

pytestmark = pytest.mark.unit
TEMPLATES = SuppressionTemplates(source="database", erase="inventory/erase.sql")
LIMIT = "no copy gets older than 31 d (the privacy limit)"
KINDS = Kinds(actions={}, checks={}, sources={}, repositories={}, redundancy={})
TWO = ENTRY.model_copy(update={"retention": {"online": ENTRY.retention["online"], "vault": RetentionPolicy()}})


def inventory(entry: SystemEntry = ENTRY, **more: JsonObject) -> Inventory:
    keys = {"recipients": ["age1a", "age1b"], "signing": {"file": "k"}, "trusted": ["p"]}
    bare = {"organisation": {"name": "Harbor", "keys": keys}, "systems": {}, "hosts": {}, "repositories": {}, **more}
    return Inventory.from_facts(bare).model_copy(update={"systems": {"hmis": entry}})


def facts(
    entry: SystemEntry = ENTRY,
    copies: tuple[Copy, ...] = (PROVEN,),
    drills: tuple[DrillFact, ...] = (drill(),),
    books: tuple[Runbook, ...] = (),
    **more: JsonObject,
) -> Facts:
    seen = SystemSeen(readiness(HMIS, entry, copies, drills, (), (), NOW), drills)
    return Facts(
        inventory=inventory(entry, **more),
        digest=sha256(b"inventory"),
        at=NOW,
        tool="dr 1",
        books={book.runbook: book for book in books},
        kinds=KINDS,
        systems={"hmis": seen},
        board=Board(at=NOW),
        audit=AuditHead(seq=3, hash=sha256(b"head"), at=NOW),
    )


def said(chapter: Chapter) -> list[str]:
    """Every text of a chapter, a table's rows as one line each."""
    found: list[str] = []
    for block in chapter.blocks:
        if isinstance(block, Text):
            found.append(block.words)
        elif isinstance(block, Heading):
            found.append(block.heading)
        elif isinstance(block, Table):
            found += [" | ".join(cell.text for cell in row) for row in block.rows]
        else:
            lists = block.inside if isinstance(block, Folded) else (block,)
            found += [block.title, block.about] if isinstance(block, Folded) else []
            found += [text for one in lists for text in (one.label, *(point.words for point in one.points)) if text]
    return found


@pytest.mark.parametrize(
    ("copies", "drills", "row"),
    [
        (
            (PROVEN,),
            (drill(),),
            "online | 4 h | 3 h | PASS, Sat 21 Nov 2026, 12:00 UTC | 1 h | 5 hours old; believed for 35 d",
        ),
        (
            (PROVEN,),
            (drill(rto=5 * 3600.0),),
            "online | 4 h | 3 h | PASS, Sat 21 Nov 2026, 12:00 UTC | 5 h, OVER the promise | 5 hours old; believed for 35 d",
        ),
        (
            (copy_at(ago(hours=5)),),
            (drill("FAIL", rto=None),),
            "online | 4 h | 3 h | FAIL, Sat 21 Nov 2026, 12:00 UTC | not measured | none: no copy here was restored and compared",
        ),
        (
            (copy_at(ago(hours=5)),),
            (),
            "online | 4 h | 3 h | NEVER DRILLED | not known | none: no copy here was restored and compared",
        ),
        (
            (copy_at(ago(hours=5), level="proven", proven_at=ago(days=40)),),
            (drill(days=40),),
            "online | 4 h | 3 h | PASS, Tue 13 Oct 2026, 12:00 UTC | 1 h | 40 days old: STALE, it is believed for 35 d",
        ),
    ],
)
def test_what_was_promised_stands_beside_what_was_measured(copies: tuple[Copy, ...], drills: tuple[DrillFact, ...], row: str) -> None:
    """No figure without a drill, no proof without its age, and nothing that is over is only coloured."""
    chapter = promised(facts(copies=copies, drills=drills))
    assert row in said(chapter)
    assert any("NEVER DRILLED. Nobody knows" in words for words in said(chapter)) == (not drills)


def test_a_drill_of_one_tier_is_none_of_another() -> None:
    """The vault was never drilled though online was: said as a sentence of its own, and as a grave gap."""
    tiers = {**ENTRY.objectives.tiers, "vault": ENTRY.objectives.tiers["online"]}
    entry = TWO.model_copy(update={"objectives": ENTRY.objectives.model_copy(update={"tiers": tiers})})
    found = facts(entry)
    assert any(words.startswith("From vault it was NEVER DRILLED") for words in said(promised(found)))
    assert Text("HMIS: it was never drilled from vault.", "bad") in known_gaps(found)
    assert not [gap for gap in known_gaps(found) if "from online" in gap.words]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"keep_within": "24h"}, "keeps all of the last 24 h before the newest good copy"),
        ({}, "keeps everything"),
        (
            {"keep_last": 3, "keep_daily": 7, "keep_yearly": 1},
            "keeps the last 3 copies, one for each of the last 7 days and one for each of the last 1 year",
        ),
        (
            {"keep_last": 1, "requires_copy_in": "vault", "expire_after": "31d"},
            "keeps the last 1 copy; a copy stays until its twin in vault is there and was read back; " + LIMIT,
        ),
    ],
)
def test_how_long_copies_stay_in_words(policy: JsonObject, words: str) -> None:
    assert retention_words(RetentionPolicy.from_facts(policy)) == words


def test_a_schedule_in_words() -> None:
    """Also one that cannot be put into words."""
    assert timed("0 3 * * SUN") == "at 03:00 on Sunday"
    assert timed("not a schedule") == "by the schedule not a schedule"


def _book(**more: object) -> Runbook:
    book = {
        "runbook": "recover",
        "title": "Bring it back",
        "kind": "recovery",
        "parameters": {"tier": {"default": "online"}},
        "steps": [
            {"id": "select", "action": "select-backup", "with": {"tier": "${parameters.tier}"}},
            {
                "id": "sure",
                "action": "approve",
                "with": {"second_person": True},
                "when": {"value": "${parameters.main_office}", "equals": "no"},
            },
            {"id": "restore", "action": "restore", "budget": "2h"},
            {"id": "prove", "action": "check", "with": {"checks": ["needle", {"check": "my-own"}]}},
            {"id": "wipe", "action": "scrub", "only": "drill"},
            {"id": "replay", "action": "replay-suppressions"},
            {"id": "new", "action": "of-tomorrow"},
        ],
        "always": [{"action": "notify", "with": {"to": "${steps.x.y}", "template": "it-ended"}}],
    }
    return Runbook.from_facts({**book, **more})


def test_a_runbook_is_told_as_it_would_run() -> None:
    """Its own defaults filled in, steps of another kind of run left out, conditions said, an unknown action by its own words."""
    chapter = steps(
        replace(
            facts(books=(_book(),)), kinds=replace(KINDS, actions={"of-tomorrow": "Do what is new."}, checks={"my-own": "It hums. Loudly."})
        )
    )
    assert said(chapter)[1:] == [
        "Bring it back",
        "for real, once a person has begun it; 6 steps",
        "Choose the copy in online, and keep it from being deleted.",
        "Wait for a second person's yes; without it nothing goes on. Only where main office is no.",
        "Restore it on the standby. Its share of the time: 2 h.",
        "Prove it: the mark that was planted that night is found again; It hums.",
        "Carry out again every request to be erased, or to be shared no longer, that came after the copy was made.",
        "Do what is new.",
        "In any case, at the end:",
        "Tell those who are to know: “it ended”.",
    ]


def test_erasure_is_promised_only_where_a_recovery_carries_it_out() -> None:
    """SQL alone does nothing: the runbook must have the step."""
    entry = ENTRY.model_copy(
        update={
            "suppression": TEMPLATES,
            "runbooks": ENTRY.runbooks.model_copy(update={"recover": "recover"}),
        }
    )
    without = _book(steps=[{"id": "restore", "action": "restore"}])
    assert any(words.startswith("Who asked to be erased") for words in said(privacy(facts(entry, books=(_book(),)))))
    assert any("are NOT carried out again" in words for words in said(privacy(facts(entry, books=(without,)))))
    assert any("are NOT carried out again" in words for words in said(privacy(facts(books=(_book(),)))))


def _certificate(found: int) -> ScrubCertificate:
    return ScrubCertificate(host=HostName("standby"), run=RunId("drill-1"), at=NOW, removed=(), searched=(), canaries=3, found=found)


@pytest.mark.parametrize(
    ("certificates", "clean"), [({}, 0), ({RunId("drill-1"): _certificate(0)}, 1), ({RunId("drill-1"): _certificate(2)}, 0)]
)
def test_a_drill_that_left_something_is_not_counted_as_wiped(certificates: dict[RunId, ScrubCertificate], clean: int) -> None:
    """No certificate, or one that says that something was found, is no clean one."""
    found = facts()
    seen = replace(found.systems["hmis"], looked_for=(RunId("drill-1"),), certificates=certificates)
    words = said(privacy(replace(found, systems={"hmis": seen})))
    assert any(one.startswith(f"Of the last 1 drill, {clean} left a signed certificate") for one in words)


def test_what_answers_is_asked_from_several_machines() -> None:
    detection = {"vantages": ["one", "two", "three"], "probes": {"p": {"check": "tcp-answers"}}, "failures": 4}
    asked = SystemEntry.from_facts({**ENTRY.to_facts(), "detection": detection})
    assert said(redundancy(facts(asked)))[-1] == (
        "Whether HMIS answers is asked from 3 machines. When 2 of them fail 4 times in a row, a person is asked to declare the outage."
    )


def test_people_are_told_in_their_order_and_a_deputy_stands_in() -> None:
    """Internally by name, with what is proven; who is away comes after who stands in for them."""
    contacts = {
        "ann": {
            "name": "Ann",
            "groups": ["admins"],
            "channels": [{"file": "a"}],
            "deputy": "bo",
            "away": [{"from": "2026-11-20", "until": "2026-11-30"}],
        },
        "bo": {"name": "Bo", "channels": [{"file": "b"}], "quiet": "22:00-07:00"},
    }
    ways = (Way("ann", "mailto", True), Way("bo", "ntfy", False))
    found = replace(facts(contacts=contacts), ways=ways, internal=True)
    assert (
        "admins | all at once; one after the other where an answer is asked for and it is not critical | "
        "1. Bo: by ntfy, NOT proven, quiet 22:00-07:00, who stands in; 2. Ann: by mailto, away 2026-11-20 to 2026-11-30"
    ) in said(told(found))
    assert any(words.startswith("1 of 2 channels is proven") for words in said(told(found)))
    assert "An outage was NEVER REHEARSED." in said(told(found))
    assert "An outage was last rehearsed on Sat 21 Nov 2026, 12:00 UTC." in said(told(replace(found, outage_rehearsed=ago(days=1))))


def test_no_gap_is_said_where_there_is_none() -> None:
    """And each that is there is, the grave ones first."""
    known = [gap.words for gap in known_gaps(facts())]
    assert known == [
        "HMIS: no runbook says how it is brought back for real.",
        "Nobody would be told: no contact is written.",
        "HMIS: all of its copies are in one tier.",
        "HMIS: what was erased on request would come back with a copy made before.",
        "Nothing that there are two of is watched.",
        "Nobody outside would notice that the machine which runs all this is silent.",
    ]
    whole = SystemEntry.from_facts({**TWO.to_facts(), "runbooks": {"recover": "recover"}}).model_copy(update={"suppression": TEMPLATES})
    good = facts(
        whole,
        (PROVEN, copy_at(ago(hours=5), tier="vault", level="proven")),
        contacts={"ann": {"name": "Ann", "channels": [{"file": "a"}]}},
        redundancy={"power": {"kind": "ups-nut"}},
    )
    pinged = good.inventory.model_copy(update={"pings": {"nightly": SecretRef(file="x")}})
    good = replace(good, inventory=pinged, ways=(Way("ann", "mailto", True),))
    assert said(gaps(good)) == ["None is known in what this document is made from."]
    assert written(good).gaps == Text("No gap is known.", "good")


def test_whoever_doubts_it_is_told_what_to_ask_for() -> None:
    weekly = Runbook.from_facts(
        {"runbook": "d", "title": "Weekly", "kind": "drill", "schedule": "0 3 * * SUN", "steps": [{"id": "a", "action": "scrub"}]}
    )
    words = said(checking(facts(books=(weekly,))))
    assert "The newest drill's is drill-1.json." in words[0]
    assert words[1] == "Ask to be there at a drill: the next is “Weekly”, Sun 29 Nov 2026, 03:00 UTC."
    assert "none has a schedule" in said(checking(facts()))[1]


def test_several_systems_are_told_apart() -> None:
    """Each under its own title; one alone needs none."""
    one = facts()
    both = replace(
        one,
        inventory=one.inventory.model_copy(update={"systems": {"hmis": ENTRY, "pay": ENTRY.model_copy(update={"title": "Payroll"})}}),
        systems={"hmis": one.systems["hmis"], "pay": one.systems["hmis"]},
    )
    assert "HMIS" not in said(protected(one))
    assert [words for words in said(protected(both)) if words in ("HMIS", "Payroll")] == ["HMIS", "Payroll"]
    assert len(written(both).summaries) == 2


def test_where_a_secret_is_kept_is_not_told() -> None:
    shown = given(
        {
            "address": "db.example",
            "password": {"file": "keys/p"},
            "postgres": {"port": 5432, "password": {"env": "P"}},
            "paths": ["/a", "/b"],
        }
    )
    assert shown == "address db.example, postgres (port 5432), paths /a and /b"
    assert (joined([]), joined(["a"]), joined(["a", "b", "c"])) == ("", "a", "a, b and c")
