"""What a login may ask of `dr agent`, as the forced command of its key says: whoever has the key is not thereby the controller."""

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from dr.errors import Refused
from dr.hosts.local import LocalHost
from dr.model.backup import SET_ID
from dr.model.base import JsonObject
from dr.model.ports import CaptureRequest

Only = Literal["capture", "repository", "watch"]
LOOKS = tuple(f"look-{kind}" for kind in ("mdraid", "zfs", "lvm-mirror", "smart", "ups-nut", "ups-apc", "disk-growth"))
"""How what there are two of stands on that machine itself. What asks others from there (routers, providers, a system) is `--only watch`."""
ONLY: dict[str, tuple[str, ...]] = {
    "capture": ("hello", "host", "path", "facts", "check", "foresee", "plant", "capture", *LOOKS),
    "repository": ("hello", "repository*", "upload-*"),
    "watch": ("hello", "host", "look-*", "inquire-*"),
}
"""What `dr agent --only` answers: what a production host is asked, what a file server is. A star stands for any ending."""
ROOT = (
    *("hello", "host", "path", "check", "foresee", "enrol", "open", "claim", "holds", "adopt", "place", "places", "recheck", "space"),
    *("scrub", "enter-service", "serving", "settled", "accept", "swap-in", "swappable", "bring", "prove", "replay"),
    *(*ONLY["repository"], "look-*", "inquire-*"),
)
"""What `dr agent --root` answers: what a standby is asked, or a repository in that folder."""
_SAYS = "its authorized_keys says so"
_SINCE = (
    f"{_SAYS}; if a recovery made that machine production, it is `agent --only capture --root FOLDER` there now, a --root each file set"
)
_NEEDLE = 1000
"""Characters of a needle at most."""
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,120}")
LOOPBACK = "127.0.0.1"
REMARK = "▲ "
"""How a line begins of which nothing is wrong, and which a person should heed all the same."""


@dataclass(frozen=True)
class Allowed:
    """`roots`: the folders that may be named. `commands`: whether programs may be run, where anything else is restricted.

    `swaps`: of a standby's login, the places outside of its root at which a restored file set may be put.
    """

    only: Only | None = None
    roots: tuple[str, ...] = ()
    commands: bool = False
    swaps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.only != "capture" and len(self.roots) > 1:
            raise Refused("--root is given once: a standby, or a repository, is one folder", hint="--only capture may have several")
        if self.swaps and (self.only is not None or not self.roots):
            raise Refused("--place is for a standby's login: it goes with --root, and with no --only")

    @property
    def free(self) -> bool:
        """Whether nothing is forbidden: its login has a shell as well."""
        return self.only is None and not self.roots

    @property
    def root(self) -> str | None:
        """Of a standby or a repository."""
        return self.roots[0] if self.roots else None

    def verb(self, verb: str) -> None:
        """Raises Refused for what this agent was told not to do."""
        known = ONLY[self.only] if self.only else ROOT
        named = any(verb.startswith(one[:-1]) if one.endswith("*") else verb == one for one in known)
        if not self.free and not named and not (self.commands and verb == "run"):
            raise Refused(f"this login may not be asked for '{verb}'", hint="its authorized_keys says what it is for")

    def unfit(self, role: str) -> list[tuple[bool, str]]:
        """Why this login will not do for a host of that role, in lines of (fine, what); none where it will."""
        if role != "standby" or self.only is None:
            return []
        told = f"this login may not restore, enrol or scrub: its authorized_keys says `--only {self.only}`"
        return [(False, f"{told}; for a standby it is `--root FOLDER`")]

    def unbound(self, role: str, path: str | None) -> list[tuple[bool, str]]:
        """Of a standby's login that may do everything: nothing is wrong, and a person should know."""
        if role != "standby" or not self.free:
            return []
        forced = f'command="dr agent --root {path or "FOLDER"}",restrict'
        return [(True, f"{REMARK}this login has no forced command: who has the key has that whole account. In authorized_keys: {forced}")]

    def host(self, role: str, params: LocalHost) -> None:
        """Raises Refused for a host that this login is not for."""
        if self.free:
            return
        if self.only is None and (role != "standby" or params.path != self.root):
            other = params.path if role == "standby" and params.path else f"a host of role {role}"
            raise Refused(f"this login is for the standby in {self.root}, not for {other}", hint=_SAYS if role == "standby" else _SINCE)
        programs = params.postgres.binaries if params.postgres else None
        if programs is not None and programs not in _programs():
            raise Refused(
                f"this login runs no programs of {programs}: it is not where PostgreSQL's own are",
                hint="leave `binaries` out; what is in /usr/lib/postgresql and beside dr there is found by itself",
            )

    def plant(self, needle: str | None) -> None:
        """Raises Refused for a needle that is none: it is written into production."""
        if not self.free and needle is not None and not _is_needle(needle):
            raise Refused("this login plants needles, and that is none", hint=_SAYS)

    def read(self, request: CaptureRequest, folders: Sequence[str]) -> None:
        """Raises Refused for a folder that is not in one of the roots, whatever links lead to it."""
        for folder in folders if self.roots else ():
            real = Path(os.path.realpath(folder))
            if not any(real.is_relative_to(os.path.realpath(root)) for root in self.roots):
                raise Refused(f"this login does not read the folder of source '{request.name}'", hint=_SAYS)

    def opened(self, how: JsonObject) -> JsonObject:
        """How a server is opened: a login that is restricted puts no unit in force, since that would lie outside of its root."""
        return how if self.free else {**how, "unit": "none"}

    def place(self, place: str) -> None:
        """Raises Refused for a place that no `--place` names: what stands there is not this login's to move."""
        if not self.free and place not in self.swaps:
            raise Refused(f"this login puts nothing at {place}", hint=f"{_SAYS}; there `--place {place}` would let it")

    def unplaced(self, places: Iterable[str]) -> list[tuple[bool, str]]:
        """Why this login will not put a file set at these places, in lines of (fine, what); none where it will."""
        shut = [place for place in places if not self.free and place not in self.swaps]
        return [(False, f"{place}: this login puts nothing there; `--place {place}` in its authorized_keys would let it") for place in shut]

    def places(self, places: Iterable[Any]) -> None:
        """Raises Refused for a restored system that would lie elsewhere than on this standby."""
        if self.root is None:
            return
        for place in places:
            told = place if isinstance(place, dict) else {}
            named = [os.path.realpath(str(told[name])) for name in ("path", "passfile") if name in told]
            if not all(Path(path).is_relative_to(os.path.realpath(self.root)) for path in named) or told.get("host", LOOPBACK) != LOOPBACK:
                raise Refused(f"this login is for what was restored in {self.root}, and for nothing beside it", hint=_SAYS)


def plain(name: str) -> str:
    """The name of a run, a step or a source, which folders are named after. Raises Refused for one that leads elsewhere."""
    if not _NAME.fullmatch(name):
        raise Refused("a name that was told is none of dr's", hint="does somebody else ask here?")
    return name


def _programs() -> set[str]:
    from dr.drivers.postgres import binaries

    inside = binaries.embedded()
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin"), *([inside] if inside else [])]
    return {str(place) for place in places}


def _is_needle(needle: str) -> bool:
    """As `dr.actions.backup` makes it; its signature cannot be judged here, where the key is not known."""
    try:
        said: Any = json.loads(needle) if len(needle) <= _NEEDLE else None
        if not isinstance(said, dict) or set(said) != {"set", "run", "at", "signature"}:
            return False
        datetime.fromisoformat(said["at"])
    except (ValueError, TypeError, RecursionError):
        return False
    shapes = (("set", SET_ID), ("run", _NAME), ("signature", _SIGNATURE))
    return needle == json.dumps(said, sort_keys=True) and all(
        isinstance(said[name], str) and shape.fullmatch(said[name]) for name, shape in shapes
    )
