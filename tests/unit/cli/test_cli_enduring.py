"""While a line of the inventory is wrong: which commands go on and say so, and which are refused as ever."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dr.app import App
from dr.app.office_lost import Loss
from dr.app.office_lost import plan_of as plan_of_loss
from dr.app.opening import ConfigProblems
from dr.cli import cli
from dr.config.init import init_home
from dr.model.base import RunId
from tests.support.catalog_runs import plan_of, run_at

pytestmark = pytest.mark.unit
ON = (
    "outage list",
    "duties",
    "notices",
    "notices list",
    "notices carry",
    "notices retry",
    "runs resume",
    "office works eau-claire --exercise",
)
FAILOVER = RunId("office-failover-20261122T120000Z-7f3a")
REFUSED = (
    "status --json",
    "status --findings",
    "check",
    "run nightly",
    "drill hmis --tier online",
    "recover hmis --reason fire --rehearse",
    "verify hmis",
    "retention hmis",
    "schedule run nightly",
    "repositories check",
    "contacts check",
    "catalog rebuild",
)
"""Whatever reads, makes, judges, moves or deletes copies, or tries the contacts that are being written."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Opened once while it was right; then a contact's channels were mistyped."""
    place: Path = tmp_path_factory.mktemp("wrong") / "home"
    init_home(place, "Harbor", "UTC")
    app = App.open(str(place))
    with app.records as records:
        records.begin_run(run_at(), plan_of())
        failover = plan_of_loss(app, Loss("madison"))
        records.begin_run(run_at().model_copy(update={"run": FAILOVER, "runbook": failover.runbook, "kind": "failover"}), failover)
    contacts = place / "inventory" / "contacts.yaml"
    contacts.write_text(contacts.read_text().replace("channels:", "chanels:", 1))
    return str(place)


def dr(home: str, words: str) -> Result:
    return CliRunner().invoke(cli, ["--home", home, *words.split()])


@pytest.mark.parametrize("words", ON)
def test_who_must_reach_people_goes_on_and_says_so_first(home: str, words: str) -> None:
    done = dr(home, words)
    assert not isinstance(done.exception, ConfigProblems)
    assert done.stderr.startswith("▲ 2 problems in inventory/. To reach people, this goes by what was right last, of ")
    assert "\n   inventory/contacts.yaml:10:3: 'channels' is missing\n" in done.stderr


def test_the_one_screen_goes_dark_for_no_mistyped_contact_and_is_not_well(home: str) -> None:
    done = dr(home, "status")
    assert done.stderr.startswith("▲ 2 problems in inventory/. ")
    assert "Until it is mended nothing is backed up, drilled or recovered." in " ".join(done.stderr.split())
    assert ("hmis" in done.stdout, done.exit_code) == (True, 2)


@pytest.mark.parametrize("words", REFUSED)
def test_everything_else_is_refused_with_every_problem(home: str, words: str) -> None:
    """Also where what was right last lies ready."""
    done = dr(home, words)
    assert isinstance(done.exception, ConfigProblems), (done.output, done.exception)
    assert [one.message for one in done.exception.problems] == ["'channels' is missing", "'chanels' is not known here"]
    assert done.stderr == ""


def test_a_failover_is_confirmed_or_ended_meanwhile_and_no_other_run_is(home: str) -> None:
    """Where the main office is silent duties wait for a second person's yes; any other question waits until the line is mended."""
    for words in ("runs approve {}", "runs cancel {}", "runs watch {} --once"):
        done = dr(home, words.format(FAILOVER))
        assert done.stderr.startswith("▲ 2 problems") and not isinstance(done.exception, ConfigProblems)
        assert isinstance(dr(home, words.format(run_at().run)).exception, ConfigProblems)


def test_a_timer_that_has_nothing_to_send_says_nothing_each_minute(home: str) -> None:
    """Cron mails whatever it says; what it does send it says."""
    done = dr(home, "notices carry --quiet")
    assert (done.exit_code, done.output) == (0, "")
