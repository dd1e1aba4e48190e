"""`tls-expiry`: the certificate at a host's port is believed, bears the right name, and will be good for long enough still.

The server's own certificate is looked at; an authority's between it and the root that ends sooner is not.
"""

from typing import Any

from dr.checks.network import FILES, Seen, asked, authority
from dr.drivers.net.link import Place, linked
from dr.drivers.net.named import Certificate
from dr.drivers.net.tls import certificate, secured, trust
from dr.model.base import StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult
from dr.units import show_duration

Params = Certificate


class TlsExpiry:
    """ports.Probe."""

    kind = "tls-expiry"
    params: type[StrictModel] = Params
    files = FILES

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it asks over the network
        return self.probe(params, ctx)

    def probe(self, params: Params, ctx: StepContext) -> CheckResult:
        place = Place(params.host, params.port)
        return asked(self.kind, str(place), lambda: _look(params, place, ctx), ctx)


def _look(params: Params, place: Place, ctx: StepContext) -> Seen:
    believed = trust(authority(params.ca, ctx))
    with linked(place, params.timeout, ctx.stop) as link, secured(link, place, params.name or params.host, believed) as session:
        shown = certificate(session)
    left = (shown.expires - ctx.clock.now()).total_seconds()
    details = {"expires": shown.expires.isoformat(), "certificate": shown.digest}
    if left <= 0:
        return f"{place}: its certificate has expired (renew the certificate)", "", details
    said = f"{place}: its certificate is good for {show_duration(left)} more"
    if left < params.at_least:
        return f"{said}, and it should be {show_duration(params.at_least)} at least (renew the certificate)", "", details
    return "", said, details


CHECK = TlsExpiry()
