"""Promise 1: kill it anywhere in a nightly or a drill, and it resumes to what an undisturbed run would have left."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from dr.app import failpoint_names, stop_demo
from tests.support.main_job import KILLED, Home, make_home

pytestmark = [pytest.mark.fault, pytest.mark.slow_enough] if False else [pytest.mark.fault]

NIGHTLY = ("engine", "backup", "verify", "copy", "prune", "report")
DRILL = ("engine", "select-backup", "restore", "check", "scrub", "report")
NOT_IN_A_GOOD_RUN = ("notify", "command")
"""Verbs that neither runbook reaches when all is well; their points are shot in their own tests."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two nights and two drills old, with one set that may expire and one that lacks its vault copy: every point will be reached."""
    made = make_home(Path(tmp_path_factory.mktemp("killed")) / "home")
    systems = made.path / "inventory" / "systems.yaml"
    systems.write_text(systems.read_text().replace("keep_within: 24h", "keep_within: 1s").replace("keep_within: 30d", "keep_within: 1s"))
    made.dr("run", "nightly")
    made.dr("run", "drill-online")
    made.dr("run", "drill-vault")
    vault = made.path / "demo" / "bank-vault"
    away = vault.with_name("away")
    vault.rename(away)
    made.dr("run", "nightly", expect=None)
    away.rename(vault)
    made.dr("run", "drill-online")
    yield made
    stop_demo(made.path)


def _shoot(home: Home, runbook: str, points: Sequence[str], log: Path) -> list[str]:
    """One run, killed at each point in turn and taken up again; the points at which it died."""
    died = []
    words = ["run", runbook]
    for point in points:
        done = home.dr(*words, env={"DR_FAILPOINT": point, "DR_FAILPOINT_LOG": str(log)}, expect=None)
        if done.returncode != KILLED:
            assert done.returncode == 0, f"{point}\n{done.stdout}\n{done.stderr}"
            continue
        died.append(point)
        words = ["runs", "resume"]
    home.dr(*words, env={"DR_FAILPOINT_LOG": str(log)}, expect=None)
    return died


def _points(verbs: Sequence[str]) -> list[str]:
    return [name for verb in verbs for name in failpoint_names() if name.split(".")[0] == verb]


def test_every_failpoint_is_of_a_verb_that_a_test_shoots() -> None:
    """A new verb brings its points; nobody may forget to shoot them."""
    verbs = {name.split(".")[0] for name in failpoint_names()}
    assert verbs == {*NIGHTLY, *DRILL, *NOT_IN_A_GOOD_RUN}
