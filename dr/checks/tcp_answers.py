"""`tcp-answers`: something takes a connection at a host's port. It says nothing of what listens there; `http-answers` says more."""

from typing import Any

from dr.checks.network import PATIENCE, NetworkHost, Patience, Port, Seen, asked
from dr.drivers.net.link import Place, linked
from dr.model.base import StrictModel
from dr.model.ports import Restored, StepContext
from dr.model.record import CheckResult


class Params(StrictModel):
    host: NetworkHost
    port: Port
    timeout: Patience = PATIENCE


class TcpAnswers:
    """ports.Probe."""

    kind = "tcp-answers"
    params: type[StrictModel] = Params

    def run(self, params: Any, restored: Restored, ctx: StepContext) -> CheckResult:  # noqa: ARG002 - it asks over the network
        return self.probe(params, ctx)

    def probe(self, params: Params, ctx: StepContext) -> CheckResult:
        place = Place(params.host, params.port)

        def look() -> Seen:
            with linked(place, params.timeout, ctx.stop):
                return "", f"{place} takes connections", {}

        return asked(self.kind, str(place), look, ctx)


CHECK = TcpAnswers()
