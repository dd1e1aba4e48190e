"""`smart`: what disks say of their own health, by `smartctl --json`: not a mirror's state, but that a half is about to go."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from dr.model.base import StrictModel
from dr.model.ports import Looking
from dr.model.redundancy import Half, Reading, judged
from dr.redundancy.asking import ask

_ABSENT = ("No such device", "Unable to detect device type", "No such file")
_COULD_NOT, _FAILS, _PREFAIL = 0b11, 0b1000, 0b10000
"""Bits of smartctl's exit status (smartctl(8)): it could not look; the disk says that it fails; an attribute is below its threshold."""
_COUNTED = {5: "reallocated sectors", 197: "sectors that cannot be read", 198: "sectors that cannot be corrected"}


class Params(StrictModel):
    devices: tuple[Annotated[str, StringConstraints(pattern=r"^/dev/[A-Za-z0-9_./:-]{1,200}$")], ...] = Field(min_length=1)
    """`/dev/sda`, `/dev/nvme0`; better the names of /dev/disk/by-id, which stay."""


def parse(text: str, device: str) -> Half:
    """What `smartctl -H -A --json DEVICE` says of one disk."""
    try:
        told = json.loads(text)
        status = int(told["smartctl"]["exit_status"])
        messages = " ".join(str(one.get("string", "")) for one in told["smartctl"].get("messages", []))
        passed = told.get("smart_status", {}).get("passed")
        troubles = list(_troubles(told, status))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Half(name=device, state="unknown", words="smartctl says what this dr does not understand")
    if passed is False or status & _FAILS:
        return Half(name=device, state="lost", words="the disk itself says that it fails: replace it now")
    if passed is None or status & _COULD_NOT:
        gone = any(word in messages for word in _ABSENT)
        return Half(
            name=device, state="absent" if gone else "unknown", words="there is no such disk" if gone else "it does not tell its health"
        )
    return Half(name=device, state="degraded" if troubles else "whole", words=", ".join(troubles))


def _troubles(told: dict[str, Any], status: int) -> Iterator[str]:
    """What a disk that still passes lets one see of its end."""
    if status & _PREFAIL:
        yield "an attribute is below its threshold"
    for row in told.get("ata_smart_attributes", {}).get("table", []):
        count = int(row["raw"]["value"]) if row["id"] in _COUNTED else 0
        if count:
            yield f"{count} {_COUNTED[row['id']]}"
    log = told.get("nvme_smart_health_information_log", {})
    if log.get("critical_warning"):
        yield "a critical warning is set"
    if log.get("available_spare", 100) < log.get("available_spare_threshold", 0):
        yield "its spare blocks are used up"
    if log.get("media_errors"):
        yield f"{log['media_errors']} media errors"
    if told.get("scsi_grown_defect_list"):
        yield f"{told['scsi_grown_defect_list']} grown defects"


class Smart:
    """ports.Redundant."""

    kind = "smart"
    params: type[StrictModel] = Params

    def look(self, params: Any, at: Looking) -> Reading:
        return judged([parse(ask(["smartctl", "-H", "-A", "--json", device], at).out, device) for device in params.devices])


WATCH = Smart()
