"""`dr notices` as a person types it: the mail server is dead, then it lives; a real home, a real ledger, real SMTP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import click
import pytest

from dr.actions import notify
from dr.app import App, init_home
from dr.app.retry_notices import retry
from dr.clock import FixedClock
from dr.model.base import AudienceName, RunId
from dr.model.ports import Notifier, StepContext, Telling
from tests.integration.test_report_status import on_a_terminal
from tests.support.catalog_copies import NOW
from tests.support.catalog_mailbox import PASSWORD, USER, Mailbox, free_port, mailbox
from tests.support.catalog_runs import ToldStep, context, plan_of, run_at, step_of
from tests.support.main_job import Home
from tests.support.notices import notifier_of

pytestmark = pytest.mark.integration
TELLING = Telling(to="administrators", template="nightly-failed", severity="critical")
ADMINISTRATOR, HELP_DESK = "system-administrator", "help-desk-lead"


@dataclass
class Told:
    """A home whose administrator has mail that works and whose help desk's mail server is dead, after one failed nightly."""

    home: Home
    living: Mailbox
    dead: Mailbox
    notice: str

    def dr(self, *words: str, expect: int = 0) -> str:
        return self.home.dr(*words, expect=expect).stdout


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    init_home(str(tmp_path / "home"), "Harbor", "America/Chicago")
    with mailbox() as living:
        dead = Mailbox(free_port())
        for name, box in ((ADMINISTRATOR, living), (HELP_DESK, dead)):
            channel = tmp_path / "home" / "keys" / f"notify-{name}.url"
            channel.write_text(box.url(name) + "\n")
            channel.chmod(0o600)
        app = App.open(str(tmp_path / "home"))
        with app.records as records:
            records.begin_run(run_at(), plan_of())
            records.record_step(step_of(state="failed"))
            notifier = notifier_of(app.inventory, records, FixedClock(NOW), app.services.secret)
            notice = notifier.tell(TELLING, context(records))
        yield Told(Home(tmp_path / "home"), living, dead, notice.id)


def test_a_notice_is_shown_with_every_attempt_and_no_secret(told: Told) -> None:
    """To whom, by which channel, when, with what outcome, what it said, what next; promise 7: nothing of an address."""
    shown = told.dr("notices", "show", told.notice)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0] == "▲ hmis: nightly FAILED: it reached only some of them: the mail server could not be reached"
    assert f"{ADMINISTRATOR} 1 (mailto) 1 Sun 22 Nov 2026, 06:00 CST delivered" in lines
    assert f"{HELP_DESK} 1 (mailto) 1 Sun 22 Nov 2026, 06:00 CST failed the mail server could not be reached" in lines
    assert f"next: mend the cause, then: dr notices retry {told.notice}" in lines
    assert "| The backup of hmis failed. Mend the cause today, then run `dr run nightly`." in lines
    told_all = shown + told.dr("notices", "show", told.notice, "--json") + told.dr("notices", "list")
    assert not [secret for secret in (PASSWORD, USER, "example.org", "127.0.0.1") if secret in told_all]


def test_a_notice_goes_out_again_once_the_mail_server_lives(told: Told) -> None:
    """Dead: exit code 1, still red; alive: delivered, marked as a repeat, and who was reached hears nothing twice."""
    still = told.dr("notices", "retry", told.notice, expect=1)
    assert "✖" in still and "the mail server could not be reached" in still
    with mailbox(told.dead.port) as alive:
        again = told.dr("notices", "retry")
        assert again == f"● {told.notice} to administrators was delivered\n"
        assert alive.subjects(HELP_DESK) == ["hmis: nightly FAILED (repeat)"]
        assert told.dr("notices", "retry") == "every notice was delivered\n"
    assert told.living.subjects(ADMINISTRATOR) == ["hmis: nightly FAILED"]
    shown = told.dr("notices", "show", told.notice)
    assert shown.startswith("● hmis: nightly FAILED: it was delivered") and "\nnext:" not in shown
    assert [len(line.split()) > 3 for line in shown.splitlines() if line.startswith(f"  {HELP_DESK}")] == [True, True, True]
    assert told.home.json("notices") == told.home.json("notices", "list")


def test_at_a_terminal_the_list_fits_and_in_a_pipe_it_is_a_line_each(told: Told) -> None:
    """A person reads it, `grep` takes it apart; both have the name that `dr notices show` wants."""
    columns, row = (re.split(r"  +", line) for line in told.dr("notices").splitlines())
    assert columns == ["notice", "to", "state", "owed since", "reached", "attempts", "why not", "next look", "subject"]
    assert (row[0], row[2], row[-1]) == (told.notice, "partial", "hmis: nightly FAILED")
    shown = on_a_terminal("notices", at=told.home.path, DR_HOME=str(told.home.path)).splitlines()
    assert click.unstyle(shown[0]) == "▲ hmis: nightly FAILED"
    assert [line.strip() for line in shown if told.notice in line] == [told.notice]
    assert max(len(click.unstyle(line)) for line in shown) <= 100


def test_runs_of_a_home_are_told_in_one_where_its_timer_comes_by(told: Told) -> None:
    """Its second run waits, which is no failed step; nothing is sent again, nothing is lost, and the list says so."""
    told.dr("notices", "carry", "--quiet")
    states = []
    app = App.open(str(told.home.path))
    with app.records:
        for number in range(2):
            run = RunId(f"nightly-{number}")
            app.records.begin_run(run_at(app.clock.now(), run=run), plan_of())
            ctx = cast("StepContext", NotifyStep(app.records, run, notifier=app.services.notifier))
            params = notify.Params(to=AudienceName(ADMINISTRATOR), template="nightly-failed", severity="critical")
            states.append(notify.run(params, ctx).facts["state"])
    assert states == ["delivered", "waits"]
    with mailbox(told.dead.port):
        assert [notice.id for notice in retry(App.open(str(told.home.path)), None)] == [told.notice]
    assert told.dr("notices", "retry") == "nothing failed; 1 of them wait, to be told later\n"
    assert len(told.living.to(ADMINISTRATOR)) == 2, "before, and the first of these"


@dataclass
class NotifyStep(ToldStep):
    """And what the action asks of its context."""

    notifier: Notifier = field(kw_only=True)

    def failpoint(self, _name: str) -> None:
        """Nobody kills these."""


def test_a_notice_that_is_not_there_is_said(told: Told) -> None:
    """A name that was mistyped, and one that needs no retry."""
    for words in (("show", "no-such"), ("retry", "no-such")):
        done = told.home.dr("notices", *words, expect=2)
        assert "there is no notice 'no-such'" in done.stderr and "HINT: `dr notices` shows them" in done.stderr
