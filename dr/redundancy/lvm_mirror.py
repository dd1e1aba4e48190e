"""`lvm-mirror`: LVM's mirrors and RAID volumes, by `lvs -a` as JSON: each image of a volume is a half."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import StringConstraints

from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, RedundancyState, judged, unseen
from dr.redundancy.asking import ask

FIELDS = "vg_name,lv_name,lv_attr,lv_parent,lv_layout,lv_role,copy_percent,lv_health_status,raid_sync_action,devices"
_HALVED = ("mirror", "raid1", "raid4", "raid5", "raid6", "raid10")
_GONE = ("[unknown]", "unknown device", "missing")
_WORSE = {"partial": "lost", "refresh needed": "degraded", "mismatches exist": "degraded"}


class Params(StrictModel):
    volumes: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+-]{1,100}/[A-Za-z0-9_.+-]{1,100}$")], ...] = ()
    """`vg/lv`; without any, every mirrored or RAID volume. Name them: one that is gone is then missed."""


Row = Mapping[str, str]


def parse(text: str, volumes: Sequence[str] = ()) -> Reading:
    """What `lvs -a -o ... --reportformat json` says."""
    try:
        rows: list[Row] = [row for report in json.loads(text)["report"] for row in report.get("lv", [])]
        found = {f"{row['vg_name']}/{row['lv_name']}": row for row in rows if _is_halved(row)}
        chosen = {name: row for name, row in found.items() if not volumes or name in volumes}
        halves = [half for name, row in chosen.items() for half in _halves(name, row, rows)]
    except (ValueError, KeyError, TypeError, AttributeError):
        return unseen("lvs says what this dr does not understand")
    missing = [Half(name=name, state="absent", words="there is no such mirrored volume") for name in volumes if name not in found]
    if not chosen and not missing:
        return Reading(state="absent", words="this machine has no mirrored or RAID volume")
    return judged([*halves, *missing], ", ".join(_said(name, row) for name, row in chosen.items()))


def _is_halved(row: Row) -> bool:
    """A volume that users see, whose layout has copies; not one of its images."""
    return not row.get("lv_parent") and bool(set(row.get("lv_layout", "").split(",")) & set(_HALVED))


def _said(name: str, row: Row) -> str:
    percent, health = row.get("copy_percent", ""), row.get("lv_health_status", "")
    return " ".join(word for word in (name, f"in sync {percent}%" if percent else "not active", health) if word)


def _halves(name: str, row: Row, rows: Sequence[Row]) -> Iterator[Half]:
    group, _, volume = name.partition("/")
    images = [one for one in rows if one.get("vg_name", group) == group and one.get("lv_parent", "").strip("[]") == volume]
    images = [one for one in images if "image" in one.get("lv_role", "").split(",")]
    seen = [Half(name=f"{group}/{one['lv_name'].strip('[]')}", state=_image(one, row), words=_words(one)) for one in images]
    yield from seen
    worse = _WORSE.get(row.get("lv_health_status", ""), "unknown" if row.get("lv_health_status") else "")
    if not seen:
        yield Half(name=name, state="unknown", words="its images are not told")
    elif worse and all(half.state in ("whole", "unknown") for half in seen):  # the volume knows better than its images
        yield Half(name=name, state="degraded" if worse != "unknown" else "unknown", words=row["lv_health_status"])


def _image(image: Row, volume: Row) -> RedundancyState:
    attributes = image.get("lv_attr", "")
    gone = any(word in image.get("devices", "") for word in _GONE)
    if gone or attributes[8:9] in ("p", "X") or image.get("lv_health_status") == "partial":
        return "lost"
    if attributes[8:9] in ("r", "m", "w") or image.get("lv_health_status"):
        return "degraded"
    if attributes[4:5] != "a":
        return "unknown"
    behind = volume.get("copy_percent", "") not in ("100.00", "")
    if attributes[:1] == "I" or behind:
        return "rebuilding"
    return "whole" if attributes[:1] == "i" and volume.get("copy_percent") else "unknown"


def _words(image: Row) -> str:
    if any(word in image.get("devices", "") for word in _GONE):
        return "its disk is missing"
    return "not active" if image.get("lv_attr", "")[4:5] != "a" else image.get("lv_health_status", "")


class LvmMirror:
    """ports.Redundant."""

    kind = "lvm-mirror"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        said = ask(["lvs", "-a", "-o", FIELDS, "--reportformat", "json"], at)
        if said.code != 0 and not said.out.strip():
            return unseen("lvs failed; it wants root")
        return parse(said.out, params.volumes)


WATCH = LvmMirror()
