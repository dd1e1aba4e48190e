"""While a line of the inventory is wrong: which commands go on and say so, and which are refused as ever."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dr.app import App
from dr.app.opening import ConfigProblems
from dr.cli import cli
from dr.config.init import init_home

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
REFUSED = (
    "status",
    "check",
    "run nightly",
    "run nightly --rehearse",
    "drill hmis --tier online",
    "recover hmis --reason fire --rehearse",
    "reprotect hmis",
    "verify hmis",
    "retention hmis",
    "schedule run nightly",
    "hosts check",
    "repositories check",
    "contacts check",
    "runs list",
    "keys check",
    "catalog rebuild",
    "suppress list",
    "doctor",
)
"""Whatever reads, makes, judges, moves or deletes copies, or tries the contacts that are being written."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Opened once while it was right; then a contact's channels were mistyped."""
    place: Path = tmp_path_factory.mktemp("wrong") / "home"
    init_home(place, "Harbor", "UTC")
    App.open(str(place)).records.close()
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
    assert "\n   inventory/contacts.yaml:9:3: 'channels' is missing\n" in done.stderr


@pytest.mark.parametrize("words", REFUSED)
def test_everything_else_is_refused_with_every_problem(home: str, words: str) -> None:
    """Also where what was right last lies ready."""
    done = dr(home, words)
    assert isinstance(done.exception, ConfigProblems), (done.output, done.exception)
    assert [one.message for one in done.exception.problems] == ["'channels' is missing", "'chanels' is not known here"]
    assert done.stderr == ""


def test_a_timer_that_has_nothing_to_send_says_nothing_each_minute(home: str) -> None:
    """Cron mails whatever it says; what it does send it says."""
    done = dr(home, "notices carry --quiet")
    assert (done.exit_code, done.output) == (0, "")
