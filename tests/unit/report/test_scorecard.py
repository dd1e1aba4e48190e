"""The scorecard's page: what a manager reads first is how it went; each gap says what to do next; nothing in it is obeyed as HTML."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dr.errors import Damaged, Failed, Refused
from dr.model.base import ContactName, OfficeName, RunId, Seconds, canonical, sha256
from dr.model.duty import DutyName
from dr.model.exercise import DownChannel, DutyScore, ExerciseEvidence, Gap, Measure, PersonScore, Scenario, Scorecard
from dr.model.outage import OutageId
from dr.model.record import AuditHead
from dr.report.scorecard import answer, card_page, read_card, write_card
from dr.report.write import written
from tests.support.stream_keys import TestKeys

pytestmark = pytest.mark.unit
BEGAN = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
SMALL = Gap(text="Bo was not reached by any channel", next="give bo another channel", grave=False)
GRAVE = Gap(text="nobody holds <b>Servers</b>: no office was left to ask", next="let another office learn it", grave=True)


def card(*gaps: Gap, told: float | None = 2.0, held: float | None = 30.0) -> Scorecard:
    first = Seconds(told) if told is not None else None
    after = Seconds(held) if held is not None else None
    return Scorecard(
        began=BEGAN,
        first_notice=first,
        first_acknowledgement=Seconds(9.0) if told is not None else None,
        full_assignment=after,
        measures=(Measure(what="first notice", took=first, expected=Seconds(60.0), why="everybody has it then"),),
        duties=(DutyScore(duty=DutyName("servers"), title="Servers", office=OfficeName("green-bay"), after=after),),
        people=(PersonScore(contact=ContactName("bo"), asked=False, reached=first),),
        gaps=gaps,
    )


def evidence(made: Scorecard) -> ExerciseEvidence:
    down = (DownChannel(contact=ContactName("bo"), channel=0),)
    return ExerciseEvidence(
        exercise="exercise-1",
        organisation="Harbor",
        zone="America/Chicago",
        tool="dr 1",
        by="ann",
        scenario=Scenario(seed=7, kind="office-failover", office=OfficeName("madison"), at=BEGAN, down=down),
        words=("It is Monday, 10:00. Madison is lost.",),
        ended=BEGAN + timedelta(minutes=2),
        outage=OutageId("out-1"),
        run=RunId("office-failover-1"),
        names={"bo": "Bo", "green-bay": "Green Bay"},
        audit=AuditHead(seq=1, hash=sha256(b""), at=BEGAN),
        verdict=made.verdict,
        card=made,
    )


def page(made: Scorecard) -> str:
    return card_page(evidence(made), "d" * 64, "k" * 64)


@pytest.mark.parametrize(
    ("gaps", "head"),
    [((), "The plan carried it"), ((SMALL,), "The plan carried it, with gaps"), ((SMALL, GRAVE), "The plan did not carry it")],
)
def test_how_it_went_is_said_first(gaps: tuple[Gap, ...], head: str) -> None:
    assert f"</span> {head}</b>" in page(card(*gaps))


def test_the_page_is_marked_and_says_what_to_do_and_how_to_check() -> None:
    shown = page(card(SMALL))
    for words in ("EXERCISE, nothing of it was real", "Next: give bo another channel", "a channel was down", "not asked", "Green Bay"):
        assert words in shown
    assert "dr report verify evidence/exercise-1.json" in shown and "dr exercise office-failover --seed 7" in shown


def test_what_looks_like_html_is_shown() -> None:
    assert "&lt;b&gt;Servers" in page(card(GRAVE)) and "<b>Servers" not in page(card(GRAVE))


def test_it_needs_nothing_from_elsewhere() -> None:
    """Carried by mail to a phone: no script, no font, no link."""
    shown = page(card(SMALL, GRAVE))
    assert "default-src 'none'" in shown and "<script" not in shown and "http" not in shown.replace('http-equiv="', "")


def test_the_answer_in_a_few_sentences() -> None:
    assert answer(evidence(card())) == (
        "The first person was told after 2.0 s, and somebody said so after 9.0 s. The duty had a new holder after 30.0 s."
    )
    assert answer(evidence(card(GRAVE, told=None, held=None))) == "Nobody was told anything. 0 of 1 duties had a new holder in the end."


def test_what_is_kept_is_signed_and_read_back(tmp_path: Path) -> None:
    keys, made = TestKeys(), evidence(card(SMALL))
    shown = write_card(tmp_path / "evidence", made, keys, "k" * 64)
    text = shown.with_suffix(".json").read_bytes()
    assert shown.name == "exercise-1.html" and read_card(text, keys.verify) == made
    with pytest.raises(Damaged):
        read_card(text.replace(b"INCOMPLETE", b"PASS"), keys.verify)


def test_genuine_evidence_of_something_else_is_no_card() -> None:
    keys, other = TestKeys(), {"run": "drill-1"}
    with pytest.raises(Refused, match="no exercise that this dr can read"):
        read_card(written(other, "k" * 64, keys.sign(canonical(other))), keys.verify)


def test_a_folder_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("a file")
    with pytest.raises(Failed, match="the scorecard cannot be written"):
        write_card(tmp_path / "evidence", evidence(card()), TestKeys(), "k" * 64)
