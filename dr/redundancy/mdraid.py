"""`mdraid`: Linux software RAID. `/proc/mdstat` says which places of an array are filled, `mdadm --detail` (as root) by which disk."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from dr.errors import DrError, Stopped
from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, RedundancyState, judged, unseen
from dr.redundancy.asking import ask

_ARRAY = re.compile(
    r"(?P<name>md[\w/.-]*) : (?P<how>active|inactive|broken)(?: \([\w-]+\))*(?: (?P<level>raid\d+|linear|multipath|faulty))? (?P<disks>.+)"
)
_SLOTS = re.compile(r"\[(?P<all>\d+)/(?P<up>\d+)\] \[(?P<slots>[U_]+)\]")
_MENDING = re.compile(r"(?P<what>recovery|resync|reshape)\s*=\s*(?P<done>[\d.]+%|DELAYED|PENDING|REMOTE)")
_ONE_HALF = ("raid0", "linear", "multipath", "faulty")
_DETAIL = re.compile(r"^\s+(?:\d+|-)\s+\d+\s+\d+\s+(?P<slot>\d+)\s+(?P<state>[a-zA-Z][\w -]*?)(?:\s+(?P<disk>/dev/\S+))?\s*$", re.MULTILINE)


class Params(StrictModel):
    arrays: tuple[Annotated[str, StringConstraints(pattern=r"^md[A-Za-z0-9_.-]{0,60}$")], ...] = Field(default=())
    """`md0`, `md127`; without any, every array of the machine that has halves. Name them: an array that is gone is then missed."""


@dataclass(frozen=True)
class _Array:
    """One of /proc/mdstat."""

    name: str
    level: str
    active: bool
    slots: str
    """`U_`: the first place is filled, the second not."""
    mending: str
    container: bool

    @property
    def halved(self) -> bool:
        return self.level not in _ONE_HALF and not self.container


def parse(text: str, arrays: Sequence[str] = ()) -> Reading:
    """What /proc/mdstat says of these arrays; of all that have halves where none is named."""
    if not text.startswith("Personalities :"):
        return unseen("/proc/mdstat does not read like /proc/mdstat")
    found, strange = _arrays(text)
    if strange:
        return unseen(f"/proc/mdstat says of {', '.join(strange)} what this dr does not understand")
    chosen = [found[name] for name in arrays if name in found] if arrays else [one for one in found.values() if one.halved]
    missing = tuple(Half(name=name, state="absent", words="there is no such array") for name in arrays if name not in found)
    if not chosen and not missing:
        return Reading(state="absent", words="this machine has no array with halves")
    return judged([*(half for one in chosen for half in _halves(one)), *missing], ", ".join(_said(one) for one in chosen))


def _arrays(text: str) -> tuple[dict[str, _Array], list[str]]:
    """By name, and those that could not be read."""
    found, strange = {}, []
    for block in re.split(r"\n(?=md\S* :)", text)[1:]:
        head, _, rest = block.partition("\n")
        rest = rest.split("unused devices:")[0]
        match = _ARRAY.match(head)
        if match is None:
            strange.append(head.split()[0])
            continue
        slots, mending = _SLOTS.search(rest), _MENDING.search(rest)
        found[match["name"]] = _Array(
            name=match["name"],
            level=match["level"] or "",
            active=match["how"] == "active",
            slots=slots["slots"] if slots and len(slots["slots"]) == int(slots["all"]) else "",
            mending=f"{mending['what']} {mending['done']}" if mending else "",
            container="super external:" in rest and match["level"] is None,
        )
    return found, strange


def _halves(one: _Array) -> Iterator[Half]:
    if not one.halved:
        yield Half(name=one.name, state="absent", words=f"{one.level or 'a container'} has no second half")
    elif not one.active:
        yield Half(name=one.name, state="lost", words="the array does not run")
    elif not one.slots:
        yield Half(name=one.name, state="unknown", words="which of its places are filled is not said")
    else:
        yield from (Half(name=f"{one.name}/{number}", state=_place(one, filled == "U")) for number, filled in enumerate(one.slots))


def _place(one: _Array, filled: bool) -> RedundancyState:
    if filled:
        return "rebuilding" if one.mending.startswith(("resync", "reshape")) else "whole"
    return "rebuilding" if one.mending else "lost"


def _said(one: _Array) -> str:
    return f"{one.name} {one.level} [{one.slots}]" + (f" {one.mending}" if one.mending else "") if one.active else f"{one.name} is inactive"


def parse_detail(text: str) -> dict[int, tuple[str, str]]:
    """`mdadm --detail`: place to what it says of it and its disk (`removed`, ``). Empty where it says nothing."""
    return {int(match["slot"]): (match["state"], match["disk"] or "") for match in _DETAIL.finditer(text)}


def named(reading: Reading, details: dict[str, dict[int, tuple[str, str]]]) -> Reading:
    """The same reading, its places called by their disks; what the details say to be faulty is lost, whatever mdstat says."""
    halves = [_named(half, details) for half in reading.halves]
    return judged(halves, reading.words) if halves else reading


def _named(half: Half, details: dict[str, dict[int, tuple[str, str]]]) -> Half:
    array, _, place = half.name.partition("/")
    state, disk = details.get(array, {}).get(int(place), ("", "")) if place else ("", "")
    if not state:
        return half
    name = f"{array} {disk.removeprefix('/dev/')}" if disk else f"{array} place {place}"
    worse = half.state == "whole" and ("faulty" in state or state == "removed")
    return Half(name=name, state="lost" if worse else half.state, words=state)


class MdRaid:
    """ports.Redundant."""

    kind = "mdraid"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        said = ask(["cat", "/proc/mdstat"], at)
        if said.missing:
            return Reading(state="absent", words="this machine has no software RAID (/proc/mdstat is not there)")
        if said.code != 0:
            return unseen("/proc/mdstat cannot be read")
        reading = parse(said.out, params.arrays)
        return named(reading, dict(self._details(reading, at)))

    def _details(self, reading: Reading, at: Looking) -> Iterator[tuple[str, dict[int, tuple[str, str]]]]:
        """Only root may ask mdadm; without it the places have numbers."""
        for array in dict.fromkeys(half.name.partition("/")[0] for half in reading.halves if half.state != "absent"):
            try:
                said = ask(["mdadm", "--detail", f"/dev/{array}"], at)
            except Stopped:
                raise
            except DrError:
                return
            yield array, parse_detail(said.out)


WATCH = MdRaid()
