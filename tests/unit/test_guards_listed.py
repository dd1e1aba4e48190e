"""The table of guards is whole and true: `scripts/campaign-guards` switches each of them off and sees its test go red."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dr import errors
from tests.support.guards.campaign import examine, never_green
from tests.support.guards.guard import TOP, Guard, base
from tests.support.guards.table import ELSEWHERE, GUARDS

pytestmark = pytest.mark.unit
FAMILIES = (errors.Refused, errors.Damaged)
NAMES = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, FAMILIES)}
Span = tuple[int, int]
"""First and last line."""


@cache
def text_of(file: str) -> str:
    return (TOP / file).read_text(encoding="utf-8")


def refusals(tree: ast.Module) -> Iterator[tuple[ast.Call, Span]]:
    """Every place where an error of the two families is made, with the lines of what decides on it."""
    above = {below: node for node in ast.walk(tree) for below in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and _called(node.func) in NAMES:
            statement: ast.AST = node
            while not isinstance(statement, ast.stmt):
                statement = above[statement]
            yield node, _deciding(statement, above)


def _called(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def _deciding(statement: ast.stmt, above: dict[ast.AST, ast.AST]) -> Span:
    """From the `if` or the `try` that leads to it, or from the statement before it."""
    parent, last = above[statement], statement.end_lineno or statement.lineno
    if isinstance(parent, ast.ExceptHandler):
        return above[parent].lineno, last  # type: ignore[attr-defined]
    body: list[ast.stmt] = getattr(parent, "body", [])
    place = body.index(statement) if statement in body else 0
    first = parent.lineno if isinstance(parent, ast.If) and statement in body else body[place - 1].lineno if place else statement.lineno
    return first, last


def lines_of(guard: Guard) -> Span:
    text = text_of(guard.file)
    first = text[: text.index(guard.on)].count("\n") + 1
    return first, first + guard.on.rstrip("\n").count("\n")


def unlisted(file: str, text: str, guards: list[Guard], elsewhere: list[str]) -> list[str]:
    """The places of a file that neither a row covers nor the list of those elsewhere names."""
    spans = [lines_of(guard) for guard in guards]
    found = []
    for call, (first, last) in refusals(ast.parse(text)):
        segment = ast.get_source_segment(text, call) or ""
        if not any(start <= last and end >= first for start, end in spans) and not any(words in segment for words in elsewhere):
            found.append(f"{file}:{call.lineno}: {' '.join(segment.split())[:100]}")
    return found


def test_every_guard_is_where_the_table_says() -> None:
    """A row switches off what is there, and exactly that."""
    wrong = [f"{g.file}: {text_of(g.file).count(g.on)} times: {g.on}" for g in GUARDS if text_of(g.file).count(g.on) != 1]
    assert not wrong
    assert [g.promise for g in GUARDS if g.on == g.off or not g.tests] == []
    assert len({(g.file, g.on, g.off) for g in GUARDS}) == len(GUARDS)


def test_every_test_of_the_table_exists() -> None:
    """A row whose test was renamed or removed would prove nothing."""
    named = {base(test) for guard in GUARDS for test in guard.tests}
    missing = [node for node in sorted(named) if f"\ndef {node.split('::')[1]}(" not in text_of(node.split("::")[0])]
    assert not missing


def test_every_refusal_of_the_house_has_its_row() -> None:
    """A new guard comes with the row that shows its test red, or with a reason why it has none."""
    found = []
    for path in sorted((TOP / "dr").rglob("*.py")):
        file = path.relative_to(TOP).as_posix()
        if not any(f"{name}(" in text_of(file) for name in NAMES):
            continue
        rows = [guard for guard in GUARDS if guard.file == file]
        found += unlisted(file, text_of(file), rows, [one.words for one in ELSEWHERE if one.file == file])
    assert not found, "neither in tests/support/guards nor in its list of those elsewhere:\n" + "\n".join(found)


def test_what_is_elsewhere_is_there_and_says_why() -> None:
    """The list of those without a row holds nothing that is gone."""
    for file in {one.file for one in ELSEWHERE}:
        made = [ast.get_source_segment(text_of(file), call) or "" for call, _ in refusals(ast.parse(text_of(file)))]
        gone = [one.words for one in ELSEWHERE if one.file == file and not any(one.words in words for words in made)]
        assert (file, gone) == (file, [])
    assert [one.words for one in ELSEWHERE if not one.why] == []


@pytest.mark.positive_control
def test_a_new_refusal_without_a_row_is_found() -> None:
    """The completeness above is no accident: one refusal more, and it is named."""
    guard = next(one for one in GUARDS if one.file == "dr/config/secrets.py")
    text = text_of(guard.file) + '\n\ndef odd(value: int) -> None:\n    if value % 2:\n        raise Refused("that is odd")\n'
    rows = [one for one in GUARDS if one.file == guard.file]
    listed = [one.words for one in ELSEWHERE if one.file == guard.file]
    found = unlisted(guard.file, text, rows, listed)
    assert len(found) == 1
    assert found[0].endswith('Refused("that is odd")')


SHOP = """
def sell(count):
    if count < 0:
        raise ValueError("less than nothing")
    if count > 9:
        raise ValueError("more than there is")
    return count
"""
BUYER = """
import pytest
from shop import sell

def test_nobody_buys_less_than_nothing():
    with pytest.raises(ValueError):
        sell(-1)

def test_nobody_looks_closely():
    sell(3)
"""


def test_a_guard_that_is_off_turns_its_test_red_and_one_without_a_test_stays_green(tmp_path: Path) -> None:
    """The machine itself, on a shop with two guards of which one is tested; with both on, all is green and the file as it was."""
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_buyer.py").write_text(BUYER)
    strict, lax = "test_buyer.py::test_nobody_buys_less_than_nothing", "test_buyer.py::test_nobody_looks_closely"
    tested = Guard("nobody buys less than nothing", "shop.py", "if count < 0:", "if False:", (strict,))
    untested = Guard("nobody buys more than there is", "shop.py", "if count > 9:", "if False:", (lax,))
    assert never_green([tested, untested], tmp_path) == []
    assert examine(tested, tmp_path).wrong == ""
    assert examine(untested, tmp_path).wrong == f"{lax}: passed"
    assert (tmp_path / "shop.py").read_text() == SHOP
