"""What a person says to a home from any terminal: a rehearsal asked for, a run approved and paused, a set held."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dr.actions.foreseen import FORESEEN
from dr.actions.scrub import Params as ScrubParams
from dr.actions.select_backup import where_to_look
from dr.app import App
from dr.app.rehearse import Context, Reading
from dr.catalog.throwaway import open_throwaway
from dr.errors import Refused
from dr.model.base import RepositoryName, SystemName
from dr.model.record import HostState
from dr.program import this_dr
from tests.support.engine_plans import eventually
from tests.support.main_job import Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ASKING = """\
runbook: go-live
title: Open the restored system
kind: maintenance
steps:
  - {id: works, action: command, with: {host: production, argv: ["true"]}}
  - id: agree
    action: approve
    with:
      instructions: |
        Look at the standby:
          1. sign in at https://standby.example.org
        Then agree.
      timeout: 5m
      second_person: true
  - {id: opens, action: command, with: {host: production, argv: ["true"]}}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("people")) / "home") as made:
        (made.path / "runbooks" / "go-live.yaml").write_text(ASKING)
        made.dr("run", "nightly")
        yield made


def tree(home: Home) -> dict[str, str]:
    """Every file of home, repositories and standby with its bytes; the two databases by their content, the server's own left out."""
    found = {}
    for folder, _, names in os.walk(home.path):
        for name in names:
            path = Path(folder) / name
            if "production" in path.parts or name.endswith(("-wal", "-shm")):
                continue
            found[str(path.relative_to(home.path))] = _content(path)
    return found


def _content(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_rehearsal_says_what_would_be_done_and_writes_nothing(home: Home) -> None:
    """Every step in its order with what it would work on; not a byte of home, catalog, engine, repositories or standby changes."""
    before = tree(home)
    for runbook in ("nightly", "drill-vault"):
        home.dr("run", runbook, "--rehearse")
    assert tree(home) == before
    found = home.json("run", "drill-vault", "--rehearse")
    newest = home.sets("bank-vault")[-1]
    steps = {step["step"]: step for step in found["steps"]}
    assert list(steps) == ["select", "restore", "prove", "on-failure-1-notify", "always-1-scrub", "always-2-report"]
    assert steps["restore"]["with"]["set"] == newest
    assert steps["select"]["says"] == [f"would choose {newest} in bank-vault (intact): the newest of 1"]
    assert steps["restore"]["says"][1].startswith("guard: ")
    assert (found["refused"], [step["problems"] for step in found["steps"]]) == (False, [[]] * 6)


@pytest.mark.positive_control
def test_without_its_guard_a_rehearsals_repository_can_be_written_to(home: Home, tmp_path: Path) -> None:
    """The twin: it is the guard that takes the writing away, and the comparison of trees that would notice."""
    app, vault = App.open(str(home.path)), RepositoryName("bank-vault")
    with open_throwaway(home.path / "state" / "catalog.db", tmp_path, app.clock) as records:
        with pytest.raises(Refused):
            Context(app, records).repository(vault).put_home("x", b"x")
        before = tree(home)
        Context(app, records, guard=lambda repository: repository).repository(vault).put_home("x", b"x")
    assert tree(home) != before
    app.services.repository(vault).remove_home("x")
    assert isinstance(Context(app, app.records).repository(vault), Reading)


def test_a_rehearsal_that_would_be_refused_says_why(home: Home) -> None:
    """Exit code 3: a missing standby's marker, a repository that is away, found before anything is begun."""
    marker = next((home.path / "demo" / "standby").glob("dr-standby*"))
    away = marker.with_name("away")
    marker.rename(away)
    try:
        done = home.dr("run", "drill-online", "--rehearse", expect=3)
    finally:
        away.rename(marker)
    assert "the guard refuses standby: " in done.stdout
    assert done.stderr.endswith("it would be refused as things are\n")
    vault = home.repository("bank-vault")
    vault.rename(vault.with_name("away"))
    try:
        assert "bank-vault" in home.dr("run", "nightly", "--rehearse", expect=3).stdout
    finally:
        vault.with_name("away").rename(vault)


def test_a_rehearsal_says_no_where_the_run_would_not_be_begun(home: Home) -> None:
    """After a recovery the standby is production: the very check that refuses the drill refuses its rehearsal, in the same words."""
    records = App.open(str(home.path)).records
    before = next((state for state in records.hosts() if state.host == "standby"), None)
    serving = HostState.from_facts({"host": "standby", "state": "in-service", "run": "recover-1", "since": "2026-11-22T09:00:00Z"})
    records.record_host(serving)
    try:
        drill = ("drill", "hmis", "--tier", "online")
        rehearsed, run = home.dr(*drill, "--rehearse", expect=3), home.dr(*drill, expect=3)
    finally:
        records.record_host(before or serving.model_copy(update={"state": "clean"}))
    why = next(line for line in run.stderr.splitlines() if " is suspended: " in line).removeprefix("error: ")
    assert "which is production since Sun 22 Nov 2026, 03:00 CST (recover-1)" in why
    assert f"  ✖ {why} (dr reprotect hmis)\n" in rehearsed.stdout
    assert "would remove" not in rehearsed.stdout


def test_no_scrub_is_foreseen_of_what_the_inventory_calls_production(home: Home) -> None:
    """`dr hosts check` says of a production host that all is well with it: that is no leave to write to it."""
    found = FORESEEN["scrub"](ScrubParams.from_facts({"host": "production"}), Context(app := App.open(str(home.path)), app.records))
    assert (found.says, found.problems) == ((), ("the guard refuses production: its role in the inventory is 'production'",))


def test_a_rehearsal_is_refused_where_production_does_not_let_us_in(home: Home) -> None:
    """A nightly that could read nothing must not rehearse well; one line says which file to look at."""
    kept = home.path / "keys" / "production-postgres.password"
    right = kept.read_text()
    kept.write_text("another\n")
    try:
        said = home.dr("run", "nightly", "--rehearse", expect=3).stdout.splitlines()
        (checked,) = home.dr("hosts", "check", "production", expect=1).stdout.splitlines()
    finally:
        kept.write_text(right)
    (line,) = [one for one in said if "refused the password" in one]
    assert line.startswith("      ✖ production: PostgreSQL at ")
    assert line.endswith("is it the right one? See the file keys/production-postgres.password")
    assert checked.endswith(line.partition("production: ")[2])


def test_before_the_first_backup_a_drill_says_how_to_make_one(home: Home, tmp_path: Path) -> None:
    """An empty list of backups helps nobody; once there is one, the list does."""
    app, system = App.open(str(home.path)), SystemName("hmis")
    with open_throwaway(tmp_path / "none.db", tmp_path, app.clock) as empty:
        assert "`dr run nightly` makes one" in where_to_look(system, Context(app, empty))
    assert where_to_look(system, Context(app, app.records)) == "`dr backups list` shows what there is"


def test_a_second_person_approves_from_another_terminal(home: Home) -> None:
    """The one who asked is refused at once; another person's word lets the run go on; both names are on record."""
    process = home.start("run", "go-live", env={"SUDO_USER": "ann"})
    eventually(lambda: bool(_waiting(home)))
    (question,) = _waiting(home)
    shown = home.dr("runs", "show", str(question["run"]))
    assert f"agree waits for somebody other than {question['not_by']}, since " in shown.stdout
    lines = "      Look at the standby:\n        1. sign in at https://standby.example.org\n      Then agree.\n"
    name = str(question["not_by"]).partition(" as ")[2]
    sudo = "sudo" if name == "root" else f"sudo -u {name}"
    typed = f"{sudo} {this_dr(home.path)} runs approve {question['run']}"
    assert f":\n{lines}   {typed} agree\n" in shown.stdout, "where a second person types it, it can be pasted"
    refused = home.dr("runs", "approve", str(question["run"]), env={"SUDO_USER": "ann"}, expect=3)
    assert "so somebody else must approve step 'agree'" in refused.stderr
    assert f"HINT: from their own login they type: {typed}" in refused.stderr
    assert str(question["not_by"]) + " asked for " in refused.stderr, "it is the one who asked"
    bare = home.dr("runs", "approve", str(question["run"]), env={"SUDO_USER": ""}, expect=3)
    assert f"{name} may be {question['not_by']}, who asked for " in bare.stderr, "who sits in the account itself asked for nothing"
    said = home.dr("runs", "approve", str(question["run"]), "agree", "--comment", "looks right", env={"SUDO_USER": "bob"})
    assert said.stderr.index(lines) < said.stderr.index("approved step 'agree' of"), "what is agreed to is shown before it is done"
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0
    assert f" CST: {typed} agree or, to refuse" in stderr
    facts = home.facts("go-live", "agree")
    assert (facts["by"].partition(" ")[0], facts["asked_by"].partition(" ")[0], facts["comment"]) == ("bob", "ann", "looks right")
    assert f"approved by {facts['by']}: looks right" in home.dr("runs", "show", str(question["run"])).stdout
    assert home.dr("runs", "approve", str(question["run"]), expect=2).stderr.startswith(f"{question['run']} waits for nobody")
    events = [entry.event for entry in home.audit() if entry.subject == question["run"]]
    assert [e for e in events if e.startswith("approval")] == ["approval.asked", "approval.sent", "approval.approved"]


def test_whoever_began_it_may_refuse_it(home: Home) -> None:
    """A no needs no second person: it ends what they themselves asked for."""
    process = home.start("run", "go-live", env={"SUDO_USER": "ann"})
    eventually(lambda: bool(_waiting(home)))
    run = str(_waiting(home)[0]["run"])
    home.dr("runs", "approve", run, "--deny", "--comment", "called off", env={"SUDO_USER": "ann"})
    process.communicate(timeout=60)
    step = next(s for s in home.json("runs", "show", run)["steps"] if s["step"] == "agree")
    assert "denied it: called off" in step["failure"]["message"]


def _waiting(home: Home) -> list[dict[str, object]]:
    running = [r["run"] for r in home.json("runs", "list") if r["state"] == "running"]
    return [one for run in running for one in home.json("runs", "show", run)["waiting"]]


def test_a_paused_run_says_who_paused_it_and_goes_on(home: Home) -> None:
    """Paused while it waits for a person, approved, and let go on: nothing begins in between."""
    process = home.start("run", "go-live", env={"SUDO_USER": "ann"})
    eventually(lambda: bool(_waiting(home)))
    run = str(_waiting(home)[0]["run"])
    home.dr("runs", "pause", run, env={"SUDO_USER": "eve"})
    eventually(lambda: "paused by eve" in home.dr("runs", "show", run).stdout)
    home.dr("runs", "approve", run, env={"SUDO_USER": "bob"})
    eventually(lambda: not _waiting(home))
    assert [s["step"] for s in home.json("runs", "show", run)["steps"]] == ["works", "agree"]
    home.dr("runs", "unpause", run)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_hold_that_is_not_whole_is_incomplete_until_the_nightly_makes_it_so(home: Home) -> None:
    """Exit 7 and amber while a repository is away; held in both once it is back; released, nothing is left of it."""
    newest, vault = home.sets("fileserver")[-1], home.repository("bank-vault")
    vault.rename(vault.with_name("away"))
    done = home.dr("backups", "hold", newest, "--reason", "records request 12", expect=7)
    vault.with_name("away").rename(vault)
    assert done.stdout == f"{newest} is held in fileserver\n"
    assert f"not held: bank-vault/{newest}: " in done.stderr
    assert f"{newest} is not held in every copy" in home.dr("status", expect=None).stdout.replace("\n", " ").replace("  ", " ")
    home.dr("run", "nightly")
    held = {(c["set"], c["repository"]) for c in home.json("backups", "list") if c["held"]}
    assert held == {(newest, "fileserver"), (newest, "bank-vault")}
    assert len(list((home.folder("bank-vault", newest) / "holds").iterdir())) == 1
    home.dr("backups", "release", newest)
    assert not [c for c in home.json("backups", "list") if c["held"]]
    assert home.dr("backups", "release", newest, expect=3).stderr.startswith(f"error: nothing holds {newest}")
