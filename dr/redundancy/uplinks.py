"""`uplinks`: two internet providers, each asked through its own source address or interface.

The machine must route by source (`ip rule`), or be given interfaces: else both questions leave by the default route, and the loss of the
other provider is not seen.
"""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from dr.drivers.net.http import get, parse
from dr.drivers.net.link import NoOrigin, Origin, Place, linked
from dr.drivers.net.named import NetworkHost, Patience, Port
from dr.drivers.net.tls import secured, trust
from dr.errors import DrError, Stopped
from dr.model.base import Seconds, Slug, StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, judged

_READ = 64 * 1024


def _is_address(url: str) -> str:
    parse(url)
    return url


class Provider(StrictModel):
    source: NetworkHost | None = None
    """The address of this machine that belongs to this provider."""
    interface: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,15}$")] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.source is None and self.interface is None:
            raise ValueError("a provider is told from the other by its `source` address or its `interface`")
        return self


class Target(StrictModel):
    """Somebody out there who answers: `{host, port}` for a connection, `{url}` for a page (a portal of the provider's own has none)."""

    host: NetworkHost | None = None
    port: Port = 443
    url: Annotated[str, AfterValidator(_is_address)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.host is None) == (self.url is None):
            raise ValueError("write either `host` and `port`, or `url`")
        return self


class Params(StrictModel):
    providers: dict[Slug, Provider] = Field(min_length=2)
    targets: tuple[Target, ...] = Field(min_length=1)
    """A provider works if one of them answers through it: name two, of two owners."""
    timeout: Patience = Seconds(5.0)

    @model_validator(mode="after")
    def _two_ways(self) -> Self:
        ways = [(one.source, one.interface) for one in self.providers.values()]
        if len(set(ways)) < len(ways):
            raise ValueError("two providers go out by one way: what is asked through either says nothing of the other")
        return self


class Uplinks:
    """ports.Redundant."""

    kind = "uplinks"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        return judged([self._provider(name, one, params, at) for name, one in params.providers.items()])

    def _provider(self, name: str, one: Provider, params: Params, at: Looking) -> Half:
        origin, why = Origin(one.source, one.interface), ""
        for target in params.targets:
            try:
                _answered(target, origin, params.timeout, at)
                return Half(name=name, state="whole", words=f"through {origin}")
            except Stopped:
                raise
            except NoOrigin as error:
                return Half(name=name, state="lost", words=error.message)
            except DrError as error:
                why = error.message
        return Half(name=name, state="lost", words=f"through {origin} nobody answers: {why}")


def _answered(target: Target, origin: Origin, seconds: float, at: Looking) -> None:
    """Raises DrError where it does not."""
    if target.url is None:
        with linked(Place(str(target.host), target.port), seconds, at.stop, origin):
            return
    address = parse(target.url)
    with linked(address.place, seconds, at.stop, origin) as link:
        if address.scheme == "https":
            with secured(link, address.place, address.host, trust(None)) as session:
                get(session, address, {}, _READ)
        else:
            get(link, address, {}, _READ)


WATCH = Uplinks()
