"""The loader never crashes, never blows up, and never shows a secret."""

import json

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from dr.config.kinds import Kinds
from dr.config.loader import Limits, read_bytes, read_text
from dr.config.nodes import plain
from dr.config.problems import mask_line, render
from dr.config.runbooks import Around, check_runbooks
from tests.support.config_homes import make_home
from tests.support.config_kinds import KINDS

pytestmark = pytest.mark.unit

YAMLISH = st.text(alphabet=st.sampled_from("abn01:-_ \n\t,[]{}'\"&*!|>%#?~.<=$\\xuU@`\x00\x85\u2028é\ud800"), max_size=60)
BOMB = "a: &a [x, x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdef", "bcdefg", strict=True))


@given(st.text(max_size=200) | YAMLISH)
@example("%YAML 99999999999999999999.1\n---\na: 1")
@example('a: "\\UFFFFFFFF"')
@example("%TAG ! %ff\n---\n!x a")
@example("? - a\n: b")
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    """Whatever is in the file, a person gets an answer with a place, never a stack trace; and what is given can be stored as JSON."""
    root, problems = read_text(text, "x.yaml")
    assert root is not None or problems
    assert render(problems)
    assert json.loads(json.dumps(plain(root))) == plain(root)


@given(st.binary(max_size=80))
def test_any_bytes_give_a_tree_or_problems(data: bytes) -> None:
    root, problems = read_bytes(data, "x.yaml")
    assert root is not None or problems


@given(YAMLISH)
def test_any_runbook_gives_a_runbook_or_problems(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """The whole way, not the loader alone: nothing but problems comes out of a file that is wrong."""
    home = tmp_path_factory.mktemp("home")
    (home / "runbooks").mkdir()
    (home / "runbooks" / "x.yaml").write_text(
        f"runbook: x\ntitle: x\nkind: drill\nsteps:\n  - {{id: a, action: wait, with: {text}}}\n", errors="replace"
    )
    checked = check_runbooks(home, Around(KINDS))
    assert checked.problems


JSONISH = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**17), max_value=10**17)
    | st.text(alphabet=st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abcxyz", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from("abc"), JSONISH, min_size=1))
def test_json_means_itself(value: dict[str, object]) -> None:
    """What is quoted is text and what is plain is what it looks like: every JSON file of text, numbers and truth reads as itself."""
    root, problems = read_text(json.dumps(value), "x.yaml")
    assert problems == []
    assert plain(root) == value


def test_aliases_cannot_blow_up() -> None:
    """A file of a few lines must not become millions of values."""
    root, problems = read_text(BOMB, "x.yaml")
    assert root is None
    assert [problem.message for problem in problems] == ["more than 16 aliases in one file"]


@pytest.mark.positive_control
def test_with_the_limits_off_aliases_blow_up() -> None:
    """The twin: the same file, its limits taken off, holds thousands of values."""
    root, problems = read_text(BOMB, "x.yaml", Limits(aliases=10**6, values=10**9))
    assert problems == []
    assert len(json.dumps(plain(root))) > 10_000


@pytest.mark.positive_control
def test_pyyaml_itself_would_take_the_surprises() -> None:
    """The twin of the corpus: what our loader refuses, the common one reads as something else, silently."""
    assert yaml.safe_load("{a: 12:30, b: no, c: 010, d: 1, d: 2}") == {"a": 750, "b": False, "c": 8, "d": 2}


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2",
        "  db_password: 'hunter2'",
        '{"token": "hunter2", x: 1}',
        "url: postgres://me:hunter2@host/x",
        "a: !secret hunter2",
        "- AGE-SECRET-KEY-HUNTER2",
        "api-key: hunter2 # note",
    ],
)
def test_a_secret_in_a_shown_line_is_stars(line: str) -> None:
    """Promise 7: the line that is shown with a problem shows no secret that somebody typed there."""
    shown, _, _ = mask_line(line, 0, 1)
    assert "hunter2" not in shown.lower()
    assert "********" in shown


@given(st.text(alphabet="ab: /@'\"{},password", max_size=40), st.integers(0, 40), st.integers(1, 10), st.booleans())
def test_masking_keeps_the_caret_on_the_line(line: str, col: int, length: int, secret: bool) -> None:
    col = min(col, len(line))
    shown, moved, wide = mask_line(line, col, length, secret=secret)
    assert 0 <= moved <= len(shown)
    assert wide >= 0


def test_an_unknown_kind_of_everything_is_told_even_without_any_kinds(tmp_path: object) -> None:
    """A registry that was not wired is a problem with a place, not a crash."""
    from pathlib import Path

    home = make_home(Path(str(tmp_path)))
    assert "is not an action" in render(check_runbooks(home, Around(Kinds())).problems)
