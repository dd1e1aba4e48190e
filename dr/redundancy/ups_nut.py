"""`ups-nut`: an uninterruptible supply that Network UPS Tools watches, by `upsc`."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Reading, unseen
from dr.redundancy.asking import ask
from dr.redundancy.power import Flags, percent, power

FLAGS = Flags(
    mains=frozenset({"OL"}),
    on_battery=frozenset({"OB", "DISCHRG"}),
    no_battery=frozenset({"LB", "RB", "BYPASS", "OFF", "FSD"}),
    worse=frozenset({"OVER", "ALARM", "CAL", "OVERHEAT"}),
    charging=frozenset({"CHRG"}),
    silent=frozenset({"COMM", "NOCOMM", "WAIT"}),
    harmless=frozenset({"TRIM", "BOOST", "HB", "TEST", "ECO"}),
)
"""`ups.status`, as NUT's developer guide lists it."""


class Params(StrictModel):
    ups: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,59}(@[A-Za-z0-9_.:\[\]-]{1,200})?$")] = "ups"
    """As `upsc` takes it: `ups`, `ups@server`, `ups@server:3493`."""
    charge: float = Field(default=50.0, ge=0, le=100)
    """Percent below which the battery is not yet back."""


def parse(text: str, least: float = 50.0) -> Reading:
    """What `upsc` prints, on either channel."""
    if "Error: Unknown UPS" in text:
        return Reading(state="absent", words="the server knows no such supply")
    told = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    if "ups.status" not in told:
        return unseen("upsc does not tell the supply's status; do upsd and the driver run?")
    words = frozenset(told["ups.status"].split())
    if "OL" in words:  # some supplies test themselves, or say DISCHRG while mains is there
        words -= {"DISCHRG"}
    return power(words, FLAGS, percent(told.get("battery.charge")), least)


class UpsNut:
    """ports.Redundant."""

    kind = "ups-nut"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        said = ask(["upsc", params.ups], at)
        return parse(said.out + said.err, params.charge)


WATCH = UpsNut()
