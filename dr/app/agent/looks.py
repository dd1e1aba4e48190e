"""Questions that only look: how a thing there are two of stands on this machine, and whether a system answers when it is asked from here.

Each kind is a verb of its own (`look-mdraid`, `inquire-tcp-answers`), so that a login's forced command can tell them apart.
"""

import threading
from collections.abc import Callable
from typing import cast

from dr import plugins
from dr.app.agent.allowed import Allowed
from dr.clock import Clock
from dr.errors import Stopped
from dr.hosts.process import LocalRunner
from dr.model.base import HostPath, JsonObject
from dr.model.inventory import SecretRef
from dr.model.ports import Looking, Probe, Redundant, StepContext
from dr.model.redundancy import KeptReading
from dr.redundancy.pair import Params as PairParams

INQUIRED = ("http-answers", "tcp-answers")
Verb = Callable[[JsonObject], JsonObject]


class _Here:
    """As much of a step as a question over the network needs."""

    def __init__(self, clock: Clock, stop: threading.Event, home: HostPath, secret: Callable[[SecretRef], str]) -> None:
        self.clock, self.stop, self.home, self.secret = clock, stop, home, secret

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped("the question was told to end")


def verbs(clock: Clock, stop: threading.Event, home: HostPath, secret: Callable[[SecretRef], str], allowed: Allowed) -> dict[str, Verb]:
    """By name. Secrets are asked of the controller, which gives a host its own and no other."""

    def look(kind: Redundant) -> Verb:
        def answer(args: JsonObject) -> JsonObject:
            params = kind.params.from_facts(dict(args["params"]))
            if isinstance(params, PairParams) and params.vrrp is not None and params.vrrp.by == "command":
                allowed.verb("run")  # a program of the asker's choice
            earlier = [KeptReading.from_facts(dict(one)) for one in args["earlier"]]
            return {"reading": kind.look(params, Looking(LocalRunner(stop), clock, stop, home, secret, earlier)).to_facts()}

        return answer

    def inquire(check: Probe) -> Verb:
        here = cast("StepContext", _Here(clock, stop, home, secret))
        return lambda args: {"result": check.probe(check.params.from_facts(dict(args["params"])), here).to_facts()}

    asked = {f"inquire-{name}": inquire(cast("Probe", plugins.CHECKS[name])) for name in INQUIRED}
    return {f"look-{name}": look(kind) for name, kind in plugins.REDUNDANCY.items()} | asked
