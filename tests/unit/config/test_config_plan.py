"""A runbook and its parameters become one frozen plan."""

from pathlib import Path

import pytest

from dr.config.load import Loaded, load
from dr.config.plan import compile_plan
from dr.config.runbooks import Around, check_runbooks, load_runbooks
from dr.errors import ConfigError
from dr.model.inventory import Objective
from dr.model.references import resolve_steps
from dr.model.runbook import Plan
from tests.support.config_homes import CORPUS, make_home
from tests.support.config_kinds import KINDS

pytestmark = pytest.mark.unit


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    return load(make_home(tmp_path), KINDS)


def drill(loaded: Loaded, **parameters: str) -> Plan:
    return compile_plan(loaded.runbooks["drill-online"], loaded.inventory, parameters, KINDS)


def test_everything_known_is_filled_in_and_steps_stay_open(loaded: Loaded) -> None:
    """The plan alone says what will run: ids, order, system, tier and objective; only facts of steps to come are open."""
    plan = drill(loaded)
    assert (plan.system, plan.tier, plan.kind) == ("hmis", "online", "drill")
    assert plan.objective == Objective.from_facts({"rto": "4h", "target": "2h"})  # the runbook's target is the tighter one
    assert [(step.id, step.needs) for step in plan.steps] == [("select", ()), ("restore", ("select",)), ("prove", ("restore",))]
    assert [step.id for step in (*plan.on_failure, *plan.always)] == ["on-failure-1-notify", "always-1-scrub", "always-2-report"]
    assert plan.steps[1].with_ == {"set": "${steps.select.set}", "from": "${steps.select.repository}", "onto": "standby"}
    facts = {"select": {"set": "20261122T070000Z-7f3a9c", "repository": "fileserver"}}
    assert resolve_steps(plan.steps[1].with_, facts.get)["from"] == "fileserver"


def test_a_plan_survives_storage_and_has_one_digest(loaded: Loaded) -> None:
    """It is the durable run's input: through JSON and back it is the same, and the same files give the same plan."""
    plan = drill(loaded)
    assert Plan.from_facts(plan.to_facts()) == plan
    assert drill(loaded).digest() == plan.digest()
    assert drill(loaded, standby="records").digest() != plan.digest()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"stanby": "x"}, "runbook 'drill-online' has no parameter 'stanby'\n   HINT: it has standby. Did you mean 'standby'?"),
        (
            {"standby": "stanby"},
            "step 'restore': 'stanby' is not a host\n   HINT: the inventory has standby, records. Did you mean 'standby'?",
        ),
        ({"standby": "${steps.a.b}"}, "step 'restore': '${steps.a.b}' is not a host\n   HINT: the inventory has standby, records."),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(loaded: Loaded, given: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        drill(loaded, **given)
    assert str(caught.value) == told


def _book(tmp_path: Path, text: str) -> tuple[Loaded, Path]:
    home = make_home(tmp_path)
    (home / "runbooks" / "nightly.yaml").write_text(text)
    return load(home, KINDS), home


def test_parameters_take_the_type_of_their_default(tmp_path: Path) -> None:
    """`-p` is always text; a number stays a number and what cannot be one is refused."""
    loaded, _ = _book(
        tmp_path,
        "runbook: nightly\ntitle: x\nkind: backup\nparameters: {n: {default: 3}, must: {help: how long}}\n"
        'steps: [{id: a, action: wait, with: {most: "${parameters.must}", retries: "${parameters.n}"}}]\n',
    )
    book = loaded.runbooks["nightly"]
    assert compile_plan(book, loaded.inventory, {"n": "7", "must": "4h"}, KINDS).steps[0].with_ == {"most": "4h", "retries": 7}
    with pytest.raises(ConfigError) as wrong:
        compile_plan(book, loaded.inventory, {"n": "many", "must": "4h"})
    assert str(wrong.value) == "parameter 'n': 'many' is not a whole number\n   HINT: its default is 3"
    with pytest.raises(ConfigError) as missing:
        compile_plan(book, loaded.inventory, {})
    assert str(missing.value) == "runbook 'nightly' needs the parameter 'must'\n   HINT: add -p must=...  how long"


def test_a_step_that_is_left_out_leaves_no_hole(tmp_path: Path) -> None:
    """`only` drops a step from the plan; what waited for it waits for what it waited for."""
    loaded, _ = _book(
        tmp_path,
        "runbook: nightly\ntitle: x\nkind: backup\nsteps:\n"
        "  - {id: a, action: report}\n  - {id: b, action: report, only: drill}\n  - {id: c, action: report}\n"
        "  - {id: d, action: report, needs: []}\n  - {id: e, action: report, needs: [b, d]}\n",
    )
    plan = compile_plan(loaded.runbooks["nightly"], loaded.inventory, {})
    assert [(step.id, step.needs) for step in plan.steps] == [("a", ()), ("c", ("a",)), ("d", ()), ("e", ("a", "d"))]


def test_the_inventory_is_filled_in_and_bound(tmp_path: Path) -> None:
    """An inventory value goes in as it is, and the plan says which inventory it was compiled against."""
    loaded, _ = _book(
        tmp_path,
        "runbook: nightly\ntitle: x\nkind: backup\nsteps:\n"
        '  - {id: a, action: wait, with: {most: "${inventory.systems.hmis.objectives.rpo}"}}\n',
    )
    plan = compile_plan(loaded.runbooks["nightly"], loaded.inventory, {}, KINDS)
    assert plan.steps[0].with_ == {"most": 86400.0}
    assert len(plan.inventory) == 64


def test_load_runbooks_alone_checks_names_against_the_inventory_given(tmp_path: Path, loaded: Loaded) -> None:
    home = make_home(tmp_path / "other", CORPUS / "homes" / "style-example")
    with pytest.raises(ConfigError, match="'standby_2' is not a host"):
        load_runbooks(home, loaded.inventory, KINDS)


@pytest.mark.positive_control
def test_without_names_a_wrong_host_gets_through(tmp_path: Path, loaded: Loaded) -> None:
    """The twin: the same file checked against no names has only its other problem left."""
    home = make_home(tmp_path / "other", CORPUS / "homes" / "style-example")
    problems = check_runbooks(home, Around(KINDS, None, loaded.inventory)).problems
    assert [problem.message for problem in problems] == ["step 'restore': action 'restore' takes no 'databse'"]
