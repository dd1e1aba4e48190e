"""The bench still measures what it says: at a tiny size it runs to its end, and its tables are whole. No figure is judged here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchlib.catalog import make_home
from benchlib.notices import measure as measure_notices
from benchlib.table import Pair, Report

from dr.app import App
from dr.app.glance import of_app

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]


def _rows(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|") and not line.startswith("|-")]


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.needs("age", "zstd", "tar")
def test_backup_drill_and_digest_are_measured_beside_the_same_by_hand(tmp_path: Path) -> None:
    """Six pairs, each with its seconds and ratios, and the memory of dr's own processes; nothing but what it was told to keep is left."""
    words = ["-m", "benchlib", "backup-restore", "--size", "1MB", "--repetitions", "1", "--keep", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
    done = subprocess.run([sys.executable, *words], env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = _rows(done.stdout.splitlines())
    pairs = [row for row in rows if len(row) == 8][1:]
    begin = ("backup to two tiers", "drill: restore", "the same drill", "its steps until proven", "digest, fast", "digest, cryptographic")
    assert [row[0].startswith(word) for row, word in zip(pairs, begin, strict=True)] == [True] * 6
    assert all(float(row[2]) > 0 and float(row[3]) > 0 and float(row[4]) <= float(row[5]) for row in pairs)
    memory = [row[1] for row in rows if len(row) == 3 and "PSS" in row[0]]
    assert len(memory) == 2
    assert all(int(value.removesuffix(" MB")) > 20 for value in memory)
    assert [path.name for path in tmp_path.iterdir()] == ["home-1000000"]
    assert not (tmp_path / "home-1000000" / "demo" / "production" / "pgdata" / "postmaster.pid").exists()


def test_the_catalog_that_is_measured_is_one_that_dr_understands(tmp_path: Path) -> None:
    """Invented rows that dr could not read, or judged by a shorter way than real ones, would make the figures worthless."""
    home = make_home(tmp_path, 3, 8, lambda _: None)
    app = App.open(str(home))
    assert dict(of_app(app).fleet.counts) == {"green": 3}
    assert {"green"} == {app.readiness(name).colour for name in app.inventory.systems}
    assert len(app.copies()) == 3 * 8 * 2
    app.records.close()


def test_a_ratio_is_of_two_neighbours_in_time() -> None:
    """Best against best would hide that the machine was slow for one of them only."""
    pair = Pair("a", (2.0, 9.0, 3.0), (1.0, 10.0, 2.0), "b", at_most=1.25)
    assert pair.ratios == [2.0, 0.9, 1.5]
    assert _rows(Report("title", [pair]).lines())[1] == [
        "a",
        "b",
        "2.00, 9.00, 3.00",
        "1.00, 10.0, 2.00",
        "0.90",
        "1.50",
        "<= 1.25",
        "MISSED",
    ]


def test_many_failures_to_many_people_are_one_message_each(tmp_path: Path) -> None:
    """By a mail server in a process of its own, which counts; and a round with nothing due sends nothing."""
    found = measure_notices(tmp_path, 6, 20, lambda _: None)
    assert (found.whole, found.messages, found.notices) == (True, 6, 21)
    assert found.lines()[-1] == "each has one message"
