"""What a manager reads on a telephone: the whole text of every notice of an outage."""

import pytest

from dr.model.notice_record import Notice
from dr.model.outage import OutageStory
from dr.notify.render import render
from dr.notify.wording import wording
from tests.support.outage_world import NOON

pytestmark = pytest.mark.unit
STORY = OutageStory(
    organisation="Harbor",
    outage="out-20261123T200500Z-7f3a",
    exercise=False,
    severity="major",
    about="hmis",
    title="Client records",
    what="the server burnt",
    began="14:05",
    lasted="35 min",
    at="14:40",
    by="anna",
    assigned="",
    doing=("Recover the client database: under way, its clock runs since 14:05 (recover-1)",),
    said="half of it is there",
    said_by="anna",
    said_at="14:38",
    next="15:10",
    objective="4 h, until 18:05",
    missed=False,
)
FOOT = "All of it: `dr outage show out-20261123T200500Z-7f3a`\n"
DOING = "What is being done:\n\n- Recover the client database: under way, its clock runs since 14:05 (recover-1)\n\n"
GOAL = "It should be back within 4 h, until 18:05.\n\n"
TEXTS = {
    "outage-declared": (
        "hmis is out since 14:05: a major outage",
        "hmis (Client records) cannot be used since 14:05: the server burnt. You hear again by 15:10 at the latest.\n\n"
        + DOING
        + GOAL
        + "Declared by anna. "
        + FOOT,
    ),
    "outage-update": (
        "hmis, out for 35 min: half of it is there",
        "hmis (Client records) is out since 14:05. 14:38, anna: half of it is there. You hear again by 15:10 at the latest.\n\n"
        + DOING
        + GOAL
        + FOOT,
    ),
    "outage-assigned": (
        "hmis is out since 14:05, and is in your hands now",
        "hmis (Client records) cannot be used since 14:05: the server burnt. anna: half of it is there.\n\n"
        "Say how it goes, as often as there is news, and when it is over:\n\n"
        '    dr outage update out-20261123T200500Z-7f3a "how it goes"\n'
        '    dr outage resolve out-20261123T200500Z-7f3a --text "how it was mended"\n\n' + GOAL + FOOT,
    ),
    "outage-cadence": (
        "hmis is still out, for 35 min",
        "hmis (Client records) is out since 14:05: the server burnt. Nobody has said anything new since the last message. "
        "You hear again by 15:10 at the latest.\n\n" + DOING + GOAL + FOOT,
    ),
    "outage-resolved": (
        "hmis is back, after 35 min",
        (
            "hmis (Client records) can be used again: it was out from 14:05 until 14:38, 35 min "
            "(within the objective of 4 h, until 18:05). anna: half of it is there.\n\n"
        )
        + FOOT,
    ),
    "outage-silent": (
        "How does it go with hmis? Nobody has said anything for too long",
        "hmis (Client records) is out since 14:05, 35 min, and no person has said how it goes. Nobody has it in hand. "
        "Say so, or that it is over:\n\n"
        '    dr outage update out-20261123T200500Z-7f3a "how it goes"\n'
        '    dr outage resolve out-20261123T200500Z-7f3a --text "how it was mended"\n'
        "    dr outage assign out-20261123T200500Z-7f3a --to NAME\n\n" + GOAL.rstrip("\n") + "\n",
    ),
    "outage-proposed": (
        "Is hmis out? It seems so since 14:05: declare it, or dismiss it",
        (
            "hmis (Client records) seems to be out since 14:05: half of it is there. Nobody has been told but you. "
            "Look, then type one of these:\n\n"
            "    dr outage declare --proposed out-20261123T200500Z-7f3a\n"
            '    dr outage dismiss out-20261123T200500Z-7f3a --text "why it is none"\n'
        ),
    ),
    "outage-dismissed": (
        "hmis is not out: anna dismissed it",
        "What was noticed 14:05 was no outage of hmis (Client records): half of it is there. Nothing to do.\n",
    ),
}


@pytest.mark.parametrize("template", TEXTS)
def test_the_whole_text_of_each(template: str) -> None:
    """The first line says what is out and since when; then what is being done; then when one hears next."""
    said = render(template, STORY)
    assert (said.subject, said.body) == TEXTS[template]


def test_who_has_it_is_said_once_in_the_word_that_says_so() -> None:
    """And what else is being done is said all the same."""
    given = STORY.model_copy(update={"assigned": "Bert Backup", "said": "Bert Backup has it in hand now"})
    alone = render("outage-update", given.model_copy(update={"doing": ()})).body
    assert (alone.count("Bert Backup"), "What is being done" in alone) == (1, False)
    assert DOING in render("outage-update", given).body
    assert "- nobody has it in hand yet\n" in render("outage-update", STORY.model_copy(update={"doing": ()})).body


def test_who_is_promised_nothing_is_told_so_and_what_is_late_is_said() -> None:
    said = render("outage-cadence", STORY.model_copy(update={"next": "", "missed": True, "doing": ()}))
    assert "You hear again when something changes." in said.body
    assert "It should be back within 4 h, until 18:05, which is over." in said.body
    assert "- nobody has it in hand yet\n" in said.body


def test_an_exercise_says_so_in_the_subject_the_body_and_the_short_text() -> None:
    said = render("outage-declared", STORY)
    notice = Notice(
        id="n",
        to="management",
        template="outage-declared",
        subject=said.subject,
        body=said.body,
        form=said.form,
        severity="critical",
        state="owed",
        created=NOON,
        exercise=True,
    )
    shown = wording(notice, code="AB12-CD")
    assert shown.subject == "EXERCISE: hmis is out since 14:05: a major outage"
    assert shown.text.startswith("This is an EXERCISE.")
    assert shown.short.startswith("EXERCISE: hmis is out since 14:05")
    assert len(shown.short) <= 300
    assert shown.short.endswith("dr ack AB12-CD")
    over = wording(notice.model_copy(update={"template": "outage-resolved"}))
    assert over.text.startswith("This was an EXERCISE. Nothing had failed.\n\n"), "nobody goes on as if it had"
