"""Every bad home in the corpus is told with exactly the text beside it: all problems of all files, and nothing runs."""

from pathlib import Path

import pytest

from dr.config.load import load
from dr.config.problems import ConfigProblems
from tests.support.config_homes import CORPUS, make_home
from tests.support.config_kinds import KINDS

CASES = sorted(path.parent for path in (CORPUS / "homes").glob("*/expected.txt"))


@pytest.mark.unit
def test_the_good_home_is_good(tmp_path: Path) -> None:
    """The base of every case has no problem of its own, so each case shows only its own."""
    loaded = load(make_home(tmp_path), KINDS)
    assert sorted(loaded.runbooks) == ["drill-online", "nightly"]
    assert loaded.inventory.hosts["standby"].role == "standby"


@pytest.mark.unit
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_bad_home_is_told_exactly(case: Path, tmp_path: Path) -> None:
    """A person sees every problem of every file at once, each with its place, its line and what to do."""
    with pytest.raises(ConfigProblems) as caught:
        load(make_home(tmp_path, case), KINDS)
    assert f"{caught.value}\n" == (case / "expected.txt").read_text(encoding="utf-8")
