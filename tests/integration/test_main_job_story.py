"""The main job from the first night on, told as it happens: good nights, bad nights, a vault that is away, damage, and what people see.

The chapters share one home, on which one good night and both drills have been; each begins with the nights that it is about and leaves
a home on which another can begin, so they may be read in any order.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from dr.app import App
from dr.app.retention import foresee
from dr.clock import FixedClock, SystemClock
from dr.demo import world
from tests.support.catalog_mailbox import body_of, free_port, mailbox
from tests.support.main_job import HMIS, Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]

LISTINGS = (
    ("status",),
    ("runs", "list"),
    ("backups", "list"),
    ("retention", "--dry-run"),
    ("hosts", "list"),
    ("hosts", "check"),
    ("repositories", "check"),
    ("notices",),
    ("audit", "list"),
)
BIG = 6 * 2**20
"""Bytes of a file that has parts of its own, so that a night on which it did not change finds them again."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("story")) / "home") as made:
        (made.path / "demo" / "site" / "uploads" / "scan.tif").write_bytes(Random(1).randbytes(BIG))
        yield made


@dataclass(frozen=True)
class Morning:
    """What was so right after the first night and its drills."""

    home: Home
    levels: dict[tuple[str, str], str]
    status: str
    colour: str
    drill: str
    """The run that proved the online copy."""


@pytest.fixture(scope="module")
def morning(home: Home) -> Morning:
    for runbook in ("nightly", "drill-online", "drill-vault"):
        assert home.dr("run", runbook).stdout.startswith("✔ PASS")
    return Morning(home, home.levels(), home.dr("status").stdout, colour(home), home.last_run("drill-online"))


@pytest.fixture
def first_night(morning: Morning) -> Home:
    return morning.home


def colour(home: Home) -> str:
    [found] = home.json("status", expect=None)
    return str(found["colour"])


def test_after_the_first_night_both_tiers_are_proven(morning: Morning) -> None:
    """The answer in words: what we would get back, how fast against the objective, how much would be lost, and what proves it."""
    assert set(morning.levels.values()) == {"proven"}
    assert len(morning.levels) == 2
    assert "If we lost it now: we would get back what was entered until" in morning.status
    assert "From online: in about" in morning.status
    assert "From vault: in about" in morning.status
    assert morning.colour in ("green", "amber")


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_every_listing_speaks_json(first_night: Home, words: tuple[str, ...]) -> None:
    """On stdout, and nothing else there."""
    red_too = None if words == ("status",) else 0  # its exit code is its verdict, and another chapter may have made it red
    assert first_night.json(*words, expect=red_too) is not None


def test_one_run_and_one_set_speak_json_too(morning: Morning) -> None:
    first_night, run = morning.home, morning.drill
    set_id = first_night.sets("fileserver")[-1]
    assert first_night.json("backups", "show", set_id)["manifest"]["set"] == set_id
    shown = first_night.json("runs", "show", run)
    assert (shown["run"], shown["verdict"]) == (run, "PASS")
    assert first_night.json("report", run)["evidence"]["run"]["run"] == run


@pytest.mark.needs("pango")
def test_evidence_prints_as_a_pdf_beside_it_or_where_it_is_wanted(morning: Morning, tmp_path: Path) -> None:
    file = tmp_path / "for the board.pdf"
    assert morning.home.dr("report", morning.drill, "--pdf", str(file)).stdout == f"printed: {file}\n"
    assert file.read_bytes().startswith(b"%PDF-")
    assert file.stat().st_mode & 0o777 == 0o600


def test_evidence_verifies_and_one_changed_byte_is_found(morning: Morning, tmp_path: Path) -> None:
    """Promise 11, offline."""
    first_night = morning.home
    file = first_night.path / "evidence" / f"{morning.drill}.json"
    key = first_night.path / "keys" / "signing.pub"
    assert "genuine" in first_night.dr("report", "verify", str(file), "--key", str(key)).stdout
    changed = tmp_path / "changed.json"
    text = file.read_bytes()
    place = text.index(b'"PASS"')
    changed.write_bytes(text[: place + 1] + b"Q" + text[place + 2 :])
    assert "genuine" not in first_night.dr("report", "verify", str(changed), expect=4).stdout


def test_the_second_night_links_what_did_not_change(first_night: Home) -> None:
    """A full set at incremental cost: the very same bytes on disk."""
    first = first_night.sets("fileserver")[-1]
    first_night.dr("run", "nightly")
    facts = first_night.facts("nightly", "backup")
    assert facts["reused"] > BIG / 2
    for repository in ("fileserver", "bank-vault"):
        both = [
            {p.stat().st_ino for p in first_night.folder(repository, one).rglob("*.zst.age")}
            for one in (first, first_night.sets(repository)[-1])
        ]
        assert both[0] & both[1], "hard links: one inode in both sets"


def test_a_vault_that_is_away_costs_its_own_copy_only(first_night: Home) -> None:
    """The online copy is made and intact, the gap is a finding, and the next nightly fills it."""
    vault = first_night.repository("bank-vault")
    vault.rename(vault.with_name("away"))
    try:
        failed = first_night.dr("run", "nightly", expect=5)
    finally:
        vault.with_name("away").rename(vault)
    newest = first_night.sets("fileserver")[-1]
    assert f"NO COPY in bank-vault: {vault} does not exist" in failed.stdout.replace("repository 'bank-vault': ", "")
    assert first_night.levels()[newest, "fileserver"] == "intact"
    assert (newest, "bank-vault") not in first_night.levels()
    assert colour(first_night) == "red"
    assert f"the set {newest} has no copy in bank-vault" in first_night.dr("status", expect=1).stdout

    assert "copied 1 missing set" in first_night.dr("run", "nightly").stdout
    assert first_night.levels()[newest, "bank-vault"] == "intact"
    assert "has no copy in bank-vault" not in first_night.dr("status", expect=None).stdout


def test_a_failed_night_reaches_a_mailbox_and_a_notice_to_nobody_is_red(first_night: Home) -> None:
    """Production is down at night: the administrators are told; when the mail server is down as well, `dr status` says whom to call."""
    production = world.opened(first_night.path)
    urls = {name: first_night.path / "keys" / f"notify-{name}.url" for name in ("system-administrator", "help-desk-lead")}
    before = {file: file.read_bytes() for file in urls.values()}
    world.stop_production(production)
    try:
        with mailbox() as box:
            for name, file in urls.items():
                file.write_text(box.url(name) + "\n")
            failed = first_night.dr("run", "nightly", expect=5)
            assert [len(box.to(name)) for name in urls] == [1, 1]
            [message] = box.to("system-administrator")
        assert "nightly" in str(message["Subject"]).lower()
        assert first_night.last_run("nightly") in body_of(message)
        assert "PostgreSQL" in failed.stdout
        assert first_night.json("notices")[0]["state"] == "delivered"

        for name, file in urls.items():
            file.write_text(f"mailto://u:secret-word@127.0.0.1:{free_port()}/?from=dr@example.org&to={name}@example.org\n")
        unheard = first_night.dr("run", "nightly", expect=5)
    finally:
        world.start_production(production, say=lambda _: None)
    status = first_night.dr("status", expect=1)
    assert first_night.json("notices")[0]["state"] == "failed"
    [readiness] = first_night.json("status", expect=1)
    assert [r["colour"] for r in readiness["reasons"] if "notice" in r["text"] and "administrators" in r["text"]][:1] == ["red"]
    assert "secret-word" not in unheard.stdout + unheard.stderr + status.stdout + first_night.dr("notices", "--json").stdout
    for file, url in before.items():
        file.write_bytes(url)
    first_night.dr("run", "nightly")


def test_two_failed_nights_keep_the_last_proven_copy_and_say_why(first_night: Home) -> None:
    """A 24 h tier whose backups stopped must not become an empty tier: two days after the last good night everything online stays."""
    first_night.dr("run", "nightly")
    later = FixedClock(SystemClock().now() + timedelta(hours=50))
    outcome = foresee(App.open(str(first_night.path), clock=later), HMIS)
    online = [d for d in outcome.decisions if d.tier == "online"]
    assert len(online) == len(first_night.sets("fileserver"))
    assert all(d.keep for d in online)
    [proven] = [d for d in online if d.rule == "last-proven"]
    assert proven.reason.startswith("kept: last proven copy of tier online; its 24 h ended 2")

    first_night.rewrite("inventory/systems.yaml", "keep_within: 24h ", "keep_within: 1s ")
    try:
        first_night.dr("retention", "hmis", "--confirm")
    finally:
        first_night.rewrite("inventory/systems.yaml", "keep_within: 1s ", "keep_within: 24h ")
    kept = first_night.sets("fileserver")
    assert [str(proven.set), *kept[-1:]] == kept, "the last proven one and the newest intact one"
    assert first_night.levels()[str(proven.set), "fileserver"] == "proven"


@pytest.mark.campaign
def test_a_flipped_byte_is_found_named_and_no_drill_starts_from_it(first_night: Home) -> None:
    """Promise 4 from a drill's side, then from a verify's; the other tier's copy still comes back; and the next set is whole again."""
    first_night.dr("run", "nightly")
    older, newest = first_night.sets("fileserver")[-2:]
    shared = [
        p.relative_to(first_night.folder("fileserver", newest))
        for p in sorted(first_night.folder("fileserver", newest).rglob("*.zst.age"))
        if p.stat().st_nlink > 1
    ]
    part = first_night.folder("fileserver", newest) / shared[0]
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)

    drill = first_night.dr("drill", "hmis", "--tier", "online", expect=4)
    assert f"{shared[0]}: " in drill.stdout
    assert "✖ FAIL  drill-online FAILED" in drill.stdout
    assert first_night.drills() == [], "a failed drill leaves the standby clean"
    damaged = {c["set"] for c in first_night.json("backups", "list") if c["damaged"] and c["repository"] == "fileserver"}
    assert {older, newest} <= damaged, "every set that shares the bytes"

    found = first_night.dr("backups", "verify", "hmis", "--tier", "online", expect=4)
    assert f"fileserver/{newest}: {shared[0]}: changed" in found.stdout
    assert "DAMAGED" in first_night.dr("backups", "list").stdout
    first_night.dr("drill", "hmis", "--tier", "online", "--select", newest, expect=3)
    assert first_night.dr("drill", "hmis", "--tier", "vault").stdout.startswith("✔ PASS")
    _the_next_night_writes_afresh(first_night, damaged=newest)


def _the_next_night_writes_afresh(first_night: Home, damaged: str) -> None:
    """Damage does not travel into the next set."""
    first_night.dr("run", "nightly")
    newest = first_night.sets("fileserver")[-1]
    assert newest != damaged
    assert first_night.levels()[newest, "fileserver"] == "intact"
    assert first_night.dr("drill", "hmis", "--tier", "online").stdout.startswith("✔ PASS")
    with first_night.catalog() as catalog:
        assert not [c for c in catalog.copies(HMIS) if c.damaged and c.set == newest]


def test_a_copied_folder_of_evidence_is_still_genuine(first_night: Home, tmp_path: Path) -> None:
    """An auditor needs the file and the public key, and nothing of ours."""
    place = tmp_path / "auditor"
    shutil.copytree(first_night.path / "evidence", place)
    shutil.copy(first_night.path / "keys" / "signing.pub", place)
    runs = sorted(str(json.loads(file.read_bytes())["evidence"]["run"]["run"]) for file in place.glob("*.json"))
    assert len(runs) >= 2, "of both drills at least"
    for run in runs:
        assert "genuine" in first_night.dr("report", "verify", str(place / f"{run}.json"), "--key", str(place / "signing.pub")).stdout
