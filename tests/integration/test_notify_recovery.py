"""What people are told of a recovery: how much is lost for good, how long it took, and what is to be done next."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.actions.approve import first_sentence
from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from dr.errors import Failed
from dr.model.base import JsonObject, SystemName
from dr.model.notice_record import Notice
from dr.model.ports import Telling
from dr.model.runbook import Plan
from dr.notify.render import Message, render
from dr.notify.story import tell_story
from tests.support.catalog_copies import NOW, RUN
from tests.support.catalog_runs import ZONE, context, inventory_of, plan_of, run_at, step_of
from tests.support.notices import notifier_of

pytestmark = pytest.mark.integration
FAILURE_AT = NOW - timedelta(hours=1)


def message(place: Path, template: str, *actions: str, alone: str = "", hours: float = 9, own: bool = False, site: str = "") -> Message:
    """Of a recovery that was declared an hour ago, from a set of `hours` before that."""
    declaration: JsonObject = {"declared": FAILURE_AT.isoformat(), "reason": "it burnt", "by": "ann", "alone": alone}
    plan = Plan.from_facts({**plan_of("recover", "recovery").to_facts(), "declaration": declaration})
    with open_catalog(place / "catalog.db", FixedClock(NOW)) as catalog:
        catalog.begin_run(run_at(FAILURE_AT, runbook="recover", kind="recovery"), plan)
        instant = (FAILURE_AT - timedelta(hours=hours)).isoformat()
        catalog.record_step(step_of("select", action="select-backup", facts={"instant": instant, "set": "a-set"}))
        if own:
            catalog.record_step(step_of("backup", action="backup", facts={"set": "a-set"}))
        if site:
            catalog.record_step(step_of("swap-in", facts={"host": "standby", "swapped": [{"source": "site", "place": site}]}))
        for action in actions:
            catalog.record_step(step_of(action))
        return render(template, tell_story(inventory_of({}), catalog, RUN, NOW, ZONE, ""))


def test_the_loss_is_in_the_subject_and_its_hours_in_words(tmp_path: Path) -> None:
    """Whoever worked in these hours must hear it, and not from a page that nobody opens."""
    told = message(tmp_path, "recovery-begun", alone="it is night")
    assert told.subject == "hmis: RECOVERY begun, 9 h of work will be lost"
    assert "by ann.\n\nReason: it burnt\n" in told.body
    assert "LOST for good: what was entered in the 9 h before " in told.body
    assert "Nobody else is asked to approve: it is night" in told.body


def test_what_is_to_be_done_next_comes_with_the_good_news(tmp_path: Path) -> None:
    told = message(tmp_path, "recovered", "open")
    assert told.subject == "hmis: back; 9 h of work is lost"
    assert ", 1 h after the failure was recognised" in told.body
    assert "1. Let the nightlies read the new production: dr reprotect hmis\n" in told.body


def test_where_the_files_stand_now_is_told_to_who_must_look_there(tmp_path: Path) -> None:
    """Only where a step put them there; else they are where they were restored, and nobody is sent anywhere."""
    (tmp_path / "none").mkdir()
    assert "Its files" not in message(tmp_path / "none", "recovered", "open").body
    body = message(tmp_path, "recovered", "open", site="/srv/hmis/site").body
    assert "\n\nIts files are in their places:\n- site: /srv/hmis/site on standby\n\nWhat to do next:\n1. " in body


def test_where_nothing_is_lost_nobody_is_frightened(tmp_path: Path) -> None:
    """A planned way back: the run itself backed up, once people had stopped."""
    told = message(tmp_path, "recovered", "open", hours=-0.5, own=True)
    assert told.subject == "hmis: back"
    assert "LOST" not in told.body


@pytest.mark.parametrize("template", ["recovery-begun", "recovered"])
def test_of_a_set_of_after_the_failure_people_hear_since_when_their_work_is_lost(tmp_path: Path, template: str) -> None:
    """It was taken while the failure was known, and people worked on until production died: it is no set that lost nothing."""
    told = message(tmp_path, template, "open", hours=-0.5)
    assert "what was entered since " in told.subject
    assert "LOST for good: what was entered since " in told.body and "it may hold the damage" in told.body


def test_a_recovery_that_broke_after_it_was_opened_is_not_told_as_lost(tmp_path: Path) -> None:
    """People work there: what to do is another thing than where nobody can."""
    (tmp_path / "open").mkdir()
    assert message(tmp_path / "open", "recovery-failed", "open").subject == "hmis: RECOVERY open, but not as it should be"
    told = message(tmp_path, "recovery-failed")
    assert told.subject == "hmis: RECOVERY FAILED"
    assert "then type the same `dr recover` again, with --declared" in told.body


def asked(place: Path, kind: str, runbook: str, system: SystemName | None, question: str) -> Notice:
    """What the ledger owes somebody who must agree to a run."""
    until = NOW + timedelta(hours=2, minutes=37)
    telling = Telling("nobody", "approval-wanted", "warning", "Then type it", question=first_sentence(question), until=until)
    with open_catalog(place / "catalog.db", FixedClock(NOW)) as catalog:
        run = run_at(NOW, kind=kind, runbook=runbook, system=system).model_copy(update={"requested_by": "ann as dr"})
        catalog.begin_run(run, plan_of("recover", "recovery"))
        with pytest.raises(Failed):
            notifier_of(inventory_of({}), catalog, FixedClock(NOW), lambda _: "").tell(telling, context(catalog))
        [owed] = catalog.notices()
        return owed


def test_who_must_confirm_that_an_office_is_lost_reads_which_one_and_until_when(tmp_path: Path) -> None:
    """On a telephone, by night: the subject is the question, and the first line says who asks it and what waits for the answer."""
    question = "Is the office of madison really lost? Try to reach it by another way.\nIts duties go to others."
    told = asked(tmp_path, "failover", "office-failover", None, question)
    assert told.subject == "Is the office of madison really lost? Answer by 08:37"
    first = "ann asks you: Is the office of madison really lost? No duty moves before somebody says yes.\n\n"
    assert told.body.startswith(first) and f"\n\nThen type it\n\nSee it all: dr runs show {RUN}\n" in told.body


def test_who_must_approve_a_recovery_reads_until_when_and_that_nothing_opens_before(tmp_path: Path) -> None:
    question = "Is production really lost, and is nobody on it? It is lost for good."
    told = asked(tmp_path, "recovery", "recover", SystemName("hmis"), question)
    assert told.subject == "hmis: recovery waits for your approval, until 08:37"
    first = "ann asks you: Is production really lost, and is nobody on it? hmis is opened to nobody before somebody says yes.\n\n"
    assert told.body.startswith(first)


@pytest.mark.parametrize(
    ("instructions", "sentence"),
    [
        ("Look at the standby:\n  1. sign in", "Look at the standby."),
        ("Look at dr.example.org\nand agree", "Look at dr.example.org and agree."),
        ("No end\n\nof it", "No end."),
        ("word " * 60, f"{('word ' * 60)[:117].rstrip()}..."),
    ],
)
def test_of_instructions_the_first_sentence_leads(instructions: str, sentence: str) -> None:
    assert first_sentence(instructions) == sentence
