"""Two at the same moment, an end from outside, a port that is taken, an open umask, a key that is wrong: nothing lost, all of it named."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyrage import x25519

from tests.support.main_job import Home, demo_home

pytestmark = [pytest.mark.fault, pytest.mark.slow]
NONE_LEFT = "no run is interrupted\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    before = os.umask(0)
    try:
        with demo_home(Path(tmp_path_factory.mktemp("two")) / "home") as made:
            made.dr("run", "nightly")
            yield made
    finally:
        os.umask(before)


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, out + err


def until(found: object, process: "subprocess.Popen[str]") -> None:
    """Wait until something is there, while the process lives."""
    limit = time.monotonic() + 30
    while not found():  # type: ignore[operator]
        assert process.poll() is None and time.monotonic() < limit
        time.sleep(0.02)


def test_under_an_open_umask_everything_that_dr_makes_is_private(home: Home) -> None:
    """The whole fixture runs under umask 000: state, keys, evidence, repositories and standby are for their owner's eyes alone."""
    made = [home.path / name for name in ("state", "evidence")]
    made += [home.repository("fileserver"), home.repository("bank-vault")]
    home.dr("drill", "hmis", "--tier", "online")
    files = [path for folder in made for path in folder.rglob("*")]
    open_ = [path for path in files if path.name != "catalog.db.upgrade-lock" and stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert len(files) > 30
    assert open_ == []


def test_two_nightlies_at_the_same_moment_are_two_whole_sets(home: Home) -> None:
    """Neither waits for ever, neither takes the other's parts away."""
    before = home.sets("fileserver")
    for code, said in [ended(process) for process in (home.start("run", "nightly"), home.start("run", "nightly"))]:
        assert code == 0, said
    new = [sorted(set(home.sets(name)) - set(before)) for name in ("fileserver", "bank-vault")]
    assert (len(new[0]), new[0]) == (2, new[1])
    for each in new[0]:
        assert "holds no needle" not in home.dr("drill", "hmis", "--tier", "online", "--select", each).stdout
    home.dr("backups", "verify", "hmis", "--all")
    home.dr("audit", "verify")


def test_the_second_drill_waits_for_the_first_and_says_so(home: Home) -> None:
    """Both come to their end, one after the other; the wait is in the second's recovery time, and its evidence says how much it was."""
    first = home.start("drill", "hmis", "--tier", "online")
    until(lambda: home.drills() and not home.drills()[0].startswith("."), first)
    [run] = home.drills()
    second = home.dr("drill", "hmis", "--tier", "vault")
    assert f"… restore: waiting for run {run}, which uses standby 'standby'" in second.stderr
    said = next(line for line in second.stdout.splitlines() if line.startswith("   waited "))
    assert said.endswith(f" for {run} to leave the standby; the clock ran on")
    code, words = ended(first)
    assert code == 0, words
    evidence = json.loads(next(home.path.glob("evidence/drill-vault-*.json")).read_text())["evidence"]
    assert [r for r in evidence["remarks"] if r.endswith(f"of the RTO passed while the standby was in use by {run}")]
    assert home.drills() == []


def test_a_drill_that_is_cancelled_while_it_waits_ends_at_once_and_leaves_the_first_alone(home: Home) -> None:
    """It brought nothing there: what lies there is the other's, which scrubs it."""
    first = home.start("drill", "hmis", "--tier", "online")
    until(lambda: home.drills() and not home.drills()[0].startswith("."), first)
    [run] = home.drills()
    second = home.start("drill", "hmis", "--tier", "vault")
    assert second.stderr is not None
    waits = next(line for line in second.stderr if "waiting for run" in line)
    assert run in waits
    mine = next(one["run"] for one in home.json("runs", "list") if one["runbook"] == "drill-vault" and one["state"] == "running")
    home.dr("runs", "cancel", mine)
    code, words = ended(second)
    assert code == 7, words
    assert f"this run brought nothing to standby; host 'standby' is in use by run {run}, which scrubs it" in words
    code, words = ended(first)
    assert code == 0, words
    assert home.drills() == []


def test_a_port_that_is_taken_in_the_middle_of_a_restore_fails_it_by_name(home: Home) -> None:
    """Whoever listens there is left alone, and is never taken for the restored server."""
    port = int((home.path / "demo" / "ports.json").read_text().split('"standby":')[1].strip(" }\n").split(",")[0])
    drill = home.start("drill", "hmis", "--tier", "online")
    until(lambda: list((home.path / "demo" / "standby" / "drills").glob("*/pgdata")), drill)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        code, said = ended(drill)
    assert code != 0
    assert "✖ FAIL  drill-online FAILED" in said and "Traceback" not in said
    assert f"{port}" in said
    assert home.drills() == [], "what was restored is scrubbed by the same run, whoever has the port"
    home.dr("run", "drill-online")
    assert home.drills() == [], said


def test_a_terminated_nightly_says_that_it_is_resumable_and_is(home: Home) -> None:
    """SIGTERM, as the end of a service or a session sends it, is as Ctrl-C."""
    before = home.sets("fileserver")
    nightly = home.start("run", "nightly")
    until(lambda: list(home.path.glob("state/staging/nightly-*")), nightly)
    nightly.send_signal(signal.SIGTERM)
    code, said = ended(nightly)
    assert code == 130
    run = home.last_run("nightly")
    assert f"interrupted; nothing is lost: `dr runs resume {run}` goes on where it was\n" in said
    home.dr("runs", "resume")
    assert len(set(home.sets("fileserver")) - set(before)) == 1
    assert home.dr("runs", "resume").stderr == NONE_LEFT


OTHER = "repository '{tier}': set {set}: the drill key here is none of the keys that it was encrypted to"
NO_KEY = "secret file keys/drill.agekey: no such file or directory"
NO_IDENTITY = "keys/drill.agekey holds no age identity"
KEYS = {
    "missing, and looked into": (None, ("debug", "set"), 3, f"error: {NO_KEY}"),
    "missing, and decoded": (None, ("verify", "--decode"), 3, f"   verify: {NO_KEY}"),
    "missing, and drilled": (
        None,
        ("drill", "hmis", "--tier", "online"),
        2,
        f"inventory/organisation.yaml:14:15: organisation.keys.identity: {NO_KEY}",
    ),
    "another, and looked into": ("other", ("debug", "set"), 3, f"error: {OTHER}"),
    "another, and drilled": ("other", ("drill", "hmis", "--tier", "online"), 3, f"   restore: {OTHER}"),
    "another, and decoded": ("other", ("verify", "--decode"), None, "none of the keys that it was encrypted to"),
    "no key at all, and looked into": ("hello", ("debug", "set"), 3, f"error: {NO_IDENTITY}"),
    "no key at all, and drilled": ("hello", ("drill", "hmis", "--tier", "online"), 2, f"organisation.keys.identity: {NO_IDENTITY}"),
}


@pytest.mark.parametrize("what", KEYS)
def test_a_wrong_drill_key_is_named_and_no_copy_is_called_damaged(home: Home, what: str) -> None:
    """The copy is as good as before; only this home cannot read it."""
    key, words, code, line = KEYS[what]
    newest = home.sets("fileserver")[-1]
    place = home.path / "keys" / "drill.agekey"
    good = place.read_text()
    place.unlink()
    if key:
        place.write_text(str(x25519.Identity.generate()) if key == "other" else key)
        place.chmod(0o600)
    try:
        done = home.dr(*words, *([newest] if words[0] == "debug" else []), expect=code)
    finally:
        place.write_text(good)
        place.chmod(0o600)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert any(line.format(tier=tier, set=newest) in said for tier in ("fileserver", "bank-vault")), said
    assert "AGE-SECRET-KEY-1" not in said and "Traceback" not in said
    assert not any(copy["damaged"] for copy in home.json("backups", "list"))
    assert home.drills() == []
