"""Promise 9: lose the catalog, lose the home; and promise 1 for what brings them back, killed at every one of its points."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dr.app import stop_demo
from dr.app.failpoints import OF_THE_TOOL
from dr.app.regained import shows_proof
from dr.catalog.audit import verify_chain
from dr.config.keys import ESCROW
from dr.demo.world import opened, start_production, stop_production
from dr.report.write import read_signed
from tests.support.main_job import HMIS, KILLED, Home, make_home
from tests.support.takeover import takes_over

pytestmark = [pytest.mark.fault, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("lost"))


@pytest.fixture(scope="module")
def home(place: Path) -> Iterator[Home]:
    """After one nightly and one drill from the online tier."""
    made = make_home(place / "home")
    try:
        made.dr("run", "nightly")
        made.dr("run", "drill-online")
        yield made
    finally:
        if (place / "home" / "demo").is_dir():
            stop_demo(place / "home")


@pytest.fixture(scope="module")
def log(place: Path) -> Path:
    return place / "fired"


def shoot(home: Home, verb: str, words: tuple[str, ...], log: Path) -> None:
    """Kill it at each of its points in turn; each time it is begun again."""
    for point in OF_THE_TOOL[verb]:
        done = home.dr(*words, env={"DR_FAILPOINT": f"{verb}.{point}", "DR_FAILPOINT_LOG": str(log)}, expect=None)
        assert done.returncode == KILLED, f"not killed at {verb}.{point}: {done}"
        assert log.read_text().splitlines()[-1] == f"{verb}.{point}"


def forget(home: Home) -> None:
    for path in (home.path / "state").glob("catalog.db*"):
        path.unlink()


@contextmanager
def without_stored_homes(home: Home) -> Iterator[None]:
    """As if no nightly had stored one."""
    folders = [home.repository(name) / "home" for name in ("fileserver", "bank-vault")]
    for folder in folders:
        folder.rename(folder.with_name("home-aside"))
    try:
        yield
    finally:
        for folder in folders:
            folder.with_name("home-aside").rename(folder)


# ---------------------------------------------------------------- the catalog


def test_a_rebuild_killed_at_every_point_and_run_again_loses_nothing(home: Home, log: Path) -> None:
    """Copies, the proof with its date, production's facts; the old catalog and its whole chain are kept."""
    with home.catalog() as before:
        production, [proven], head = before.production(), [c for c in before.copies(HMIS) if c.level == "proven"], before.audit_head()
    shoot(home, "rebuild", ("catalog", "rebuild", "--yes"), log)
    told = home.dr("catalog", "rebuild", "--yes").stdout
    assert "2 copies on record, 1 proven by signed evidence" in told
    assert home.levels() == {(str(proven.set), "fileserver"): "proven", (str(proven.set), "bank-vault"): "stored"}
    with home.catalog() as after:
        assert after.production() == production
        [again] = [c for c in after.copies(HMIS) if c.level == "proven"]
        assert again.proven_at is not None and proven.proven_at is not None
        assert abs((again.proven_at - proven.proven_at).total_seconds()) < 5
        assert verify_chain(after) is None
        first = after.audit_entries(limit=1)[0]
    assert (first.event, first.facts["old_head"]["seq"] <= head.seq) == ("catalog.rebuilt", True)
    assert len(list((home.path / "state").glob("catalog.db.before-rebuild-*"))) >= 2
    assert not list((home.path / "state").glob("catalog.db.rebuilding*"))


def test_an_empty_catalog_beside_full_repositories_says_what_to_do(home: Home) -> None:
    """Nobody reads from a lost catalog that there is no backup at all."""
    (home.path / "state" / "catalog.db").unlink()  # its write-ahead log stays: it must not be taken for the new one's
    told = home.dr("status", expect=1).stdout
    assert told.startswith("✖ the catalog is lost (or new): it knows no backup, yet fileserver holds 1 set")
    for words in (("backups", "list"), ("runs", "list")):
        assert home.dr(*words).stdout.startswith("the catalog is lost (or new)")
    assert "the audit trail is empty, yet fileserver holds sets" in home.dr("audit", "verify", expect=4).stderr
    home.dr("retention", "--turn-on")  # is audited: the new trail is whole by itself
    assert "the audit trail has 1 entry, none of which is vouched for; entries 1 to" in home.dr("audit", "verify", expect=4).stderr
    assert "the catalog is lost (or new)" in home.dr("drill", "hmis", "--tier", "vault", expect=3).stderr
    forget(home)
    (home.path / "state" / "catalog.db").write_bytes(b"not a catalog" * 1000)
    assert "HINT: make it anew from the repositories" in home.dr("status", expect=3).stderr
    assert "2 copies on record, 1 proven by signed evidence" in home.dr("catalog", "rebuild", "--yes").stdout
    assert "another trail reached entry" in home.dr("audit", "verify").stdout


def test_after_a_rebuild_nothing_expires_and_no_drill_runs_until_a_person_acts(home: Home) -> None:
    """Expiry is off; the guard refuses while production is unknown; enrolled anew, a drill passes."""
    home.rewrite("inventory/systems.yaml", "keep_within: 24h ", "keep_last: 0 ")
    told = home.json("retention", "--dry-run")
    assert "off" in str(told)
    home.dr("run", "nightly")
    assert len(home.sets("fileserver")) == 2, "nothing was deleted"
    home.dr("retention", "--turn-on")
    assert home.json("retention", "--dry-run")["frozen"] == "", "it was the rebuild that had frozen it, and a person's word ends it"
    home.rewrite("inventory/systems.yaml", "keep_last: 0 ", "keep_within: 24h ")
    forget(home)
    with without_stored_homes(home):
        home.dr("catalog", "rebuild", "--yes")
    assert "dr hosts enrol production" in home.dr("status", expect=1).stdout
    assert home.dr("run", "drill-online", expect=3).stdout.count("production") >= 1
    home.dr("hosts", "enrol", "production", "--yes")
    assert "dr hosts enrol production" not in home.dr("status", expect=None).stdout
    home.dr("run", "drill-online")


def test_evidence_that_was_changed_proves_nothing(home: Home) -> None:
    """Promise 2: a proof comes back only by a signature."""
    files = sorted((home.path / "evidence").glob("drill-*.json"))
    kept = {file: file.read_bytes() for file in files}
    for file, data in kept.items():
        file.write_bytes(data.replace(b'"examined":3', b'"examined":4'))
    told = home.dr("catalog", "rebuild", "--yes").stdout
    assert "0 proven by signed evidence" in told
    assert "is not believed" in told
    for file, data in kept.items():
        file.write_bytes(data)


@pytest.mark.positive_control
def test_without_the_signature_changed_evidence_would_be_believed(home: Home) -> None:
    file = sorted((home.path / "evidence").glob("drill-*.json"))[0]
    changed = file.read_bytes().replace(b'"examined":3', b'"examined":4')
    evidence, _ = read_signed(changed, lambda data, signature: None)
    with home.catalog() as records:
        assert evidence.chosen is not None
        manifest = records.manifest(evidence.chosen.set)
    assert manifest is not None
    assert shows_proof(evidence, manifest)


def test_a_set_that_cannot_be_believed_is_a_finding_and_the_rest_is_recorded(home: Home) -> None:
    newest = home.sets("bank-vault")[-1]
    manifest = home.folder("bank-vault", newest) / "manifest.json"
    kept = manifest.read_bytes()
    manifest.write_bytes(kept.replace(b'"witnessed":true', b'"witnessed":false'))
    told = home.dr("catalog", "rebuild", "--yes").stdout
    assert f"! bank-vault/{newest}: " in told
    assert (newest, "bank-vault") not in home.levels()
    assert (newest, "fileserver") in home.levels()
    with home.catalog() as records:
        assert f"unknown-set:hmis:bank-vault/{newest}" in [f.key for f in records.open_findings()]
    manifest.write_bytes(kept)
    home.dr("catalog", "rebuild", "--yes")


def test_with_the_catalog_lost_and_production_dead_a_drill_still_passes(home: Home) -> None:
    """The day it is for: production cannot be asked, and the guard works by what the newest stored home knows of it."""
    home.dr("run", "nightly")
    forget(home)
    assert "the catalog is lost (or new)" in home.dr("drill", "hmis", "--tier", "vault", expect=3).stderr
    production = opened(home.path)
    stop_production(production)
    told = home.dr("catalog", "rebuild", "--yes").stdout
    assert "how production is recognised is as in the home stored in" in told
    assert "✔ PASS" in home.dr("drill", "hmis", "--tier", "vault").stdout
    start_production(production, say=lambda _: None)


def test_a_damaged_copy_is_mended_by_the_next_nightly(home: Home) -> None:
    """As `dr status` promises it."""
    newest = home.sets("bank-vault")[-1]
    part = next(home.folder("bank-vault", newest).glob("site*/000000.zst.age"))
    data = part.read_bytes()
    with part.open("r+b") as file:  # in place, as a disk does it
        file.write(bytes([data[0] ^ 1]))
    home.dr("backups", "verify", "hmis", "--tier", "vault", expect=4)
    assert "the next nightly mends this one from it" in home.dr("status", expect=None).stdout.replace("\n", " ").replace("          ", "")
    told = home.dr("run", "nightly").stdout
    assert f"mended from another copy, read back and matched: {newest} in bank-vault" in told
    assert part.read_bytes() == data
    assert not any(copy["damaged"] for copy in home.json("backups", "list"))


# ---------------------------------------------------------------- the home


def test_the_home_is_lost_and_everything_comes_back_from_one_repository_and_the_escrow_key(home: Home, place: Path, log: Path) -> None:
    """Brought back on an empty place, killed at every point on the way; a new standby; a drill from each tier passes."""
    home.dr("run", "nightly")
    stop_demo(home.path)
    escrow = place / "escrow.agekey"
    (home.path / ESCROW).rename(escrow)
    for name in ("fileserver", "bank-vault", "production", "site"):  # other machines, and a safe
        (home.path / "demo" / name).rename(place / name)
    shutil.rmtree(home.path)

    new = Home(place / "new")
    repositories = [f"--repository={name}={place / name}" for name in ("fileserver", "bank-vault")]
    words = ("home", "restore", "--from", str(place / "bank-vault"), "--to", str(new.path), "--key", str(escrow), *repositories)
    bare = Home(place)
    shoot(bare, "home-restore", words, log)
    told = bare.dr(*words).stdout
    assert f"{new.path} is the home of Invented Homelessness Services (demo) again" in told
    assert "does not exist here" not in told
    assert bare.dr(*words, expect=3).stderr.startswith("reading ")
    assert not (new.path / ".dr-home-restore").exists()

    (new.path / "demo" / "standby").mkdir(parents=True, mode=0o700)
    new.dr("hosts", "enrol", "standby", "--yes")
    for tier in ("online", "vault"):
        assert "✔ PASS" in new.dr("drill", "hmis", "--tier", tier).stdout
    assert "nothing expires until `dr retention --turn-on`" in new.dr("status", expect=None).stdout
    with new.catalog() as records:
        assert verify_chain(records) is None
        assert "home.restored" in [entry.event for entry in records.audit_entries(limit=1000)]
        assert [run.state for run in records.runs() if run.state == "running"] == []

    recovers(new)


def recovers(regional: Home) -> None:
    """From the home that was brought back: the lost office's duties move, and the system comes back for good."""
    takes_over(regional)
    try:
        told = regional.dr("recover", "hmis", "--reason", "the main office burnt", "--alone", "nobody else is here", "--yes").stdout
        assert "✔ PASS" in told, told
    finally:
        stop_demo(regional.path)


def test_every_point_killed_a_process(log: Path) -> None:
    """By the log that each writes as it dies."""
    assert {f"{verb}.{point}" for verb in ("rebuild", "home-restore") for point in OF_THE_TOOL[verb]} == set(log.read_text().split())
