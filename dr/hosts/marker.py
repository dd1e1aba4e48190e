"""The signed files by which a standby is recognised, and how they are written and read.

A file holds `{"signature": base64, "signed": {...}}`; the signature (Ed25519) is over the canonical bytes of `signed`, whose `what`
keeps one kind from passing for another, and whose device and inode keep it from being carried to another place.
"""

import base64
import binascii
import contextlib
import json
import os
import stat
from typing import Literal, TypeVar

from pydantic import ValidationError

from dr.errors import Damaged
from dr.model.base import HostName, Instant, JsonObject, RunId, SetId, StrictModel, canonical
from dr.model.ports import Keyring

STANDBY = "dr-standby.json"
IN_SERVICE = "dr-in-service.json"
CLAIM = "claim.json"
ADOPTED = "adopted.json"
MOST = 4 * 2**20
"""Bytes of a marker at most: what lies in a foreign place is not read at any size."""


class Standby(StrictModel):
    """`<root>/dr-standby.json`: this place was enrolled, empty, as that organisation's standby."""

    what: Literal["dr-standby"] = "dr-standby"
    format: Literal[1] = 1
    organisation: str
    host: HostName
    path: str
    device: int
    inode: int
    port: int | None
    machine: str | None = None
    """The machine, where it was enrolled over SSH."""
    enrolled: Instant


class Claim(StrictModel):
    """`claim.json` of a run's place, written before anything else in it."""

    what: Literal["dr-claim"] = "dr-claim"
    format: Literal[1] = 1
    organisation: str
    host: HostName
    run: RunId
    set: SetId
    device: int
    inode: int
    claimed: Instant


class Adopted(StrictModel):
    """`adopted.json` of a run's place, written after everything else in it."""

    what: Literal["dr-adopted"] = "dr-adopted"
    format: Literal[1] = 1
    organisation: str
    host: HostName
    run: RunId
    set: SetId
    device: int
    inode: int
    places: JsonObject
    adopted: Instant


class InService(StrictModel):
    """`<root>/dr-in-service.json`: what was restored here is production now; no writable handle exists ever again."""

    what: Literal["dr-in-service"] = "dr-in-service"
    format: Literal[1] = 1
    organisation: str
    host: HostName
    run: RunId
    set: SetId
    since: Instant


M = TypeVar("M", Standby, Claim, Adopted, InService)


def write(folder: int, name: str, value: Standby | Claim | Adopted | InService, keys: Keyring) -> None:
    """Sign and publish `name` in an open folder: by atomic rename, durable when this returns."""
    facts = value.to_facts()
    signature = base64.b64encode(keys.sign(canonical(facts))).decode("ascii")
    partial = f"{name}.partial"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as out:
        out.write(canonical({"signed": facts, "signature": signature}) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fsync(folder)


def read(folder: int, name: str, kind: type[M], keys: Keyring) -> M | None:
    """What `name` in an open folder says; None if it is absent. Raises Damaged if it is not ours: no plain file, no trusted signature."""
    data = _bytes(folder, name)
    if data is None:
        return None
    try:
        outer = json.loads(data)
        signature = base64.b64decode(outer["signature"], validate=True)
        value = kind.from_facts(outer["signed"])
    except (ValueError, TypeError, KeyError, RecursionError, ValidationError, binascii.Error):
        raise Damaged(f"{name} is not what dr writes") from None
    try:
        keys.verify(canonical(outer["signed"]), signature)
    except Damaged:
        raise Damaged(f"{name} bears no trusted signature") from None
    return value


def _bytes(folder: int, name: str) -> bytes | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Damaged(f"{name} cannot be opened as a plain file ({os.strerror(error.errno or 0)})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # before it becomes a file object, which a folder cannot
        os.close(descriptor)
        raise Damaged(f"{name} is not a plain file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MOST + 1)
    if len(data) > MOST:
        raise Damaged(f"{name} is larger than any marker")
    return data
