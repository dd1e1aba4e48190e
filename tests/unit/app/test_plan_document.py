"""`dr plan`: what is handed on names nobody and no place, and what our own people get names them all; it is there, private and whole."""

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from dr.app.plan_document import gather, write_plan
from dr.cli import cli
from dr.errors import Failed
from dr.model.base import OfficeName, canonical, sha256
from dr.model.duty import Absence, DutyName, PassedOver
from dr.model.record import Finding
from dr.report.plan_document.document import document, written
from dr.report.plan_document.facts import Facts
from dr.report.plan_document.outside import WITHHELD, outside, sensitive, veiled
from dr.report.plan_document.page import plan_page
from tests.support.catalog_copies import NOW
from tests.support.plan_home import ADDRESSES, CONTACTS, PATHS, PEOPLE, SCHEMES, SECRETS, plan_app, plan_home

pytestmark = pytest.mark.unit
SAID = ("the roof leaks, says Tove", "three of us are ill", "Sam")
"""People's own words on record, which may say anything."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plan_home(tmp_path_factory.mktemp("plan") / "home")


@pytest.fixture(scope="module")
def facts(home: Path) -> Facts:
    """For our own people, with what somebody said put on record."""
    found = gather(plan_app(home), internal=True)
    told = Finding(key="contact-unproven:mkowalski", severity="warning", message="Sam: the roof leaks, says Tove", hint="10.0.0.3", at=NOW)
    passed = PassedOver(office=OfficeName("green-bay"), why="refused: three of us are ill")
    unheld = {"state": "unheld", "office": None, "why": "refused: three of us are ill", "passed": (passed,)}
    moved = tuple(each.model_copy(update=unheld) if each.duty == "help-desk" else each for each in found.board.assignments)
    away = (Absence.from_facts({"contact": "tekdahl"}),)
    board = found.board.model_copy(update={"assignments": moved, "away": away})
    return replace(found, findings=(told,), board=board, unstarted=("/etc/systemd/system has no timer of /srv/dr",))


class _Words(HTMLParser):
    """Everything of a page that is not its style: texts, and what attributes say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.found += [value for _, value in attrs if value]

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.found.append(data)


def words(page: str) -> str:
    parser = _Words()
    parser.feed(page)
    return " ".join(" ".join(parser.found).split())


def seen(page: str) -> str:
    """What a reader sees of it."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])).split())


def named_in(text: str) -> Iterator[str]:
    """What must not be in a document that is handed on, and is."""
    for secret in (*PEOPLE, *CONTACTS, *ADDRESSES, *PATHS, *SCHEMES, *SECRETS, *SAID, "/etc/systemd"):
        if secret.casefold() in text.casefold():
            yield secret


def test_what_is_handed_on_names_nobody_and_no_place(facts: Facts) -> None:
    """Names and logins of people, addresses, paths, channels, and what anybody said: in no text and in no attribute."""
    said = words(plan_page(document(replace(facts, internal=False))))
    assert list(named_in(said)) == []
    assert "Names of people, addresses and places are left out." in said
    assert f"What {WITHHELD} does on {WITHHELD}, in {WITHHELD}" in said


@pytest.mark.positive_control
def test_our_own_people_get_all_of_it_but_the_secrets(facts: Facts) -> None:
    """The same walk finds every one of them there; where a secret is kept stands in neither."""
    found = set(named_in(words(plan_page(document(facts)))))
    assert {*PEOPLE, *ADDRESSES, *PATHS, *SCHEMES, "the roof leaks, says Tove"} <= found
    assert found.isdisjoint(SECRETS)


@pytest.mark.positive_control
def test_each_of_the_two_ways_in_which_they_are_taken_out_is_needed(facts: Facts) -> None:
    """Without the veil a runbook's title tells; without the facts being emptied first, what people said on record does."""
    assert set(named_in(words(plan_page(written(outside(facts)))))) == {"Maria Kowalski", ADDRESSES[0], PATHS[0]}
    only_veiled = words(plan_page(veiled(written(facts), sensitive(facts.inventory))))
    assert {"the roof leaks, says Tove", "mailtos"} <= set(named_in(only_veiled))


def test_a_title_that_is_also_a_persons_name_is_no_secret(facts: Facts) -> None:
    """A contact who is called as their duty, their office or their group is, is not withheld; nor is part of a longer word."""
    people = {
        key: contact.model_copy(update={"name": name})
        for (key, contact), name in zip(
            facts.inventory.contacts.items(), ("Help desk", "MADISON", "Management", "Ann", "Jane Roe"), strict=True
        )
    }
    inventory = facts.inventory.model_copy(update={"contacts": people})
    assert {one for one in sensitive(inventory) if one[0].isupper()} == {"Jane Roe"}
    made = written(outside(facts))
    assert veiled(replace(made, organisation="jane ROE, Jane Roesler"), frozenset({"Jane Roe"})).organisation == f"{WITHHELD}, Jane Roesler"


def test_it_says_what_the_inventory_says(facts: Facts, home: Path) -> None:
    """Tiers, promises, retention, runbooks, call tree, duties, the vault's door, privacy, and which inventory it was made from."""
    app = plan_app(home)
    said = seen(plan_page(document(replace(facts, internal=False))))
    for wanted in (
        "Harbor Disaster recovery plan Made from what runs every night, not written by hand.",
        f"from the inventory {sha256(canonical(app.inventory.to_facts()))}",
        "If we lost it now, nothing would come back: there is no good copy.",
        "every database of a PostgreSQL server, and who may use them the production machine yes",
        "vault 1 place: a folder on a disk or a mounted file server 0 NONE",
        "“Nightly backup into both tiers”: at 01:00 every day, in America/Chicago; the next time Mon 23 Nov 2026, 01:00 CST.",
        "online: keeps all of the last 24 h before the newest good copy; a copy stays until its twin in vault is there and was read back.",
        "no copy gets older than 31 d (the privacy limit).",
        "From online it was NEVER DRILLED. Nobody knows whether the system comes back from there",
        "online 4 h 3 h NEVER DRILLED not known none: no copy here was restored and compared",
        "If it were lost now, EVERYTHING would be lost",
        "1 h pass, as declared: courier 45 min, decision 15 min. It counts against the promise.",
        "Open Mon-Fri 09:00-17:00, in America/Chicago; closed on 2026-12-25.",
        "This week, at the worst hour of the week (Friday 17:00) + 2 d 16 h until vault opens.",
        "Let users in: from here on the standby is production, and nothing may wipe it. Its share of the time: 15 min.",
        "Wait for a second person's yes; without it nothing goes on.",
        "Wipe the standby, look whether anything is left, and sign a certificate of it.",
        "Where the run before it had failed, tell the group administrators: “nightly recovered”.",
        "A major one: management and a person are told at once, at night too.",
        "From 21:00 to 06:00, on their own clock, people are left alone with what is not critical.",
        "1. a person in Madison; 2. a person in Milwaukee",
        "NONE of 6 channels is proven: nobody acknowledged a test within 90 d.",
        "where the main office is silent, two people must say so",
        "System administration Madison servers 1. Milwaukee; 2. Eau Claire, once it said that it works: it shares something with Madison",
        "Help desk NOBODY since",
        "room on the disk How much room a disk has, and when it will be full if it goes on as in the last two weeks never looked at",
        "The private escrow key is STILL ON THIS MACHINE",
        "1 duty is in nobody's hands now.",
        "Homeless Management Information System: it was never drilled from online.",
        "The runs have left 1 open finding: 1 warning.",
        "dr report verify FILE --key signing.pub says whether it is genuine",
        f"The public key's fingerprint is {facts.fingerprints[0]}",
    ):
        assert wanted in said, wanted


def test_it_stands_alone(facts: Facts) -> None:
    """No script, nothing fetched, and what people wrote is text."""
    titled = {name: book.model_copy(update={"title": "<script>x</script>"}) for name, book in facts.books.items()}
    page = plan_page(document(replace(facts, books=titled)))
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?![#d])|url\(|@import", page)
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    anchors = set(re.findall(r'href="#([a-z]+)"', page))
    assert len(anchors) == 12 and anchors == set(re.findall(r'<h2 id="([a-z]+)"', page))


def test_every_chapter_holds_where_there_is_next_to_nothing(facts: Facts) -> None:
    """One office, no duties, nobody to tell, no runbook: it says so, and does not break."""
    nothing: dict[str, object] = {"contacts": {}, "duties": {}, "offices": {}, "redundancy": {}, "outages": None, "repositories": {}}
    bare = replace(facts, inventory=facts.inventory.model_copy(update=nothing), books={}, ways=(), watched=(), details={})
    for internal in (True, False):
        said = seen(plan_page(document(replace(bare, internal=internal))))
        for wanted in ("NOBODY: the inventory names no contact.", "NO RUNBOOK makes copies of it.", "NOWHERE", "No duties are written"):
            assert wanted in said


# ---------------------------------------------------------------- as it is typed


def test_it_is_written_whole_and_private(home: Path, tmp_path: Path) -> None:
    """Beside the evidence or where it is wanted, 0600; the internal one under a name of its own; grave gaps are printed too."""
    plain = CliRunner().invoke(cli, ["--home", str(home), "plan"])
    place = home / "evidence" / "plan.html"
    assert (plain.exit_code, plain.stdout) == (0, f"written: {place}\n")
    assert "✖ Homeless Management Information System: there is no good copy." in plain.stderr
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.read_text().rstrip().endswith("</html>")
    inner = CliRunner().invoke(cli, ["--home", str(home), "plan", "--internal"])
    assert inner.stdout == f"written: {home}/evidence/plan-internal.html\n"
    assert "hand on the one that `dr plan` writes" in inner.stderr
    assert PEOPLE[0] in (home / "evidence" / "plan-internal.html").read_text()
    assert PEOPLE[0] not in place.read_text()
    elsewhere = CliRunner().invoke(cli, ["--home", str(home), "plan", "--to", str(tmp_path / "it.html")])
    assert elsewhere.exit_code == 0 and (tmp_path / "it.html").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_done_is_no_success(home: Path, tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["--home", str(home), "plan", "--letter"]).exit_code == 2
    with pytest.raises(Failed) as failed:
        write_plan(plan_app(home), file=tmp_path / "nowhere" / "plan.html")
    assert failed.value.message == f"the plan cannot be written to {tmp_path}/nowhere/plan.html: No such file or directory"


@pytest.mark.needs("pango")
def test_on_paper_every_runbook_is_unfolded_and_nobody_is_named(home: Path, tmp_path: Path) -> None:
    """A real PDF on the paper that was asked for, each page numbered and bearing whose plan it is."""
    place, _ = write_plan(plan_app(home), paper="Letter", file=tmp_path / "plan.pdf")
    made = PdfReader(io.BytesIO(place.read_bytes()))
    pages = [" ".join(one.extract_text().split()) for one in made.pages]
    assert {(round(one.mediabox.width), round(one.mediabox.height)) for one in made.pages} == {(612, 792)}
    assert all(f"page {number} of {len(pages)}" in text for number, text in enumerate(pages, 1))
    whole = " ".join(pages)
    for wanted in ("Harbor · disaster recovery plan", "Read the system once, encrypt it", "NEVER DRILLED", "Known gaps"):
        assert wanted in whole
    assert list(named_in(whole.replace("\u200b", ""))) == []


def test_duties_that_moved_are_said(facts: Facts) -> None:
    """Who holds a duty now, beside who does in normal times."""
    moved = tuple(
        each.model_copy(update={"state": "held", "office": OfficeName("milwaukee")})
        if each.duty == DutyName("system-administration")
        else each
        for each in facts.board.assignments
    )
    board = facts.board.model_copy(update={"assignments": moved})
    said = seen(plan_page(document(replace(facts, board=board, internal=False))))
    assert re.search(r"System administration Milwaukee, since .* \(in normal times Madison\) servers", said)
