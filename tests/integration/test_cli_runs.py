"""Runs that a person interrupts, cancels from another terminal, or aims at the wrong place; progress goes to stderr only."""

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.main_job import Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("runs")) / "home") as made:
        made.dr("run", "nightly")
        yield made


def until(process: "subprocess.Popen[str]", words: str) -> str:
    """The run's id, once a line of its progress begins with these words."""
    assert process.stderr is not None
    run = ""
    for line in process.stderr:
        named = re.search(r"\((\S+-\d{8}T\d{6}Z-[0-9a-f]{4})\)", line)
        run = named[1] if named else run
        if line.strip().startswith(words):
            return run
    raise AssertionError(f"it ended before '{words}'")


def states(home: Home, run: str) -> dict[str, str]:
    return {step["step"]: step["state"] for step in home.json("runs", "show", run)["steps"]}


def test_a_drill_that_is_cancelled_from_another_terminal_still_scrubs(home: Home) -> None:
    """A soft cancel: what it does is ended, what tidies up runs, and the verdict says that nothing was shown."""
    process = home.start("drill", "hmis", "--tier", "online")
    run = until(process, "… restore")
    told = home.dr("runs", "cancel", run)
    assert told.stderr == f"asked {run} to end; it ends within seconds\n"
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 7
    assert f"▲ INCOMPLETE  drill-online is incomplete  ({run})" in stdout
    assert states(home, run) | {"restore": ""} == {
        "select": "done",
        "restore": "",
        "prove": "skipped",
        "always-1-scrub": "done",
        "always-2-report": "done",
    }
    assert home.drills() == []
    assert home.dr("runs", "cancel", run).stderr == f"{run} has ended already: cancelled\n"


def lines_until(process: "subprocess.Popen[str]", words: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if words in line)


def test_a_drill_is_watched_left_paused_noted_and_watched_again_from_other_terminals(home: Home) -> None:
    """The run is another process, and none of those who look on or speak to it is missed when they go."""
    drill = home.start("drill", "hmis", "--tier", "online")
    run = until(drill, "… restore")
    assert home.dr("runs", "pause", run).stderr == f"asked {run} to pause; what it is doing is finished, nothing new begins\n"
    watching = home.start("runs", "watch")
    assert lines_until(watching, run).strip() == run, "the run that is under way is picked"
    assert "paused by" in lines_until(watching, "go on with: dr runs unpause")
    watching.send_signal(signal.SIGINT)
    _, stderr = watching.communicate(timeout=60)
    assert (watching.returncode, stderr) == (130, f"left; {run} goes on. Watch it again: dr runs watch {run}\n")

    seen = home.json("runs", "watch", "--once")
    while any(stage["state"] == "running" for stage in seen["stages"]):
        seen = home.json("runs", "watch", "--once")
    assert drill.poll() is None
    assert [stage["state"] for stage in seen["stages"]][:2] == ["done", "done"]
    assert [stage["state"] for stage in seen["stages"]][-2:] == ["to come", "to come"], "what it was doing is finished, and no more"
    assert (seen["run"], seen["objective"], seen["carried"], bool(seen["deadline"])) == (run, 14400.0, True, True)

    home.dr("runs", "comment", run, "the switch was rebooted")
    again = home.start("runs", "watch", run)
    assert "the switch was rebooted" in lines_until(again, "»")
    home.dr("runs", "unpause", run)
    out, _ = again.communicate(timeout=90)
    assert again.returncode == 0
    assert f"✔ PASS  drill-online finished  ({run})" in out
    drill.communicate(timeout=60)
    assert drill.returncode == 0
    assert "the switch was rebooted" in (home.path / "evidence" / f"{run}.html").read_text()
    assert list((home.path / "state" / "progress").iterdir()) == []
    assert home.dr("runs", "watch", expect=2).stderr == f"no run is under way\n   HINT: the last one was {run}\n"
    assert f"✔ PASS  drill-online finished  ({run})" in home.dr("runs", "watch", run).stdout


def test_a_set_is_drawn_with_a_seed_that_is_on_record_and_a_rehearsal_says_that_it_draws_anew(home: Home) -> None:
    """Whoever reads the evidence says the same set; `--rehearse` writes nothing; what names no set is refused before anything runs."""
    before = len(home.json("runs", "list"))
    said = home.dr("drill", "hmis", "--tier", "online", "--select", "random-within 7d", "--rehearse").stdout
    assert re.search(r"would choose \S+ in fileserver \(\w+\): one at random of 1 within 7d; a run draws anew\n", said)
    home.dr("drill", "hmis", "--tier", "online", "--select", "latest", expect=2)
    assert len(home.json("runs", "list")) == before
    home.dr("drill", "hmis", "--tier", "online", "--select", "random-within 7d")
    run = home.last_run("drill-online")
    picked = home.facts("drill-online", "select")
    assert (picked["seed"], "one at random of 1 within 7d, drawn with seed " + run in picked["how"]) == (run, True)


def test_ctrl_c_leaves_a_run_that_resume_finishes(home: Home) -> None:
    """Exit 130, the words to go on with, and `dr status` shows it until then."""
    process = home.start("run", "drill-online")
    run = until(process, "… restore")
    while not list((home.path / "demo" / "standby" / "drills").glob("*/pgdata")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.endswith(
        f"interrupted; nothing is lost: `dr runs resume {run}` goes on where it was\n"
        f"host 'standby' still holds client data that run {run} restored: resumed, it scrubs that at its end; "
        f"`dr runs cancel {run}`, then `dr runs resume {run}`, scrubs it at once\n"
    )
    assert f"{run} was interrupted; go on with: dr runs resume" in home.dr("status", expect=None).stdout
    assert [r["state"] for r in home.json("runs", "list") if r["run"] == run] == ["running"]

    done = home.dr("runs", "resume", run)
    assert f"✔ PASS  drill-online finished  ({run})" in done.stdout
    assert home.drills() == []
    assert home.dr("runs", "resume", run, expect=3).stderr.startswith(f"error: {run} is not interrupted")


def test_progress_goes_to_stderr_and_the_answer_to_stdout(home: Home) -> None:
    done = home.dr("run", "nightly")
    assert "… backup" in done.stderr
    assert "…" not in done.stdout
    assert done.stdout.startswith("✔ PASS  nightly finished")
    assert home.json("drill", "hmis", "--tier", "vault")["verdict"] == "PASS"


# ---------------------------------------------------------------- wrong targets


def tree(root: Path) -> list[tuple[str, int, int, int]]:
    return sorted((str(p.relative_to(root)), p.lstat().st_mode, p.lstat().st_size, p.lstat().st_mtime_ns) for p in root.rglob("*"))


def production_names(home: Home) -> list[str]:
    """Production works meanwhile, so only names that a server does not make by itself."""
    root = home.path / "demo" / "production"
    return sorted(p.name for folder in (root, root / "pgdata") for p in folder.iterdir())


def port(home: Home, host: str) -> str:
    found = re.search(rf"{host}:.*?port: (\d+)", (home.path / "inventory" / "hosts.yaml").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def unwritten(home: Home) -> None:
    """Production's data directory is in the record only, so that the text of the inventory cannot tell."""
    home.rewrite("inventory/hosts.yaml", "        data_directory: demo/production/pgdata\n", "")


def at_production(home: Home) -> None:
    unwritten(home)
    home.rewrite("inventory/hosts.yaml", "path: demo/standby", "path: demo/production/pgdata")


def at_its_parent(home: Home) -> None:
    unwritten(home)
    home.rewrite("inventory/hosts.yaml", "path: demo/standby", "path: demo/production")


def at_its_port(home: Home) -> None:
    home.rewrite("inventory/hosts.yaml", f"port: {port(home, 'standby')}", f"port: {port(home, 'production')}")


def without_a_marker(home: Home) -> None:
    (home.path / "demo" / "standby" / "dr-standby.json").unlink()


def with_a_stranger(home: Home) -> None:
    (home.path / "demo" / "standby" / "ledger.xlsx").write_text("somebody's")


WRONG: dict[str, tuple[Callable[[Home], None], str]] = {
    "production's data directory": (at_production, "production"),
    "the folder that holds it": (at_its_parent, "production"),
    "no marker": (without_a_marker, "marker"),
    "a stranger's file": (with_a_stranger, "ledger.xlsx"),
}


@pytest.fixture
def mended(home: Home) -> Iterator[Home]:
    """Whatever a test breaks is put back."""
    hosts, marker = home.path / "inventory" / "hosts.yaml", home.path / "demo" / "standby" / "dr-standby.json"
    before = hosts.read_text(), marker.read_bytes(), marker.stat().st_mode
    yield home
    hosts.write_text(before[0])
    marker.write_bytes(before[1])
    marker.chmod(before[2] & 0o777)
    (home.path / "demo" / "standby" / "ledger.xlsx").unlink(missing_ok=True)


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_target_is_refused_and_nothing_is_written(mended: Home, case: str) -> None:
    """Promise 5, through the whole tool: exit 3, and every file as it was."""
    spoil, word = WRONG[case]
    spoil(mended)
    standby = mended.path / "demo" / "standby"
    before = tree(standby), production_names(mended)
    done = mended.dr("run", "drill-online", expect=3)
    assert (tree(standby), production_names(mended)) == before
    assert "may not be written to" in done.stdout
    assert word in done.stdout
    run = mended.last_run("drill-online")
    assert states(mended, run)["prove"] == "skipped"
    refused = [entry.facts for entry in mended.audit() if entry.event == "step.refused" and entry.facts["run"] == run]
    assert (refused[0]["step"], refused[0]["error"]) == ("restore", "NotProvablyStandby")
    assert word in str(refused[0]["why"])


@pytest.mark.parametrize("spoil", [at_its_port, lambda home: home.rewrite("inventory/hosts.yaml", "path: demo/standby", "path: demo/site")])
def test_a_wrong_target_that_the_text_shows_is_refused_before_anything_runs(mended: Home, spoil: Callable[[Home], None]) -> None:
    """Exit 2: no run is begun, and every file is as it was."""
    spoil(mended)
    standby = mended.path / "demo" / "standby"
    before = tree(standby), production_names(mended), mended.last_run("drill-online")
    done = mended.dr("run", "drill-online", expect=2)
    assert (tree(standby), production_names(mended), mended.last_run("drill-online")) == before
    assert "inventory/hosts.yaml:" in done.stderr and "nothing was run." in done.stderr


def test_after_all_of_it_the_right_target_is_still_right(home: Home) -> None:
    """The control: the same drill, at the enrolled standby."""
    assert home.dr("run", "drill-online").stdout.startswith("✔ PASS")
