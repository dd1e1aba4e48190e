"""Every guard of the house: the rows of all rooms, and the refusals that have none."""

from tests.support.guards import (
    rows_actions,
    rows_app,
    rows_base,
    rows_checks,
    rows_config,
    rows_config_2,
    rows_duties,
    rows_hosts,
    rows_hosts_2,
    rows_policy,
    rows_policy_2,
    rows_records,
    rows_recovery,
    rows_report,
    rows_repositories,
    rows_sources,
    rows_ssh,
    rows_ssh_2,
    rows_ssh_3,
    rows_stream,
    rows_suppression,
    rows_swaps,
    rows_units,
)
from tests.support.guards.elsewhere import ELSEWHERE
from tests.support.guards.guard import Guard

__all__ = ["ELSEWHERE", "GUARDS"]

GUARDS: tuple[Guard, ...] = (
    *rows_policy.GUARDS,
    *rows_policy_2.GUARDS,
    *rows_config.GUARDS,
    *rows_config_2.GUARDS,
    *rows_hosts.GUARDS,
    *rows_hosts_2.GUARDS,
    *rows_ssh.GUARDS,
    *rows_ssh_2.GUARDS,
    *rows_ssh_3.GUARDS,
    *rows_stream.GUARDS,
    *rows_repositories.GUARDS,
    *rows_sources.GUARDS,
    *rows_checks.GUARDS,
    *rows_actions.GUARDS,
    *rows_base.GUARDS,
    *rows_app.GUARDS,
    *rows_records.GUARDS,
    *rows_recovery.GUARDS,
    *rows_report.GUARDS,
    *rows_suppression.GUARDS,
    *rows_swaps.GUARDS,
    *rows_duties.GUARDS,
    *rows_units.GUARDS,
)
