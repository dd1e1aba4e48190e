"""`pair`: two routers (or firewalls, switches) of which either can carry the site: each is asked by itself, and which one carries."""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from dr.drivers.net.link import Place, linked
from dr.drivers.net.named import NetworkHost, Patience, Port
from dr.errors import DrError, Stopped
from dr.model.base import Seconds, Slug, StrictModel
from dr.model.inventory import SecretRef
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, judged
from dr.redundancy import vrrp
from dr.redundancy.asking import ask

_PLAIN = {"MIBS": ""}
"""Numbers are read as they come: no name of theirs is looked up, and nothing is said of names that are not there."""


class Router(StrictModel):
    host: NetworkHost
    port: Port | None = None
    """Where it takes connections (22, 443); without one it is pinged."""


class Vrrp(StrictModel):
    """How it is learnt which router carries the shared address."""

    by: Literal["snmp", "command"]
    community: SecretRef | None = None
    """Of SNMP (version 2c): who may read. It goes by a private file, never on a command line."""
    mib: Literal["vrrp", "vrrpv3"] = "vrrp"
    port: Port = 161
    """Where the routers answer SNMP."""
    commands: dict[Slug, tuple[str, ...]] = Field(default_factory=dict)
    """Router to the argument list that prints its state: `[cat, /tmp/keepalived.data]`, or an snmpwalk of your own."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.by == "snmp" and self.community is None:
            raise ValueError("by snmp wants `community: !secret {file: ...}`")
        if self.by == "command" and not self.commands:
            raise ValueError("by command wants `commands: {ROUTER: [PROGRAM, ARGUMENT]}`")
        return self


class Params(StrictModel):
    routers: dict[Slug, Router] = Field(min_length=2)
    vrrp: Vrrp | None = None
    timeout: Patience = Seconds(5.0)

    @model_validator(mode="after")
    def _two_of_them(self) -> Self:
        if len({(one.host, one.port) for one in self.routers.values()}) < len(self.routers):
            raise ValueError("two of the routers are one: what it answers says nothing of the other")
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        strange = sorted(set(self.vrrp.commands) - set(self.routers)) if self.vrrp else []
        if strange:
            raise ValueError(f"'{strange[0]}' is none of the routers")
        return self


def reached(routers: Sequence[Half], told: Mapping[str, Sequence[vrrp.Part]] | None) -> Reading:
    """The pair by what answered, and by what each said of the shared address (None: nobody was asked)."""
    if told is None:
        return judged(routers)
    whole = all(half.state == "lost" or half.name in told for half in routers)
    return judged([*routers, *vrrp.standing(told, whole=whole)])


class Pair:
    """ports.Redundant."""

    kind = "pair"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        halves = [_router(name, one, params.timeout, at) for name, one in params.routers.items()]
        return reached(halves, _told(params, halves, at) if params.vrrp else None)


def _router(name: str, one: Router, seconds: float, at: Looking) -> Half:
    if one.port is None:
        said = ask(["ping", "-n", "-c", "2", "-W", str(max(1, round(seconds))), "--", one.host], at)
        words = "" if said.code == 0 else "it does not answer a ping" if said.code == 1 else "ping failed"
        return Half(name=name, state="whole" if said.code == 0 else "lost" if said.code == 1 else "unknown", words=words)
    try:
        with linked(Place(one.host, one.port), seconds, at.stop):
            return Half(name=name, state="whole")
    except Stopped:
        raise
    except DrError as error:
        return Half(name=name, state="lost", words=error.message)


def _told(params: Params, halves: Sequence[Half], at: Looking) -> dict[str, list[vrrp.Part]]:
    """Of the routers that answer: a dead one's own half says it already."""
    assert params.vrrp is not None
    alive = [half.name for half in halves if half.state != "lost"]
    if params.vrrp.by == "command":
        return {name: vrrp.parse(ask(params.vrrp.commands[name], at).out) for name in alive if name in params.vrrp.commands}
    assert params.vrrp.community is not None
    tree = vrrp.OPER_STATE if params.vrrp.mib == "vrrp" else vrrp.OPERATIONS_STATUS
    with _configured(at.secret(params.vrrp.community)) as folder:
        agents = {name: _agent(params.routers[name].host, params.vrrp.port) for name in alive}
        return {name: vrrp.parse(_walk(agent, tree, folder, params.timeout, at)) for name, agent in agents.items()}


def _agent(host: str, port: int) -> str:
    """As net-snmp takes it; an address of version 6 is told from a name and its port by brackets."""
    return f"udp6:[{host}]:{port}" if ":" in host else f"udp:{host}:{port}"


def _walk(agent: str, tree: str, folder: str, seconds: float, at: Looking) -> str:
    words = ["snmpwalk", "-On", "-r", "1", "-t", f"{seconds / 2:.2f}", agent, tree]
    return at.runner.run(words, check=False, timeout=4 * seconds + 10, env=_PLAIN | {"SNMPCONFPATH": folder}).stdout.decode(
        "utf-8", "replace"
    )


@contextmanager
def _configured(community: str) -> Iterator[str]:
    """A private folder in which net-snmp finds how to ask."""
    with tempfile.TemporaryDirectory(prefix="dr-snmp-") as folder:
        file = os.open(Path(folder) / "snmp.conf", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            quoted = community.replace("\\", "\\\\").replace('"', '\\"')
            out.write(f'defVersion 2c\ndefCommunity "{quoted}"\n')
        yield folder


WATCH = Pair()
