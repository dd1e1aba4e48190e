"""What goes on while the files are wrong: telling and asking people, and nothing that a runbook does beside."""

from pathlib import Path

import pytest

from dr import plugins
from dr.app import keeping
from dr.app.home import App
from dr.app.opening import ConfigProblems, only_people
from dr.config.init import init_home
from dr.config.load import load
from dr.model.runbook import Runbook

pytestmark = pytest.mark.unit
MORE = """  - id: wiki
    action: command
    with: {host: standby, argv: [/usr/local/bin/wiki, "${parameters.outage}"]}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    init_home(tmp_path / "home", "Harbor", "UTC")
    return tmp_path / "home"


def spoil(home: Path) -> None:
    """A contact's only channel is mistyped."""
    file = home / "inventory" / "contacts.yaml"
    file.write_text(file.read_text().replace("channels:", "chanels:", 1))


def test_of_the_examples_only_what_is_said_to_people_goes_on(home: Path) -> None:
    runbooks = load(home, plugins.kinds()).runbooks
    assert {name for name, one in runbooks.items() if only_people(one)} == {"outage", "office-failover"}


def test_a_backup_that_only_tells_somebody_is_none_that_goes_on() -> None:
    """Its engine would take up what else was interrupted there."""
    tell = {"runbook": "tell", "title": "t", "kind": "backup", "steps": [{"id": "tell", "action": "notify"}]}
    assert [only_people(Runbook.from_facts({**tell, "kind": kind})) for kind in ("backup", "failover")] == [False, True]


def test_an_outages_runbook_that_does_more_is_done_by_heart_meanwhile(home: Path) -> None:
    """People are kept told all the same; while the files are right it is done as it is written."""
    with (home / "runbooks" / "outage.yaml").open("a") as file:
        file.write(MORE)
    assert [step.action for step in keeping._runbook(App.open(str(home))).steps] == ["keep-told", "command"]
    spoil(home)
    app = App.open(str(home), enduring=True)
    assert app.lapse is not None and [step.action for step in keeping._runbook(app).steps] == ["keep-told"]
    assert "nightly" in app.runbooks


def test_only_who_asks_for_it_goes_on_and_only_while_something_is_wrong(home: Path) -> None:
    assert App.open(str(home), enduring=True).lapse is None
    spoil(home)
    with pytest.raises(ConfigProblems) as working:
        App.open(str(home))
    with pytest.raises(ConfigProblems) as looking:
        App.open(str(home), looking=True)
    app = App.open(str(home), enduring=True)
    assert app.lapse is not None and str(app.lapse.problems) == str(working.value) == str(looking.value)
    facts = app.lapse.to_facts()
    assert (facts["first"], facts["problems"]) == ("inventory/contacts.yaml:10:3", 2)
