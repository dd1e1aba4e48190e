"""`ups-apc`: an uninterruptible supply that apcupsd watches, by `apcaccess`."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Reading, unseen
from dr.redundancy.asking import ask
from dr.redundancy.power import Flags, percent, power

FLAGS = Flags(
    mains=frozenset({"ONLINE"}),
    on_battery=frozenset({"ONBATT"}),
    no_battery=frozenset({"LOWBATT", "REPLACEBATT", "NOBATT", "SHUTTING"}),
    worse=frozenset({"OVERLOAD", "CAL"}),
    silent=frozenset({"COMMLOST", "NETDOWN"}),
    harmless=frozenset({"TRIM", "BOOST", "SLAVE", "SLAVEDOWN", "DOWN"}),
)
"""`STATUS`, as apcupsd's manual lists it; `SHUTTING DOWN` is two words."""


class Params(StrictModel):
    server: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\[][A-Za-z0-9_.:\[\]-]{0,199}(:[0-9]{1,5})?$")] | None = None
    """apcupsd's own server, `host` or `host:3551`; without one, this machine's."""
    charge: float = Field(default=50.0, ge=0, le=100)
    """Percent below which the battery is not yet back."""


def parse(text: str, least: float = 50.0) -> Reading:
    """What `apcaccess status` prints."""
    told = {key.strip(): value.strip() for key, colon, value in (line.partition(":") for line in text.splitlines()) if colon}
    if "STATUS" not in told:
        return unseen("apcaccess does not tell the supply's status; does apcupsd run?")
    words = frozenset(told["STATUS"].split())
    if "DOWN" in words and "SHUTTING" not in words:
        return unseen("apcaccess says a status that this dr does not know")
    return power(words, FLAGS, percent(told.get("BCHARGE")), least)


class UpsApc:
    """ports.Redundant."""

    kind = "ups-apc"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        return parse(ask(["apcaccess", "status", *([params.server] if params.server else [])], at).out, params.charge)


WATCH = UpsApc()
