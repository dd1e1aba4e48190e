"""Homes for the tests of `dr.config`: the good one of the corpus, with a case's files laid over it."""

import shutil
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus" / "config"


def make_home(place: Path, over: Path | None = None) -> Path:
    """Copy the corpus's good home to `place`, then the files of `over` onto it."""
    shutil.copytree(CORPUS / "base", place, dirs_exist_ok=True)
    if over is not None:
        shutil.copytree(over, place, dirs_exist_ok=True, ignore=shutil.ignore_patterns("expected.txt"))
    return place
