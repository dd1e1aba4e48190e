"""THE list: one line per kind (action, source, repository, host, check, redundancy). A new one is a file in its room and a line here."""

from dr.actions import (
    approve,
    await_acceptances,
    backup,
    canary,
    check,
    command,
    copy,
    detect_outages,
    forecast,
    keep_told,
    notify,
    opening,
    probe,
    prune,
    reassign_duties,
    replay_suppressions,
    report,
    restore,
    save_home,
    scrub,
    select_backup,
    service,
    swap_in,
    verify,
    watch_redundancy,
)
from dr.checks import (
    content_equals_source,
    http_answers,
    needle,
    newest_row_age,
    row_count_change,
    site_files_equal,
    sql_answers,
    sql_assertion,
    starts_up,
    tcp_answers,
    tls_expiry,
)
from dr.config.kinds import Kinds
from dr.hosts import local, ssh, ssh_login
from dr.model.ports import Action, Check, HostKind, Redundant, RepositoryKind, Source
from dr.redundancy import disk_growth, lvm_mirror, mdraid, pair, smart, uplinks, ups_apc, ups_nut, zfs
from dr.redundancy import tls_expiry as tls_of_a_server
from dr.repositories import directory
from dr.repositories import ssh as ssh_repository
from dr.sources import files, postgres_logical

ACTIONS: dict[str, Action] = {
    action.kind: action
    for action in (
        backup.ACTION,
        copy.ACTION,
        verify.ACTION,
        canary.ACTION,
        forecast.ACTION,
        prune.ACTION,
        save_home.ACTION,
        select_backup.ACTION,
        restore.ACTION,
        check.ACTION,
        scrub.ACTION,
        notify.ACTION,
        reassign_duties.ACTION,
        await_acceptances.ACTION,
        report.ACTION,
        command.ACTION,
        probe.ACTION,
        approve.ACTION,
        keep_told.ACTION,
        replay_suppressions.ACTION,
        opening.ACTION,
        service.ACTION,
        swap_in.ACTION,
        watch_redundancy.ACTION,
        detect_outages.ACTION,
    )
}
SOURCES: dict[str, Source] = {
    source.kind: source
    for source in (
        postgres_logical.SOURCE,
        files.SOURCE,
    )
}
NEEDLES = {postgres_logical.SOURCE.kind: postgres_logical.PLANTED, files.SOURCE.kind: files.PLANTED}
"""Kind of source to what its needle writes into production, in words."""
REPOSITORIES: dict[str, RepositoryKind] = {repository.kind: repository for repository in (directory.KIND, ssh_repository.KIND)}
HOSTS: dict[str, HostKind] = {host.kind: host for host in (local.KIND, ssh.KIND)}
CHECKS: dict[str, Check] = {
    one.kind: one
    for one in (
        starts_up.CHECK,
        content_equals_source.CHECK,
        needle.CHECK,
        site_files_equal.CHECK,
        sql_assertion.CHECK,
        sql_answers.CHECK,
        newest_row_age.CHECK,
        row_count_change.CHECK,
        http_answers.CHECK,
        tcp_answers.CHECK,
        tls_expiry.CHECK,
    )
}

REDUNDANCY: dict[str, Redundant] = {
    one.kind: one
    for one in (
        mdraid.WATCH,
        zfs.WATCH,
        lvm_mirror.WATCH,
        smart.WATCH,
        ups_nut.WATCH,
        ups_apc.WATCH,
        uplinks.WATCH,
        pair.WATCH,
        tls_of_a_server.WATCH,
        disk_growth.WATCH,
    )
}
"""Kinds of what there are two of."""


def kinds() -> Kinds:
    """The same list, as the reader of the files wants it: kinds and the models of their parameters."""
    return Kinds(
        actions=ACTIONS,
        sources={kind: source.params for kind, source in SOURCES.items()},
        repositories={kind: repository.params for kind, repository in REPOSITORIES.items()},
        hosts={kind: host.params for kind, host in HOSTS.items()},
        checks={kind: check.params for kind, check in CHECKS.items()},
        redundancy={kind: one.params for kind, one in REDUNDANCY.items()},
        source_places={files.SOURCE.kind: files.places},
        repository_places={directory.KIND.kind: directory.places, ssh_repository.KIND.kind: ssh_repository.places},
        host_places={local.KIND.kind: local.places, ssh.KIND.kind: ssh_login.places},
        machines={ssh.KIND.kind: ssh_login.SshHost.machine, ssh_repository.KIND.kind: ssh_repository.SshParams.machine},
    )
