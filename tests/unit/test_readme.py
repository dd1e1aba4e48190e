"""The README promises nothing that no test keeps, and shows nothing that is not there."""

import ast
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")


def _functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test_that_is_there() -> None:
    """A promise without its test is a wish."""
    named = re.findall(r"`(tests/[\w/.]+)::(\w+)`", README)
    assert len(named) >= 11
    missing = [f"{path}::{test}" for path, test in named if test not in _functions(TOP / path)]
    assert missing == []


def test_every_command_of_the_readme_is_there() -> None:
    """Somebody under stress types what is written here."""
    from dr.cli import COMMANDS

    words = set(re.findall(r"(?:^|[`( ])dr ([a-z]+)", README, flags=re.MULTILINE))
    assert words - set(COMMANDS) - {"only", "is", "itself"} == set()
    assert len(words) > 10


def test_every_script_and_picture_of_the_readme_is_there() -> None:
    """A dead link costs a reader's trust in the rest."""
    paths = re.findall(r"\b(scripts/[\w-]+)", README) + re.findall(r"\]\((docs/[\w/.-]+)\)", README)
    assert [path for path in paths if not (TOP / path).exists()] == []
