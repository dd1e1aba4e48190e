"""What a person should know before a recovery begins, and no program decides: production still answers; what will stop it later on.

Asked without a login and for a few seconds at most: nothing of a recovery needs production, or waits for it.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from dr.actions.journal import Places
from dr.drivers.net.link import Place, linked
from dr.errors import DrError
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, SystemName
from dr.model.runbook import Plan

if TYPE_CHECKING:
    from dr.app.home import App

WITHIN = 3.0
"""Seconds for all that are asked, at once."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SPEAK_TLS = bytes.fromhex("0000000804d2162f")
"""PostgreSQL's SSLRequest: it answers with one letter, before anybody has said who they are."""
Question = tuple[str, Place, Callable[[Place, float], bool]]


def still_answering(app: "App", system: SystemName, within: float = WITHIN) -> list[str]:
    """A line for each production host of the system that answers."""
    return [_line(*one) for one in answering(app, _read(app, system), within)]


def goes_on(app: "App", system: SystemName, plan: Plan, within: float = WITHIN) -> list[str]:
    """A line for each server that the run's own backup reads, that answers, and that no step stops: people could work there afterwards."""
    stopped = {step.with_.get("host") for step in plan.steps if step.action == "service" and step.with_.get("do") == "stop"}
    names = [name for name in _read(app, system) if name not in stopped]
    return [
        f"production still answers, PostgreSQL at {place} (host '{name}'), and no step stops it: what is entered there after this run's "
        "own backup is lost; stop the applications before it, and that server as soon as the new one is open"
        for name, what, place in answering(app, names, within)
        if what == "PostgreSQL"
    ]


def lets_in(app: "App", names: Sequence[HostName], now: HostName, within: float = WITHIN) -> list[str]:
    """A line for each of these hosts, which are production no longer, whose server answers. `now`: the host that is."""
    return [
        f"PostgreSQL on '{name}' ({place}) still lets users in: what is entered there is lost; stop it now "
        f"(unless that address leads to '{now}' by now)"
        for name, what, place in answering(app, names, within)
        if what == "PostgreSQL"
    ]


def _read(app: "App", system: SystemName) -> list[HostName]:
    sources = app.inventory.systems[system].sources.values()
    return list(dict.fromkeys(HostName(one.host) for one in sources if app.inventory.hosts[one.host].role == "production"))


def answering(app: "App", names: Sequence[HostName], within: float = WITHIN) -> list[tuple[HostName, str, Place]]:
    """Each of these hosts that answers: what does, and where."""
    asked = [(name, *question) for name in names for question in _questions(app.services.host_request(name, LocalRunner())[1].params)]
    with ThreadPoolExecutor(max_workers=max(1, len(asked)), thread_name_prefix="dr-still") as pool:
        answers = list(pool.map(lambda one: one[3](one[2], within), asked))
    found: dict[HostName, tuple[str, Place]] = {}
    for (name, what, place, _), answered in zip(asked, answers, strict=True):
        if answered:
            found.setdefault(name, (what, place))  # the server's own word says more than its machine's
    return [(name, *one) for name, one in found.items()]


def _line(host: HostName, what: str, place: Place) -> str:
    lost = "who works there now loses what they enter from here on"
    if what == "PostgreSQL":
        return f"production still answers, PostgreSQL at {place} (host '{host}'): {lost}"
    return f"the machine of host '{host}' still answers, {what} at {place}; whether its system does is not known without a login: {lost}"


def _questions(params: Any) -> Iterator[Question]:
    """Its server first. What a machine across the network calls its loopback is at its address from here, if it is let through at all."""
    address, postgres = getattr(params, "address", None), params.postgres
    if postgres is not None:
        yield "PostgreSQL", Place(address if address and postgres.host in _LOOPBACK else postgres.host, postgres.port), _is_postgres
    if address is not None:
        yield "sshd", Place(address, params.port), _is_sshd


def _is_postgres(place: Place, within: float) -> bool:
    return _says(place, within, _SPEAK_TLS, (b"S", b"N", b"E"))


def _is_sshd(place: Place, within: float) -> bool:
    return _says(place, within, b"", (b"SSH-",))


def _says(place: Place, within: float, first: bytes, wanted: tuple[bytes, ...]) -> bool:
    try:
        with linked(place, within, threading.Event()) as link:
            link.sendall(first)
            said = b""
            while len(said) < len(wanted[0]) and (more := link.recv(len(wanted[0]) - len(said))):
                said += more
            return said in wanted
    except DrError:
        return False


def stopped_by_journal(app: "App", system: SystemName, within: float = WITHIN) -> list[str]:
    """Of a system that declares `suppression`: why the requests could not be replayed as things are, so that nothing would be opened.

    Nothing where that is not known in time: a repository that is silent is waited for by the step itself, not by a person.
    """
    if app.inventory.systems[system].suppression is None:
        return []
    keys, records = app.services.keys, app.records
    places = Places(system, app.inventory.organisation.name, HostPath(str(app.home)), app.repositories(), keys, records)
    found: list[str] = []

    def look() -> None:
        try:
            places.look().holding(system)
        except DrError as error:
            found.append(f"nothing will be opened as things are: {error.message}. Mend it while it restores: {error.hint}")

    return _known_in_time(look, found, within)


def unplaced(app: "App", plan: Plan, within: float = WITHIN) -> list[str]:
    """Why a file set could not take its place as the standby is now: it is mended while the rest restores. Nothing where it is silent."""
    found: list[str] = []

    def look() -> None:
        for host, places in _swaps(plan):
            try:
                kind, request = app.services.host_request(host, LocalRunner())
                told = kind.swappable(request, app.services.standing(), places) if kind.swappable else ()
            except DrError:
                continue  # the restore says it first, and better
            found.extend(f"on {host}, {what}" for fine, what in told if not fine)

    return _known_in_time(look, found, within)


def _swaps(plan: Plan) -> Iterator[tuple[HostName, list[HostPath]]]:
    for step in plan.steps:
        host, places = step.with_.get("host"), step.with_.get("places")
        if step.action == "swap-in" and isinstance(host, str) and "${" not in host and isinstance(places, dict):
            yield HostName(host), [HostPath(str(place)) for place in places.values() if "${" not in str(place)]


def _known_in_time(look: Callable[[], None], found: list[str], within: float) -> list[str]:
    looking = threading.Thread(target=look, name="dr-beforehand", daemon=True)
    looking.start()
    looking.join(within)
    return list(found)
