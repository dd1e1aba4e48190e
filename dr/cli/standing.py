"""Below the systems: what goes on, what was interrupted, which standby holds data or is none any more."""

from collections.abc import Collection, Iterator, Sequence

from dr.cli.show import coloured, wrapped
from dr.clock import local
from dr.model.base import RunId
from dr.model.record import HostState


def still_named(hosts: Sequence[HostState], inventory: Collection[str]) -> list[HostState]:
    """Without those in service that the inventory names no more; what still holds client data is said whatever it names."""
    return [host for host in hosts if host.state != "in-service" or host.host in inventory]


def standing(interrupted: Sequence[RunId], active: set[RunId], hosts: Sequence[HostState], zone: str, width: int) -> Iterator[str]:
    """What goes on, what was interrupted, and every standby that holds data or is no standby any more."""
    said = goes_on(interrupted, active, hosts, zone)
    if said:
        yield ""
    for text, colour in said:
        yield from (coloured(line, colour) if colour else line for line in wrapped(text, width, first="  ", rest="    "))


def goes_on(interrupted: Sequence[RunId], active: set[RunId], hosts: Sequence[HostState], zone: str) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = [(f"▶ {run} is running", "") for run in sorted(active - set(interrupted))]
    said += [(f"▲ {run} was interrupted; go on with: dr runs resume {run}", "amber") for run in interrupted]
    for host in hosts:
        since = f"since {local(host.since, zone)}"
        if host.state == "in-service":
            said.append((f"● {host.host} is in service {since}: nothing is ever restored onto it again", ""))  # the rest is a finding
        elif host.state in ("claimed", "adopted") and (host.run not in active or host.run in interrupted):
            of = f" of {host.run}" if host.run else ""
            then_on = "resumed, a drill scrubs it at its end, a recovery goes on to open it"
            then = then_on if host.run in interrupted else "scrub it by the next drill, or look at it now"
            said.append((f"▲ {host.host} still holds restored data{of}, {since}: {then}", "amber"))
    return said
