"""The runbooks that `dr` knows by heart do what the examples of the same name do: whoever edits one sees that the other follows."""

from pathlib import Path

import pytest

from dr import plugins
from dr.app import keeping, office_lost
from dr.config.init import init_home
from dr.config.load import load
from dr.model.runbook import Runbook


@pytest.mark.parametrize(("name", "known"), [("outage", keeping._BUILT_IN), ("office-failover", office_lost._BUILT_IN)])
def test_a_runbook_known_by_heart_has_the_steps_of_the_example(name: str, known: dict[str, object], tmp_path: Path) -> None:
    init_home(tmp_path / "home", "Example", "America/Chicago")
    shipped, ours = load(tmp_path / "home", plugins.kinds()).runbooks[name], Runbook.from_facts(known)
    assert (ours.runbook, ours.kind, ours.title) == (shipped.runbook, shipped.kind, shipped.title)
    assert {key: one.default for key, one in ours.parameters.items()} == {key: one.default for key, one in shipped.parameters.items()}
    assert [(one.id, one.action, one.needs, one.when, one.retry) for one in ours.steps] == [
        (one.id, one.action, one.needs, one.when, one.retry) for one in shipped.steps
    ]
    assert [one.action for one in ours.always] == [one.action for one in shipped.always]
