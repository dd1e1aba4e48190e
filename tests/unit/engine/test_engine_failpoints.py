"""Failpoints are named, enumerated, and refused when they do not exist."""

from pathlib import Path

import pytest

from dr.engine.failpoints import Failpoints, all_failpoints
from dr.errors import ConfigError
from tests.support.engine_toys import ACTIONS

pytestmark = pytest.mark.unit


def test_every_action_has_the_three_round_it_and_its_own() -> None:
    """The kill test enumerates from here: a point that is missing here is never tested."""
    names = all_failpoints(ACTIONS)
    assert {"note.before-effect", "note.after-effect", "note.after-record", "note.looked"} <= set(names)
    assert {"engine.before-launch", "engine.after-begin", "engine.after-step", "engine.before-end", "engine.after-end"} <= set(names)
    assert len(names) == len(set(names)) == 5 + 3 * len(ACTIONS) + sum(len(action.failpoints) for action in ACTIONS)


def test_an_unknown_failpoint_is_an_error() -> None:
    """A misspelt failpoint would make a kill test pass without a kill."""
    with pytest.raises(ConfigError) as error:
        Failpoints("note.after-efect", all_failpoints(ACTIONS))
    assert str(error.value) == "DR_FAILPOINT: there is no failpoint 'note.after-efect'\n   HINT: `dr debug failpoints` lists them"


@pytest.mark.parametrize("count", ["0", "x", "-1"])
def test_a_count_that_never_comes_is_an_error(count: str) -> None:
    """`:0` would never kill."""
    with pytest.raises(ConfigError, match="is not a count"):
        Failpoints(f"note.looked:{count}", all_failpoints(ACTIONS))


def test_every_hit_is_logged(tmp_path: Path) -> None:
    """The log is how a test asserts that each point fired."""
    points = Failpoints.from_environment(ACTIONS, {"DR_FAILPOINT": "note.looked:5", "DR_FAILPOINT_LOG": str(tmp_path / "log")})
    points.fire("note.looked")
    points.fire("engine.after-step")
    assert (tmp_path / "log").read_text().split() == ["note.looked", "engine.after-step"]
