"""`dr notices` as a person types it: the mail server is dead, then it lives; a real home, a real ledger, real SMTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dr.app import App, init_home
from dr.clock import FixedClock
from dr.model.ports import Telling
from tests.support.catalog_copies import NOW
from tests.support.catalog_mailbox import PASSWORD, USER, Mailbox, free_port, mailbox
from tests.support.catalog_runs import context, plan_of, run_at, step_of
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


def test_a_notice_that_is_not_there_is_said(told: Told) -> None:
    """A name that was mistyped, and one that needs no retry."""
    for words in (("show", "no-such"), ("retry", "no-such")):
        done = told.home.dr("notices", *words, expect=2)
        assert "there is no notice 'no-such'" in done.stderr and "HINT: `dr notices` shows them" in done.stderr
