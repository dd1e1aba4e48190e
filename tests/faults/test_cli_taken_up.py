"""A killed `dr run` is taken up by the next `dr` process, whatever that was asked to do: finished, said, on record; as typed."""

from pathlib import Path

import pytest

from tests.support.home_world import HomeWorld
from tests.support.main_job import KILLED, Home
from tests.support.web import Page, web

pytestmark = pytest.mark.fault
KILL = {"DR_FAILPOINT": "save-home.after-record"}


def runbook(name: str) -> str:
    steps = "".join(f"  - {{id: {step}, action: save-home, with: {{to: [online, vault]}}}}\n" for step in ("first", "second"))
    return f"runbook: {name}\ntitle: The home, twice\nkind: maintenance\nsteps:\n{steps}"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with two repositories and two small runbooks, of which the first was killed between its steps."""
    world = HomeWorld(tmp_path)
    world.catalog.close()
    for name in ("ask-one", "ask-two"):
        (world.home / "runbooks" / f"{name}.yaml").write_text(runbook(name))
    made = Home(world.home)
    made.dr("run", "ask-one", env=KILL, expect=KILLED)
    return made


def steps_of(home: Home, run: str) -> dict[str, tuple[str, int]]:
    """State and attempts of each step."""
    return {step["step"]: (step["state"], step["attempt"]) for step in home.json("runs", "show", run)["steps"]}


def test_the_next_run_takes_up_the_killed_one_finishes_it_and_says_so(home: Home) -> None:
    """Promise 1 from a shell: nobody has to know that a process died."""
    killed = home.last_run("ask-one")
    assert f"{killed} was interrupted; go on with: dr runs resume {killed}" in " ".join(home.dr("status", expect=None).stdout.split())
    done = home.dr("run", "ask-two")
    said = done.stdout + done.stderr
    assert f"taking up {killed}, which was interrupted" in said
    for run in (killed, home.last_run("ask-two")):
        record = home.json("runs", "show", run)
        assert (record["state"], record["verdict"]) == ("done", "PASS"), record
        assert steps_of(home, run) == {"first": ("done", 1), "second": ("done", 1)}, "what was done is not done again"
    assert home.json("runs", "list")[0]["run"] != killed
    assert home.dr("runs", "resume").stderr == "no run is interrupted\n"


def test_each_run_that_is_taken_up_tells_the_outside_how_it_ended(home: Home) -> None:
    """Two runs end in one process: somebody waits for a sign of each of them."""
    names = ("ask-one", "ask-two")
    with web({f"/{name}": Page("OK") for name in names}) as outside:
        for name in names:
            file = home.path / "keys" / f"{name}.url"
            file.write_text(f"http://127.0.0.1:{outside.port}/{name}")
            file.chmod(0o600)
        lines = [f"  {name}: !secret {{file: keys/{name}.url}}\n" for name in names]
        (home.path / "inventory" / "pings.yaml").write_text("pings:\n" + "".join(lines))
        home.dr("run", "ask-two")
    assert sorted(path for path, _ in outside.asked) == ["/ask-one", "/ask-two"]


def test_a_command_that_only_looks_leaves_the_killed_run_where_it_is(home: Home) -> None:
    """Twin: a process that runs nothing takes nothing up, so that `dr status` never does a night's work; `dr runs resume` does."""
    killed = home.last_run("ask-one")
    for words in (("status",), ("runs", "list"), ("backups", "list"), ("notices",)):
        home.dr(*words, expect=None)
    assert home.json("runs", "show", killed)["state"] == "running"
    assert home.dr("runs", "resume", killed).returncode == 0
    assert steps_of(home, killed) == {"first": ("done", 1), "second": ("done", 1)}
