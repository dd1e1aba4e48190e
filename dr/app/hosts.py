"""`dr hosts enrol|check`: what is done to one host, and what is seen of it."""

from collections.abc import Sequence

from dr.app.home import App, whoami
from dr.app.recognised import recognised
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, RunId


def enrol(app: App, host: str) -> list[str]:
    """Record a production host's facts, or make a standby provably one."""
    kind, request = app.services.host_request(HostName(host), LocalRunner())
    facts = kind.enrol(request, app.services.standing())
    if facts is not None:
        app.records.record_production(facts)
        for finding in ("production-unknown", "production-changed"):
            app.records.close_finding(f"{finding}:{host}", app.clock.now(), RunId(""))
    app.records.audit("host.enrolled", host, {"role": request.role}, actor=whoami(), at=app.clock.now())
    return [f"{host} is enrolled as {request.role}", *(recognised(facts) if facts is not None else ())]


def check_host(app: App, host: str) -> Sequence[tuple[bool, str]]:
    """Lines of (fine, what). Raises Unreachable."""
    kind, request = app.services.host_request(HostName(host), LocalRunner())
    return kind.check(request, app.services.standing())
