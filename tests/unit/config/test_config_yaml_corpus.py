"""Every bad YAML file in the corpus is told with exactly the text beside it."""

from pathlib import Path

import pytest

from dr.config.loader import read_file
from dr.config.problems import in_order, render

FOLDER = Path(__file__).parents[2] / "corpus" / "config" / "yaml"


@pytest.mark.unit
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_file_is_told_exactly(path: Path) -> None:
    """What YAML readers disagree on, and what is not YAML, never gets through silently; the whole text is what a person sees."""
    _, problems = read_file(path, path.name)
    assert render(in_order(problems)) + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")
