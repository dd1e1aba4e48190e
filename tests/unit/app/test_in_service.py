"""What may not be begun: a plan that would do harm, a run onto what is production by now, a recovery onto a standby that is held."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dr.app.enrolling import foreseen
from dr.app.home import App
from dr.app.in_service import require_fit
from dr.app.recover import _require_standbys, require_free
from dr.errors import ConfigError, Refused
from dr.model.inventory import HostEntry, Inventory
from dr.model.ports import Records
from dr.model.record import HostState
from dr.model.runbook import Plan
from tests.support.catalog_runs import inventory_of
from tests.unit.policy.test_policy_recovery import DECLARED, PROVE, RESTORE, SCRUB, WHOLE, plan

pytestmark = pytest.mark.unit
SINCE = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DRILL = plan(RESTORE, PROVE, kind="drill", always=(SCRUB,))


def records(state: str, run: str = "recover-1", of: Plan = DRILL) -> Records:
    one = HostState.from_facts({"host": "standby", "state": state, "run": run, "since": SINCE.isoformat()})
    its_run = SimpleNamespace(system="other") if state == "in-service" else None
    return cast("Records", SimpleNamespace(hosts=lambda: [one], run=lambda _: its_run, plan=lambda _: of))


def inventory(**roles: str) -> Inventory:
    hosts = {name: HostEntry.from_facts({"kind": "local", "role": role}) for name, role in roles.items()}
    return inventory_of({}).model_copy(update={"hosts": hosts})


def refusal(there: Records, hosts: Inventory) -> str:
    with pytest.raises(Refused) as caught:
        require_fit(DRILL, there, hosts)
    return str(caught.value)


def test_a_run_that_would_write_to_production_is_refused_and_says_what_comes_next() -> None:
    """First that the inventory says who is production, then a new standby, then its name in the runbook."""
    since = "which is production since Sun 22 Nov 2026, 03:00 CST (recover-1)"
    said = f"'recover' is suspended: it would write to host 'standby', {since}\n   HINT: "
    serving = records("in-service")
    assert refusal(serving, inventory(standby="standby")) == said + "dr reprotect other", "the system that was recovered onto it"
    new = "a new standby is needed: name one in inventory/hosts.yaml, under a name of its own, and dr hosts enrol it"
    assert refusal(serving, inventory(standby="production")) == said + new
    name = "name the new standby in the runbook, or for once: dr run recover -p standby=spare"
    assert refusal(serving, inventory(standby="production", spare="standby")) == said + name


def test_a_plan_that_would_do_harm_is_not_begun() -> None:
    """Whichever command begins it."""
    with pytest.raises(Refused) as caught:
        require_fit(plan(*WHOLE), records("clean"), inventory(standby="standby"))
    assert str(caught.value) == "'recover' is a recovery, which replaces production\n   HINT: dr recover hmis --reason TEXT"


@pytest.mark.positive_control
def test_control_where_nothing_went_into_service_the_same_plans_may_be_begun() -> None:
    require_fit(DRILL, records("clean"), inventory(standby="standby"))
    require_fit(plan(*WHOLE, declaration=DECLARED), records("adopted"), inventory(standby="standby"))


def app(there: Records, active: set[str], interrupted: list[str], role: str = "standby") -> App:
    kind = SimpleNamespace(foresee=lambda *_: [(True, "it is empty")])
    services: Any = SimpleNamespace(
        active=lambda: active, host_request=lambda *_: (kind, SimpleNamespace(role=role)), standing=lambda: None
    )
    return cast("App", SimpleNamespace(records=there, services=services, interrupted=lambda: interrupted))


@pytest.mark.parametrize(("interrupted", "command"), [(["drill-1"], "cancel --hard"), ([], "cancel")])
def test_a_recovery_does_not_wait_for_a_drill_that_holds_its_standby(interrupted: list[str], command: str) -> None:
    """Whoever recovers is told at once, not after an hour of restoring; a drill that nobody carries is ended by hand."""
    recovery = plan(*WHOLE, declaration=DECLARED)
    with pytest.raises(Refused) as caught:
        require_free(app(records("claimed", "drill-1"), {"drill-1"}, interrupted), recovery)
    assert str(caught.value) == f"host 'standby' is held by drill-1\n   HINT: dr runs {command} drill-1, then type this again"
    require_free(app(records("claimed", "drill-1"), set(), []), recovery)


@pytest.mark.parametrize(("interrupted", "hint"), [(["recover-1"], "dr runs resume recover-1"), ([], "look on: dr runs watch recover-1")])
def test_nobody_is_told_to_end_a_colleagues_recovery(interrupted: list[str], hint: str) -> None:
    """Two people type the same in two terminals: the second must not take the first one's away."""
    recovery = plan(*WHOLE, declaration=DECLARED)
    with pytest.raises(Refused) as caught:
        require_free(app(records("claimed", "recover-1", recovery), {"recover-1"}, interrupted), recovery)
    assert caught.value.message == "a recovery onto host 'standby' is under way already: recover-1"
    assert caught.value.hint == hint


def test_a_recovery_onto_what_is_no_standby_is_not_begun() -> None:
    """The wrong name under stress: before administrators are told of a recovery that the guard would refuse."""
    recovery = plan(*WHOLE, declaration=DECLARED)
    for role in ("production", "repository"):
        with pytest.raises(ConfigError) as caught:
            _require_standbys(cast("App", SimpleNamespace(inventory=inventory(standby=role, spare="standby"))), recovery)
        assert caught.value.message == f"host 'standby' is no standby: its role in the inventory is '{role}'"
        assert caught.value.hint == "nothing is ever restored there; the inventory's standbys: spare"
    _require_standbys(cast("App", SimpleNamespace(inventory=inventory(standby="standby"))), recovery)


def test_a_name_that_went_into_service_is_no_standbys_again() -> None:
    """A new place under the old name would stay suspended for ever, and nobody would know why."""
    with pytest.raises(Refused) as caught:
        foreseen(app(records("in-service"), set(), []), "standby")
    assert caught.value.message == "host 'standby' went into service in a recovery"
    assert foreseen(app(records("clean"), set(), []), "standby") == [(True, "it is empty")]
