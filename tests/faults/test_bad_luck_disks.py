"""Disks that are full, read-only, too small or that lose what is written: it is said which one and why, the other tier goes on."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.luck_disks import NAMESPACE, told
from tests.support.luck_writer import SET
from tests.support.main_job import Home, demo_home
from tests.support.patience import LONG

pytestmark = pytest.mark.fault
CHECKOUT = Path(__file__).parents[2]
WRITE = (sys.executable, "-m", "tests.support.luck_writer")


def written(*argv: str) -> dict[str, Any]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=CHECKOUT, timeout=LONG)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


# ---------------------------------------------------------------- one set, by the tier's own file system and system calls


@pytest.mark.needs("unshare")
@pytest.mark.parametrize("point", ["after-part", "before-manifest"])
def test_a_disk_that_fills_up_costs_its_own_copy_and_publishes_nothing(tmp_path: Path, point: str) -> None:
    """Full at a part, and at the manifest: the tier says so, keeps no partial, and the other one's copy is whole."""
    (tmp_path / "online").mkdir()
    mount = f"mount -t tmpfs -o size=4M none {tmp_path}/online && exec {' '.join(WRITE)} {tmp_path} {point}"
    assert written(*NAMESPACE, "sh", "-c", mount) == {
        "error": "",
        "committed": ["vault"],
        "failed": {"online": f"repository 'online' at {tmp_path}/online is full"},
        "sets": ["vault"],
        "damaged": [],
        "partials": [],
    }


LOST = {
    "a part": (f"/.partial-{SET}/site/000000.zst.age", "", ["vault"]),
    "the index": (f"/.partial-{SET}/index.zst.age", "", ["vault"]),
    "the manifest": (f"/.partial-{SET}/manifest.json", "", ["vault"]),
    "the signature": (f"/.partial-{SET}/manifest.sig", "", ["vault"]),
    "the set's folder": (f"/.partial-{SET}", "", ["vault"]),
    "the folder of sets": ("", "", ["vault"]),
    "the folder of sets, at the rename": ("", ":when=2+", ["online", "vault"]),
}
"""What cannot be synced, and where a set can be seen afterwards: a whole one may be there, but it does not count as made."""


@pytest.mark.needs("strace")
@pytest.mark.parametrize("what", LOST)
def test_a_disk_that_does_not_keep_what_it_took_costs_its_own_copy(tmp_path: Path, what: str) -> None:
    """An error of fsync is never taken for a commit: the copy is missing, with the cause, and nothing that shows is damaged."""
    path, when, seen = LOST[what]
    trace = ("strace", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject=fsync:error=EIO{when}")
    found = written(*trace, "-P", f"{tmp_path}/online/sets/hmis{path}", *WRITE, str(tmp_path))
    cause = f"repository 'online' at {tmp_path}/online cannot be written to: Input/output error"
    assert (found["committed"], found["failed"]) == (["vault"], {"online": cause})
    assert (found["sets"], found["damaged"]) == (seen, [])


@pytest.mark.positive_control
def test_on_a_good_disk_both_are_committed(tmp_path: Path) -> None:
    """The twin: the same program with nothing broken."""
    found = written(*WRITE, str(tmp_path))
    assert (found["committed"], found["failed"], found["sets"]) == (["online", "vault"], {}, ["online", "vault"])


# ---------------------------------------------------------------- the main job


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("disks")) / "home") as made:
        for name in ("fileserver", "bank-vault"):
            made.rewrite("inventory/repositories.yaml", f"{{path: demo/{name}}}", f"{{path: demo/{name}, min_free: 1KiB}}")
        made.dr("run", "nightly")
        yield made


def no_damage(home: Home) -> None:
    """What is stored reads back, the audit trail is whole, and nothing is left over."""
    home.dr("backups", "verify", "hmis", "--all")
    home.dr("audit", "verify")
    assert home.dr("runs", "resume").stderr == "no run is interrupted\n"
    assert (home.staging(), home.drills()) == ([], [])
    assert not [path for name in ("fileserver", "bank-vault") for path in home.repository(name).rglob(".partial-*")]


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_a_read_only_tier_costs_its_own_copy(home: Home, tmp_path: Path) -> None:
    folder = home.repository("fileserver")
    [night] = told(home, folder, "readonly_; dr run nightly", tmp_path / "spare")
    assert night.code == 1
    assert f"   NO COPY in fileserver: repository 'fileserver' at {folder} cannot be written to: Read-only file system\n" in night.text
    assert len(home.sets("bank-vault")) == len(home.sets("fileserver")) + 1
    no_damage(home)


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_evidence_that_finds_no_room_is_named_and_costs_no_copy(home: Home, tmp_path: Path) -> None:
    """The run is red although its copies are made; what it would have said is on record."""
    folder = home.path / "evidence"
    full, later = told(home, folder, "small 4m; full; dr run nightly; room; dr run nightly; back", tmp_path / "spare")
    run = next(word for word in full.text.split() if word.startswith("(nightly-")).strip("()")
    assert full.code == 1
    assert f": the evidence of {run} cannot be written to {folder}: No space left on device\n" in full.text
    assert later.text.count("   evidence: ") == 1
    assert [path.name for path in folder.iterdir() if path.name.endswith(".partial")] == []
    no_damage(home)


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_a_full_disk_under_the_state_is_refused_before_anything_runs(home: Home, tmp_path: Path) -> None:
    """The engine would try again for ever, in silence; so the room for its records is looked at first."""
    before = home.sets("fileserver"), home.last_run("nightly")
    state = home.path / "state"
    full, later = told(home, state, "small 64m; full 900k; dr run nightly; room; dr run nightly; back", tmp_path / "spare")
    assert full.code == 3
    assert re.fullmatch(
        rf"error: the disk under {state} has [\d.]+ [KM]iB free; a run needs 16.0 MiB for its own records\n"
        r"   HINT: make room there; `dr runs resume` then goes on with what was interrupted\n",
        full.text,
    )
    assert "read back and matched" in later.text
    assert (len(home.sets("fileserver")), home.last_run("nightly") != before[1]) == (len(before[0]) + 1, True)
    no_damage(home)


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_a_disk_under_the_state_that_fills_up_in_a_run_ends_it_resumable(home: Home, tmp_path: Path) -> None:
    """It ends within seconds, says why, and goes on where it was when there is room: no set lost, none doubled."""
    before = {name: home.sets(name) for name in ("fileserver", "bank-vault")}
    script = """
    small 64m
    (until grep -q backup "$SPARE/progress" 2>/dev/null; do sleep 0.02; done; full) &
    dr run nightly | tee "$SPARE/progress"
    wait; room; dr runs resume; back
    """
    full, resumed = told(home, home.path / "state", script, tmp_path / "spare")
    assert full.code != 0
    assert "Traceback" not in full.text
    assert "is full, so nothing goes on\n" in full.text or "the catalog takes no facts of record" in full.text
    assert resumed.code in (0, 1)
    new = {name: sorted(set(home.sets(name)) - set(before[name])) for name in before}
    assert new["fileserver"] == new["bank-vault"]
    no_damage(home)


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_another_disk_in_the_standbys_place_is_not_the_standby(home: Home, tmp_path: Path) -> None:
    """The same files on a smaller disk: the guard knows the folder that was enrolled, and nothing is written."""
    folder = home.path / "demo" / "standby"
    [drill] = told(home, folder, "small 2m; dr drill hmis --tier online", tmp_path / "spare")
    assert drill.code == 3
    assert f": {folder} is not the folder that was enrolled (device or inode differ)\n" in drill.text
    assert home.drills() == []
    no_damage(home)
