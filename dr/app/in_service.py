"""What a recovery made production: no run that would write to it is begun, and it says what to do."""

from typing import TYPE_CHECKING

from dr.clock import local
from dr.config.plan import compile_plan
from dr.errors import Refused
from dr.model.inventory import Inventory
from dr.model.ports import Records
from dr.model.record import HostState
from dr.model.runbook import Plan, Runbook
from dr.policy.recovery import in_the_way, unfit

if TYPE_CHECKING:
    from dr.app.home import App


def in_service(records: Records) -> dict[str, HostState]:
    """The hosts that a recovery put into service, by name."""
    return {state.host: state for state in records.hosts() if state.state == "in-service"}


def require_fit(plan: Plan, records: Records, inventory: Inventory) -> None:
    """Raises Refused for a plan that may not be begun: it is not what it should be, or what it writes to is production by now."""
    wrong = unfit(plan)
    if wrong:
        raise Refused(wrong[0], hint=wrong[1])
    serving = in_service(records)
    host = in_the_way(plan, serving)
    if host is not None:
        raise Refused(suspended_words(plan, serving[host], inventory), hint=_next(plan, serving[host], records, inventory))


def suspended_words(plan: Plan, state: HostState, inventory: Inventory) -> str:
    since = local(state.since, inventory.organisation.zone)
    return f"'{plan.runbook}' is suspended: it would write to host '{state.host}', which is production since {since} ({state.run})"


def _next(plan: Plan, state: HostState, records: Records, inventory: Inventory) -> str:
    """What a new standby takes; first of all that the inventory knows who is production."""
    if inventory.hosts[state.host].role != "production":
        run = records.run(state.run) if state.run else None  # another system may have been recovered onto the standby of both
        return f"dr reprotect {(run.system if run else None) or plan.system or 'SYSTEM'}"
    spare = [name for name, entry in inventory.hosts.items() if entry.role == "standby"]
    if spare:
        return f"name the new standby in the runbook, or for once: dr run {plan.runbook} -p standby={spare[0]}"
    return "a new standby is needed: name one in inventory/hosts.yaml, under a name of its own, and dr hosts enrol it"


def suspended(app: "App", runbook: Runbook) -> str:
    """Why the runbook, with its defaults, cannot be begun now; empty: it can."""
    serving = in_service(app.records)
    if not serving:
        return ""
    plan = compile_plan(runbook, app.inventory, {})
    host = in_the_way(plan, serving)
    return f"host '{host}' is in service" if host else ""
