"""The page: what a manager reads first is there, in words, whatever happened; and nothing that a name holds becomes a part of the page."""

import re
from html.parser import HTMLParser

import pytest

from dr.model.base import ByteCount, JsonObject, Seconds, sha256
from dr.model.evidence import Evidence
from dr.model.forecast import TierForecast
from dr.model.record import Difference
from dr.report.page import SHOWN, answer, next_step, page, proof
from tests.support.report_evidence import BEGAN, HOUR, SET, broken, check, drill_run, empty, evidence, failed, incomplete, night, step

pytestmark = pytest.mark.unit
ALL = {"pass": evidence(), "fail": failed(), "broken": broken(), "incomplete": incomplete(), "empty": empty(), "night": night()}
VOID = {"meta", "link", "br", "rect", "line"}


class _Reader(HTMLParser):
    """The page's visible text and its elements; what is open at the end is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)


def read(what: Evidence) -> _Reader:
    found = _Reader(page(what, sha256(b"file"), "key" * 5))
    assert found.open == [], "every element is closed"
    return found


def text(what: Evidence) -> str:
    return re.sub(r"\s+", " ", " ".join(read(what).words))


@pytest.mark.parametrize("name", ALL)
def test_every_page_stands_alone_and_says_its_verdict(name: str) -> None:
    """One file: nothing is fetched, nothing runs; the verdict is a word, not only a colour."""
    found = read(ALL[name])
    assert not [tag for tag, _ in found.tags if tag in ("script", "img", "iframe", "object", "form")]
    assert all((attrs.get("href") or "data:,").startswith(("data:,", "#")) for _, attrs in found.tags)
    assert not [a for _, attrs in found.tags for a in attrs if a.startswith("on")]
    assert ALL[name].verdict in found.words[0] + text(ALL[name])
    assert all(f.get("aria-label") or f.get("aria-labelledby") for tag, f in found.tags if tag == "svg"), "a text alternative"


def test_a_manager_reads_the_four_answers_of_a_drill() -> None:
    """Back in how long, how much lost, equal or not, what is left: each beside its objective."""
    said = text(evidence())
    assert "Usable again after (RTO) 42 min" in said
    assert "within the objective of 4 h; target 3 h" in said
    assert "Would be lost (RPO) 26 h" in said and "OVER the objective of 24 h" in said
    assert "Equal to the source yes 991 things compared, none different" in said
    assert "Left on the standby nothing" in said


def test_an_auditor_finds_every_table_with_rows_and_digest() -> None:
    said = text(evidence())
    assert "hmis: 3 tables, 3,000 rows, 12 schema objects, 1 sequence; fast digest, PostgreSQL 18.6" in said
    assert f"equal public.Table2 2,000 {sha256(b'2')}" in said
    assert "entry 14" in said and sha256(b"file") in said


def test_a_failed_drill_opens_on_what_differs() -> None:
    """The first differences are seen without unfolding, the rest are one click away; the table that differs is named in its database."""
    shown = proof(failed().checks[1])
    assert not shown.good and shown.wrong and shown.more
    assert (len(shown.wrong.rows), len(shown.more.rows)) == (SHOWN, 40 - SHOWN)
    said = text(failed())
    assert "Equal to the source no" in said
    assert "DIFFERENT public.Table1" in said and "1 TABLE DIFFERS" in said
    assert "What is wrong: check 'content-equals-source': 40 differences." in said


def test_a_drill_that_broke_says_why_and_promises_nothing() -> None:
    said = text(broken())
    assert "The system did not become usable." in said
    assert "What is wrong: restore: database-00/000003.zst.age: changed." in said
    assert "Equal to the source not compared" in said
    assert "Left on the standby unknown" in said


def test_a_scrub_that_looked_for_nothing_is_no_proof() -> None:
    """A drill cancelled before its restore was done knows no canary: its certificate must not look like one that searched."""
    scrub = evidence().scrub
    assert scrub
    said = text(evidence(scrub=scrub.model_copy(update={"canaries": 0})))
    assert "Left on the standby not searched" in said and "no canary was known" in said


def test_a_check_that_examined_nothing_is_drawn_as_failed() -> None:
    nothing = evidence(checks=(check("needle", 42, examined=0),))
    assert not proof(nothing.checks[0]).good
    assert "FAILED needle" in text(nothing)


def test_a_night_says_what_was_stored_read_back_and_decided() -> None:
    said = text(night())
    assert "Read from the source 96.2 MiB" in said
    assert "Read back and matched 2 of 2 copies" in said
    assert "25 parts, 37.1 MiB: all as signed" in said
    assert "20261101T070000Z-aaaaaa fileserver (online) removed expired older than 24 h" in said
    assert "96.2 MiB went to fileserver, bank-vault; 2 of 2 copies were read back and matched." in said


def test_a_night_says_how_long_it_would_take_to_be_back() -> None:
    """From the drills that were held; and plainly that it is not known, where none was."""
    known = TierForecast(tier="online", at=BEGAN, set=SET, bytes=ByteCount(1), p50=Seconds(3.2 * HOUR), p95=Seconds(4.5 * HOUR), drills=6)
    sure = known.model_copy(update={"objective": Seconds(4 * HOUR), "sureness": "good"})
    never = TierForecast(tier="vault", at=BEGAN, set=SET, bytes=ByteCount(1), why="no drill was held from this tier yet")
    made = night()
    step = made.steps[0].model_copy(
        update={"step": "forecast", "action": "forecast", "facts": {"forecasts": [sure.to_facts(), never.to_facts()]}}
    )
    said = text(made.model_copy(update={"steps": (*made.steps, step)}))
    assert "online 3 h 12 min 4 h 30 min 4 h from 6 drills" in said
    assert "vault not known – – no drill was held from this tier yet" in said
    assert "How long it would take" not in text(made)


def test_a_night_without_a_copy_or_a_reading_says_so() -> None:
    said = text(night(failed_to="bank-vault"))
    assert "bank-vault NO COPY: no space left" in said and "1 of 2 copies" in said
    assert "not read back" in text(night(verified=False))


HOSTILE = "</title><script>alert('1')</script>\"' onload=x \u202egnp.exe\u200f \x1b[31m"


def hostile() -> Evidence:
    details: JsonObject = {
        "databases": {HOSTILE: {"tables": {HOSTILE: {"rows": 1, "digest": HOSTILE, "equal": False}}}},
        HOSTILE: [{HOSTILE: HOSTILE}],
        "map": {HOSTILE: HOSTILE},
    }
    facts: JsonObject = {HOSTILE: HOSTILE, "rows": [{HOSTILE: HOSTILE}], "list": [HOSTILE], "map": {HOSTILE: HOSTILE}}
    run = drill_run(title=HOSTILE, requested_by=HOSTILE)
    scope = {"system": HOSTILE, "title": HOSTILE, "sources": {HOSTILE: {"kind": HOSTILE, "host": HOSTILE}}}
    checks = (check(HOSTILE, 42, details=details), *failed().checks)
    ran = (step(HOSTILE, HOSTILE, 0, 1, facts=facts),)
    return evidence(organisation=HOSTILE, run=run, reasons=(HOSTILE,), remarks=(HOSTILE,), scope=scope, checks=checks, steps=ran)


def test_hostile_names_stay_text() -> None:
    """No name becomes an element or an attribute, turns the reading direction round, or moves a cursor."""
    html = page(hostile(), sha256(b"file"), "key")
    plain, made = _Reader(page(failed(), sha256(b"file"), "key")), _Reader(html)
    assert {tag for tag, _ in made.tags} <= {tag for tag, _ in plain.tags}
    assert {a for _, attrs in made.tags for a in attrs} <= {a for _, attrs in plain.tags for a in attrs}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x1b]", html)
    assert "\\u202egnp.exe" in html


@pytest.mark.positive_control
def test_hostile_names_would_be_elements_without_escaping() -> None:
    """The same names, put into a page as they are: the test above would see them."""
    made = _Reader(f"<p>{HOSTILE.replace('</title>', '')}</p>")
    assert "script" in {tag for tag, _ in made.tags}


def test_the_answer_is_words_first() -> None:
    assert answer(evidence()) == (
        "This drill passed. The system was usable 42 min after recognition, within the objective of 4 h. "
        "It came back as it was on Sun 22 Nov 2026, 01:00 CST, from the online copy in fileserver."
    )
    assert answer(empty()) == "This drill is incomplete. The system did not become usable. What is wrong: the run was cancelled."


def lost(what: Evidence) -> str | None:
    """The colour of the RPO tile."""
    found = re.search(r'Would be lost \(RPO\)</div><div class="big (\w+)">', page(what, sha256(b"file"), "key" * 5))
    return found[1] if found else None


def test_little_would_be_lost_is_no_comfort_where_the_run_failed() -> None:
    """What cannot be restored is lost whole: green is for a run that passed."""
    over = evidence()
    assert over.rpo
    passed = over.model_copy(update={"rpo": over.rpo.model_copy(update={"within": True})})
    assert lost(passed) == "good"
    assert lost(passed.model_copy(update={"verdict": "FAIL"})) == "plain"
    assert lost(over) == "bad", "over its objective it stays red"


def test_a_backup_has_no_recognition() -> None:
    """Recognition is of a disaster; a night begins."""
    assert "from the start to the last step here" in text(night())
    assert "recognition" not in text(night())
    assert "from recognition to the last step here" in text(evidence())


def test_the_line_where_it_was_usable_crosses_no_words() -> None:
    """On a phone the numbers stand where the line is: it is drawn over the bars only."""
    tags = read(evidence()).tags
    lines = [(int(a["y1"] or 0), int(a["y2"] or 0)) for tag, a in tags if tag == "line" and a.get("class") == "usable"]
    words = [int(a["y"] or 0) for tag, a in tags if tag == "text"]
    assert lines and len(lines) == len(set(words))
    assert not [1 for top, end in lines for y in words if top < y + 4 and end > y - 14]


def test_an_auditor_reads_what_was_compared_and_what_was_not() -> None:
    """A line a source: by what it was compared and how much; one that nothing compared is named in red; what was left out has a reason."""
    left = Difference(kind="not-digested", name="hmis: reporting.Nights", detail="materialized view")
    proof = check("content-equals-source", 50, proves=True, examined=721).model_copy(
        update={"artifacts": ("database-00", "database-globals"), "unproven": (left,)}
    )
    sources = {"database": {"kind": "postgres_logical", "host": "production"}, "site": {"kind": "files", "host": "production"}}
    known = evidence(checks=(check("starts-up", 42, user_level=True), proof), scope={"system": "hmis", "sources": sources})
    said = text(known)
    assert "database content-equals-source 721 none 1, named below" in said
    assert "site nothing – – NOT COMPARED with the source" in said
    assert "can it be used? starts-up 5 passed –" in said
    assert "not-digested hmis: reporting.Nights materialized view" in said
    assert "What was compared" not in text(night())


def test_the_verdict_says_what_to_do_next() -> None:
    """From what broke, else from this run's worst finding; a pass needs nothing done."""
    assert "Next: another copy is used next." in text(broken())
    assert "Next: look." in text(failed())
    assert next_step(evidence()) == ""
