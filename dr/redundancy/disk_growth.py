"""`disk-growth`: how much room a disk has, and when it will be full if it goes on as in the last two weeks."""

import re
from typing import Annotated, Any

from pydantic import Field

from dr.model.base import ByteCount, Duration, HostPath, Seconds, Size, StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, judged
from dr.policy.growth import full_in
from dr.redundancy.asking import ask
from dr.units import show_duration, show_size

_LINE = re.compile(r"^\S.*?\s(?P<total>\d+)\s+(?P<used>\d+)\s+(?P<free>-?\d+)\s+(?P<percent>\d+%|-)\s+/", re.MULTILINE)
_DAY = 86400.0


class Params(StrictModel):
    paths: tuple[HostPath, ...] = Field(min_length=1)
    """Any path on each disk; one that is not absolute begins at the home."""
    full_in: Duration = Field(default=Seconds(30 * _DAY), gt=0)
    """Sooner than this is too soon."""
    least: Size = ByteCount(2**30)
    """Less than this free is too little, however slowly it fills."""
    least_percent: Annotated[float, Field(ge=0, le=100)] = 5.0


def parse(text: str) -> tuple[int, int] | None:
    """Bytes in all and bytes free, of what `df -B1 -P PATH` prints; None where it says nothing."""
    match = _LINE.search(text)
    return (int(match["total"]), max(0, int(match["free"]))) if match and int(match["total"]) else None


def room(path: str, total: int, free: int, left: Seconds | None, params: Params) -> Half:
    """`left`: until it is full, if that is known."""
    said = f"{show_size(free)} of {show_size(total)} free"
    if free == 0:
        return Half(name=path, state="lost", words=f"it is full ({show_size(total)})")
    if free < params.least or free < total * params.least_percent / 100:
        return Half(name=path, state="degraded", words=said)
    if left is not None and left < params.full_in:
        return Half(name=path, state="degraded", words=f"{said}, full in {show_duration(left)} if it goes on so")
    return Half(name=path, state="whole", words=said)


class DiskGrowth:
    """ports.Redundant."""

    kind = "disk-growth"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        halves, figures = [], {}
        for path in params.paths:
            said = ask(["df", "-B1", "-P", "--", path if path.startswith("/") else f"{at.home}/{path}"], at)
            found = parse(said.out) if said.code == 0 else None
            if found is None:
                halves.append(Half(name=path, state="absent" if said.missing else "unknown", words="its room cannot be read"))
                continue
            total, free = found
            figures[f"free:{path}"] = float(free)
            halves.append(room(path, total, free, self._left(path, free, at), params))
        return judged(halves).model_copy(update={"figures": figures})

    def _left(self, path: str, free: int, at: Looking) -> Seconds | None:
        key, now = f"free:{path}", at.clock.now()
        before = [(kept.at, kept.reading.figures[key]) for kept in at.earlier if key in kept.reading.figures]
        return full_in([*before, (now, float(free))], now)


WATCH = DiskGrowth()
