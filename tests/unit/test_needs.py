"""A test that could not run is never silent."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[1].parent
SUITE = """
import pytest

@pytest.mark.needs("sh")
def test_possible(): pass

@pytest.mark.needs("no-such-program-anywhere")
def test_impossible(): pass
"""


def outcome(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """Exit code and output of pytest on a suite of which one test lacks its program."""
    (folder / "test_suite.py").write_text(SUITE)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = needs: programs\n")
    inherited = {key: value for key, value in os.environ.items() if key != "CI" and not key.startswith("PYTEST")}
    argv = [sys.executable, "-m", "pytest", "-p", "tests.support.needs", "-p", "no:cacheprovider", "-q", *words, str(folder)]
    env = {**inherited, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_what_could_not_run_is_listed(tmp_path: Path) -> None:
    """On a person's machine the rest counts, and the gap is named with what would close it."""
    code, said = outcome(tmp_path)
    assert code == 0
    assert "NOT RUN: 1 tests need no-such-program-anywhere, which is not on this machine" in said
    assert "test_suite.py::test_impossible" in said
    assert "1 passed, 1 deselected" in said


@pytest.mark.parametrize("words", [(), ("-n", "1")], ids=["alone", "by workers"])
def test_in_ci_a_gap_is_a_failure(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A machine that lacks a program must not pass for one that has it; nor is it silent where workers share the suite."""
    code, said = outcome(tmp_path, *words, CI="true")
    assert code == 1
    assert "NOT RUN: 1 tests" in said
    assert "test_suite.py::test_impossible" in said
    assert "1 passed" in said
