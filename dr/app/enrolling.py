"""What enrolling a host means, said before it is done; and what a new home still waits for."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dr import plugins
from dr.app.agent.allowed import REMARK
from dr.app.home import App
from dr.app.hosts import check_host
from dr.app.in_service import in_service
from dr.errors import DrError, Refused
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, RepositoryName
from dr.model.readiness import Colour
from dr.stream.patience import Patience, PatientRepository


def foreseen(app: App, host: str) -> Sequence[tuple[bool, str]]:
    """What enrolling would do, or what speaks against it: lines of (fine, what). Raises ConfigError, Refused, Unreachable."""
    kind, request = app.services.host_request(HostName(host), LocalRunner())
    if request.role == "standby" and host in in_service(app.records):
        raise Refused(
            f"host '{host}' went into service in a recovery", hint="give the new standby a name of its own in inventory/hosts.yaml"
        )
    return kind.foresee(request, app.services.standing())


def look(app: App, host: str) -> list[tuple[Colour, str]]:
    """As `check_host`, for a person: a standby that only waits to be enrolled is nothing wrong."""
    lines = check_host(app, host)
    first = f"dr hosts enrol {host}"
    if any(first in what for ok, what in lines if not ok) and app.inventory.hosts[host].role == "standby":
        with suppress(DrError):
            would = foreseen(app, host)
            if all(ok for ok, _ in would):
                lines = [*would, (True, f"{REMARK}not enrolled yet: {first}")]
    return [_coloured(ok, what.replace(f"; try: dr hosts check {host}", _UP)) for ok, what in lines]


_UP = "; is that machine on, and the line to it up?"
"""Whoever has just typed the check is not told to type it."""


def _coloured(ok: bool, what: str) -> tuple[Colour, str]:
    if ok and what.startswith(REMARK):
        return "amber", what.removeprefix(REMARK)
    return "green" if ok else "red", what


def needles(app: App, host: str) -> list[str]:
    """What dr writes into this production host: its needles, a line for each source that has one."""
    if app.inventory.hosts[host].role != "production":
        return []
    found = [
        f"source '{name}' of system '{system}': before each backup dr writes {plugins.NEEDLES[source.kind]} (needle: true)"
        for system, entry in app.inventory.systems.items()
        for name, source in entry.sources.items()
        if source.host == host and source.needle and source.kind in plugins.NEEDLES
    ]
    return found or ["it is only ever read: no source of it has needle: true"]


def still_to_do(app: App) -> list[str]:
    """Repositories that are not initialised and hosts that are not enrolled, each with its command. Makes nothing."""
    return [*_repositories(app), *_hosts(app)]


def next_steps(app: App) -> list[str]:
    """What comes after a host was enrolled: what is still to do, or else a first night."""
    nightly = dict.fromkeys(entry.runbooks.nightly for entry in app.inventory.systems.values() if entry.runbooks.nightly)
    return still_to_do(app) or [f"dr run {name} --rehearse, then dr run {name}" for name in nightly]


def _repositories(app: App) -> list[str]:
    found = []
    for name, entry in app.inventory.repositories.items():  # opened here, since to look must not make a catalog
        kind = plugins.REPOSITORIES[entry.kind]
        params, home = kind.params.from_facts(entry.with_), HostPath(str(app.home))
        opened = kind.open(RepositoryName(name), entry.tier, params, home, app.inventory.organisation.name)
        try:
            PatientRepository(opened, Patience(opened.name)).identity()
        except DrError as error:
            found.append(f"{error.message}: dr repositories init {name}")
    return found


def _hosts(app: App) -> list[str]:
    recorded = set()
    if Path(app.home / "state" / "catalog.db").exists():
        recorded = {facts.host for facts in app.records.production()}
    roles = {name: entry.role for name, entry in app.inventory.hosts.items()}
    found = [f"host '{n}' is not enrolled: dr hosts enrol {n}" for n, role in roles.items() if role == "production" and n not in recorded]
    if found or not recorded:  # a standby is judged by what is known of production
        return found + [f"host '{n}' is not enrolled: dr hosts enrol {n}" for n, role in roles.items() if role == "standby"]
    for name in (n for n, role in roles.items() if role == "standby"):
        found += [f"host '{name}' is not ready: {what}" for ok, what in check_host(app, name) if not ok]
    return found
