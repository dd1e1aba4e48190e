"""The schemas that an editor checks by: as strict as the loader where JSON Schema has the words, and never stricter."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from dr import plugins
from dr.config.cron_pattern import CRON
from dr.config.docs import field_docs, kind_doc
from dr.config.init import init_home
from dr.config.inventory import check_inventory
from dr.config.kinds import Kinds
from dr.config.load import load
from dr.config.loader import read_file, read_text
from dr.config.nodes import Node, Table, at, plain
from dr.config.problems import ConfigProblems, Problem
from dr.config.runbooks import Around, check_runbooks, is_cron
from dr.config.schema import schemas, write_schemas
from dr.model.base import JsonObject
from dr.model.inventory import RetentionPolicy
from tests.support.config_homes import CORPUS, make_home
from tests.support.config_kinds import KINDS

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[3]
CASES = sorted(path.parent for path in (CORPUS / "homes").glob("*/expected.txt"))
SHAPE = re.compile(
    "is not (?:known here|one of|a duration|a schedule|an action|a kind of|a check|a reference)"
    "|is not (?:text|a whole number|a number|true or false|a list|a mapping)"
    "|takes no '|' is missing|has no unit|cannot be a name here|^this is empty|is less than|needs an id"
    "|a secret is not written here|a drill without|a drill must not"
)
"""The problems for which JSON Schema has words; all others need more than one place, the inventory, or YAML itself."""


def validator(kinds: Kinds, folder: str) -> Draft202012Validator:
    return Draft202012Validator(schemas(kinds)[folder.removesuffix("s")])


def files(home: Path) -> Iterator[tuple[str, Path]]:
    for folder in ("inventory", "runbooks"):
        for path in sorted((home / folder).glob("*.yaml")):
            yield folder, path


def refusals(home: Path, kinds: Kinds) -> dict[str, list[ValidationError]]:
    """File to what the schema has against it."""
    found = {}
    for folder, path in files(home):
        root, _ = read_file(path, path.name)
        found[f"{folder}/{path.name}"] = list(validator(kinds, folder).iter_errors(plain(root))) if root else []
    return found


def leaves(error: ValidationError) -> Iterator[ValidationError]:
    yield error
    for inner in error.context or ():
        yield from leaves(inner)


def meets(problem: Problem, root: Table, error: ValidationError) -> bool:
    """Whether an error is about the line of a problem: its place begins there, or it is about a name in a mapping that spans it (or
    begins below it)."""
    if problem.message.startswith("a drill "):
        return error.validator == "contains"
    place = at(root, list(error.absolute_path))
    about_names = error.validator in ("additionalProperties", "required", "propertyNames")
    end = max((node.end_line for node in below(place)), default=place.end_line)
    return place.line == problem.line - 1 or (about_names and place.line <= problem.line <= end + 1)


def below(node: Node) -> Iterator[Node]:
    yield node
    for key, value in node.entries.values() if isinstance(node, Table) else ():
        yield key
        yield from below(value)


@pytest.mark.parametrize("kinds", [KINDS, plugins.kinds()], ids=["a few kinds", "all kinds"])
def test_they_are_schemas(kinds: Kinds) -> None:
    """Of draft 2020-12, as its own meta-schema has it."""
    for schema in schemas(kinds).values():
        Draft202012Validator.check_schema(schema)


def test_what_is_shipped_is_valid(tmp_path: Path) -> None:
    """The examples, and a home made from them with the schemas in it."""
    init_home(tmp_path / "home", "Harbor", "America/Chicago", kinds=plugins.kinds())
    for home in (ROOT, tmp_path / "home"):
        found = refusals(home, plugins.kinds())
        assert len(found) >= 8 and not any(found.values()), found


def test_a_new_home_names_its_schemas(tmp_path: Path) -> None:
    """An editor finds the right schema for every file that `dr init` wrote, and the loader still reads it."""
    home = tmp_path / "home"
    init_home(home, "Harbor", "America/Chicago", kinds=plugins.kinds())
    for folder, path in files(home):
        named = re.match(r"# yaml-language-server: \$schema=(\S+)", path.read_text())
        assert named and (path.parent / named[1]).resolve() == home / ".schema" / f"{folder.removesuffix('s')}.json"
    assert load(home, plugins.kinds()).runbooks
    before = (home / ".schema" / "runbook.json").read_bytes()
    (home / ".schema" / "runbook.json").write_text("{}")
    write_schemas(home / ".schema", plugins.kinds())
    assert (home / ".schema" / "runbook.json").read_bytes() == before


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_what_the_loader_refuses_for_its_shape_the_schema_refuses(case: Path, tmp_path: Path) -> None:
    """Line by line: an editor marks every line that has a problem of shape."""
    home = make_home(tmp_path, case)
    with pytest.raises(ConfigProblems) as caught:
        load(home, KINDS)
    errors = refusals(home, KINDS)
    for problem in caught.value.problems:
        if SHAPE.search(problem.message) and "(from ${" not in problem.message and problem.line:
            root, _ = read_file(home / problem.file, problem.file)
            assert root and any(meets(problem, root, leaf) for error in errors[problem.file] for leaf in leaves(error)), problem


def test_what_the_corpus_holds_that_is_good_is_valid(tmp_path: Path) -> None:
    """The base of the corpus, and every home whose problem is only where its places are."""
    assert not any(refusals(make_home(tmp_path / "base"), KINDS).values())
    for case in sorted((CORPUS / "places").iterdir()):
        found = refusals(make_home(tmp_path / case.name, case), plugins.kinds())
        assert not any(errors for file, errors in found.items() if file.startswith("inventory/")), case


WORDS = ["", "x", "online", "4h", "1d 12h", "24", "10GiB", "0 1 * * *", "drill", "check", "starts-up", "$$", "$x", "${", "${x}"]
REFERENCES = ["${parameters.system}", "${steps.a.b}", ["${parameters.system}"]]
VALUES = st.sampled_from([None, True, 0, 1, 7, 1.5, *WORDS, *REFERENCES, [], ["online"], {}, {"a": 1}, {"file": "keys/x"}])
NAMES = st.sampled_from(["with", "id", "needs", "kind", "x", "from", "from_", "timeout", "only", "host", "checks", "Ä", "retry", "when"])


def change(value: Any, draw: Any) -> Any:
    """One random change somewhere in a value: replaced, taken out, or put in."""
    ways = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if ways and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(ways))
        return (
            {**value, key: change(value[key], draw)}
            if isinstance(value, dict)
            else [*value[:key], change(value[key], draw), *value[key + 1 :]]
        )
    if isinstance(value, dict) and draw(st.booleans()):
        key = draw(st.sampled_from(ways)) if ways and draw(st.booleans()) else None
        return {k: v for k, v in value.items() if k != key} if key else {**value, draw(NAMES): draw(VALUES)}
    return draw(VALUES)


def as_yaml(value: Any) -> str:
    """Flow style; a mapping that names a secret's place and nothing else gets its tag."""
    if isinstance(value, dict):
        tag = "!secret " if value and set(value) <= {"file", "env", "credential"} else ""
        return tag + "{" + ", ".join(f"{json.dumps(k)}: {as_yaml(v)}" for k, v in value.items()) + "}"
    return "[" + ", ".join(map(as_yaml, value)) + "]" if isinstance(value, list) else json.dumps(value)


@contextmanager
def home_of(folder: str, name: str, value: Any) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / folder).mkdir()
        (Path(place) / folder / f"{name}.yaml").write_text(as_yaml(value))
        yield Path(place)


def example(folder: str, name: str) -> JsonObject:
    root, _ = read_file(ROOT / folder / f"{name}.yaml", name)
    found: JsonObject = plain(root)
    return found


RUNBOOKS = [example("runbooks", name) for name in ("nightly", "drill-online")]
INVENTORY = {k: v for name in ("hosts", "repositories", "systems", "contacts") for k, v in example("inventory", name).items()}
RUNBOOK_RULES, INVENTORY_RULES = validator(plugins.kinds(), "runbooks"), validator(plugins.kinds(), "inventory")
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@QUICK
@given(st.data())
def test_a_runbook_that_the_loader_takes_the_schema_takes(data: st.DataObject) -> None:
    """Whatever is changed in a good runbook: an editor never marks what `dr check` takes, and marks what it refuses for its shape."""
    value = data.draw(st.sampled_from(RUNBOOKS))
    for _ in range(data.draw(st.integers(1, 2))):
        value = change(value, data.draw)
    if not isinstance(value, dict):
        return
    stem = value["runbook"] if isinstance(value.get("runbook"), str) and re.fullmatch("[a-z-]+", value["runbook"]) else "nightly"
    with home_of("runbooks", stem, value) as home:
        problems = check_runbooks(home, Around(plugins.kinds())).problems
    judge(value, problems, RUNBOOK_RULES)


@QUICK
@given(st.data())
def test_an_inventory_that_the_loader_takes_the_schema_takes(data: st.DataObject) -> None:
    """The same of a file of the inventory."""
    value = change(INVENTORY, data.draw)
    if not isinstance(value, dict) or read_text(as_yaml(value), "x")[1]:
        return
    with home_of("inventory", "all", value) as home:
        problems = [p for p in check_inventory(home, plugins.kinds()).problems if p.file != "inventory"]
    judge(value, problems, INVENTORY_RULES)


def of_reference(problem: Problem) -> bool:
    """Whether it is about what a reference stands for, which no schema sees."""
    begin = (problem.caret if problem.caret is not None else problem.col - 1) if problem.line else 0
    return "(from ${" in problem.message or (
        "${" in problem.source[begin : begin + problem.length] and "not a reference" not in problem.message
    )


def judge(value: Any, problems: list[Problem], rules: Draft202012Validator) -> None:
    shape = [p for p in problems if SHAPE.search(p.message) and not of_reference(p)]
    refused = list(rules.iter_errors(value))
    if shape:
        assert refused, shape
    if not problems:
        assert not refused, (value, refused)


@pytest.mark.positive_control
def test_a_schema_that_takes_everything_would_be_found() -> None:
    """The twin: a schema without rules does not pass for one."""
    wrong = {**RUNBOOKS[0], "kind": "backups"}
    problem = Problem("runbooks/x.yaml", 1, 1, 1, "'backups' is not one of backup, drill")
    judge(wrong, [problem], RUNBOOK_RULES)
    with pytest.raises(AssertionError):
        judge(wrong, [problem], Draft202012Validator({}))
    with pytest.raises(AssertionError):
        judge(RUNBOOKS[0], [], Draft202012Validator(False))


FIELD = st.text("0123456789*,-/LW#sunJAN ", min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text("0123456789*,-/LW#SUNmon ", max_size=24), st.lists(FIELD, min_size=5, max_size=5).map(" ".join)))
def test_a_schedule_that_can_come_true_is_one_to_the_schema(text: str) -> None:
    """The pattern of five cron fields takes all that the loader takes."""
    if is_cron(text):
        assert re.search(CRON, text)


@pytest.mark.parametrize("text", ["0 3 * * SUN", "*/15 1-5 L 1,2 1#2", "0 0 LW jan-MAR 5L", "0,30 00 01 * 7", "5/10 * * * mon-fri"])
def test_schedules_that_are_fine(text: str) -> None:
    assert is_cron(text) and re.search(CRON, text)


@pytest.mark.parametrize("text", ["@daily", "0 25 * * SUN", "60 1 * * *", "0 1 0 * *", "0 1 * 13 *", "0 1 * *", "0 1 * * 8", "0 1 * * * *"])
def test_schedules_that_are_none(text: str) -> None:
    assert not is_cron(text) and not re.search(CRON, text)


def test_what_stands_in_the_source_is_what_the_editor_shows() -> None:
    """Field docs and the words of every kind: none is empty, so that no completion comes without its meaning."""
    assert field_docs(RetentionPolicy)["expire_after"].startswith("The privacy limit")
    kinds = plugins.kinds()
    every = [action.params for action in kinds.actions.values()]
    for model in (*every, *kinds.sources.values(), *kinds.repositories.values(), *kinds.hosts.values(), *kinds.checks.values()):
        assert len(kind_doc(model)) > 20, model


def test_a_list_where_a_systems_name_belongs_is_told_and_breaks_nothing() -> None:
    value = {**RUNBOOKS[0], "parameters": {"system": {"default": ["hmis"]}}}
    with home_of("runbooks", "nightly", value) as home:
        assert check_runbooks(home, Around(plugins.kinds())).problems
