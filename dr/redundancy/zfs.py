"""`zfs`: the mirrors and RAID-Z groups of ZFS pools, by `zpool status`, in JSON where this ZFS speaks it (2.3), else as text.

Every disk is looked at, not only the pool's own word: a pool may say ONLINE while one of its disks is FAULTED.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import StringConstraints

from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, RedundancyState, judged, unseen
from dr.redundancy.asking import ask

_LINE = re.compile(r"^\t(?P<indent> *)(?P<name>\S+)(?:\s+(?P<state>[A-Z]+)(?:\s+(?P<errors>\S+\s+\S+\s+\S+))?(?:\s+(?P<note>.*))?)?\s*$")
_ASIDE = ("cache", "spares")
"""Sections whose loss loses nothing."""
_BESIDE = ("logs", "special", "dedup")
"""What the JSON form tells beside the data's own groups, and what a pool is lost with as well: the text has them all in one tree."""
_GOOD, _GONE = ("ONLINE",), ("DEGRADED", "FAULTED", "OFFLINE", "REMOVED", "UNAVAIL", "SUSPENDED")


class Params(StrictModel):
    pools: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,100}$")], ...] = ()
    """Without any, every pool that is imported. Name them: a pool that is not imported is then missed."""


@dataclass
class _Device:
    """One line of the tree."""

    name: str
    state: str
    note: str = ""
    errors: int = 0
    children: list["_Device"] = field(default_factory=list)


@dataclass(frozen=True)
class _Pool:
    name: str
    state: str
    top: Sequence[_Device]
    resilver: bool
    damage: bool
    """Whether there are known data errors."""


def parse(text: str, pools: Sequence[str] = ()) -> Reading:
    """`zpool status`, text or JSON."""
    if "no pools available" in text:
        return Reading(state="absent", words="this machine has no ZFS pool")
    try:
        found = _from_json(json.loads(text)) if text.lstrip().startswith("{") else list(_from_text(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return unseen("zpool status says what this dr does not understand")
    if not found:
        return unseen("zpool status names no pool")
    chosen = [pool for pool in found if not pools or pool.name in pools]
    missing = [
        Half(name=name, state="absent", words="no such pool is imported") for name in pools if name not in {pool.name for pool in found}
    ]
    halves = [half for pool in chosen for half in _halves(pool)]
    return judged([*halves, *missing], ", ".join(_said(pool) for pool in chosen))


def _said(pool: _Pool) -> str:
    return f"{pool.name} {pool.state}" + (", resilvering" if pool.resilver else "") + (", has data errors" if pool.damage else "")


# ---------------------------------------------------------------- what a pool's tree says


def _halves(pool: _Pool) -> Iterator[Half]:
    if pool.state not in ("ONLINE", "DEGRADED"):
        known = pool.state in _GONE
        yield Half(name=pool.name, state="lost" if known else "unknown", words=f"the pool is {pool.state or 'in no state that is said'}")
        return
    for device in pool.top:
        if device.children:
            yield from _members(pool, device)
        else:
            words = "" if device.state in _GOOD else device.state
            yield Half(name=f"{pool.name} {device.name}", state="absent", words=f"it has no second half {words}".rstrip())
    if pool.resilver:
        yield Half(name=f"{pool.name} resilver", state="rebuilding", words="data is being copied to a disk")
    if not pool.top:
        yield Half(name=pool.name, state="unknown", words="its disks are not told")
    if pool.damage:
        yield Half(name=f"{pool.name} data", state="degraded", words="files are damaged; zpool status -v names them")


def _members(pool: _Pool, group: _Device) -> Iterator[Half]:
    for device in group.children:
        name = f"{pool.name} {device.name}"
        if device.children:  # replacing-0, spare-0: one half, whose disk is being changed
            back = any(child.state in _GOOD for child in device.children)
            yield Half(name=name, state="rebuilding" if back else "lost", words="its disk is being replaced")
        else:
            yield Half(name=name, state=_state(device), words=_words(device))


def _state(device: _Device) -> RedundancyState:
    if device.state in _GONE:
        return "lost"
    if device.state not in _GOOD:
        return "unknown"
    if "resilvering" in device.note:
        return "rebuilding"
    return "degraded" if device.errors else "whole"


def _words(device: _Device) -> str:
    errors = f"{device.errors} errors" if device.errors else ""
    return ", ".join(word for word in (device.state if device.state not in _GOOD else "", errors) if word)


# ---------------------------------------------------------------- as text


def _from_text(text: str) -> Iterator[_Pool]:
    for block in re.split(r"(?m)^\s*pool: ", text)[1:]:
        head, _, rest = block.partition("config:")
        if not rest:
            raise ValueError("a pool without its disks")
        state = re.search(r"(?m)^\s*state: (\S+)", head)
        errors = re.search(r"(?m)^errors: (.*)$", rest)
        tree, _, _ = rest.partition("\nerrors:")
        yield _Pool(
            name=head.split()[0],
            state=state[1] if state else "",
            top=_tree(tree, head.split()[0]),
            resilver="resilver in progress" in head,
            damage=errors is None or not errors[1].startswith("No known data errors"),
        )


def _tree(text: str, pool: str) -> list[_Device]:
    """The groups that hold data or logs, each with its disks."""
    root = _Device(pool, "")
    path: list[tuple[int, _Device]] = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or match["name"] == "NAME":
            continue
        depth = len(match["indent"])
        if depth == 0:
            path = [(0, _Device(match["name"], "") if match["name"] in _ASIDE else root)]
            continue
        while path and path[-1][0] >= depth:
            path.pop()
        if not path or not match["state"]:
            raise ValueError("a line of the tree that is none")
        device = _Device(match["name"], match["state"], match["note"] or "", _count((match["errors"] or "").split()))
        path[-1][1].children.append(device)
        path.append((depth, device))
    return root.children


def _count(errors: Sequence[str]) -> int:
    """`0 0 1.32K`: how many, roughly."""
    sizes = {"K": 1e3, "M": 1e6, "G": 1e9}
    return int(sum(float(word.rstrip("KMG")) * sizes.get(word[-1], 1) for word in errors))


# ---------------------------------------------------------------- as JSON


def _from_json(told: Any) -> list[_Pool]:
    return [_pool(name, pool) for name, pool in told["pools"].items()]


def _pool(name: str, told: dict[str, Any]) -> _Pool:
    scan = told.get("scan_stats", {})
    resilver = scan.get("function") == "RESILVER" and scan.get("state") == "SCANNING"
    kept = (told.get("vdevs", {}).get(name, {}).get("vdevs", {}), *(told.get(part, {}) for part in _BESIDE))
    tops = [one for part in kept for one in part.values()]
    groups = [_device(one, resilver) for one in tops]
    return _Pool(name, str(told["state"]), groups, resilver, str(told.get("error_count", "0")) != "0")


def _device(told: dict[str, Any], resilver: bool) -> _Device:
    errors = _count([str(told.get(f"{what}_errors", 0)) for what in ("read", "write", "checksum")])
    note = "(resilvering)" if resilver and str(told.get("scan_processed", "0")) != "0" else ""
    return _Device(str(told["name"]), str(told["state"]), note, errors, [_device(one, resilver) for one in told.get("vdevs", {}).values()])


class Zfs:
    """ports.Redundant."""

    kind = "zfs"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        said = ask(["zpool", "status", "-j", "-P"], at)
        if not said.out.lstrip().startswith("{"):  # before 2.3
            said = ask(["zpool", "status", "-P"], at)
        if said.code != 0 and "no pools available" not in said.out + said.err:
            return unseen("zpool status failed; is the module loaded, and may this user ask?")
        return parse(said.out or said.err, params.pools)


WATCH = Zfs()
