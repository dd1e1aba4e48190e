"""Whose state folder it is: one home's, wherever that home is moved to.

`state/home.json` says where the home is that the folder belongs to. Read whenever a home is opened:

the home it names is this one                        all is well; also under another of its paths
the home it names is gone, or has another state      this home was moved as a whole: it is written down anew
the home it names is there with this very folder     two homes share a state: refused
the home it names is there with the same mark        this home is a copy of that one: refused

It is stored with no home, so one that `dr home restore` brings back is bound to where it is first opened.
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from dr.disk import replace_file, write_new
from dr.errors import Refused
from dr.model.base import canonical

MARK = "home.json"


@dataclass(frozen=True)
class Bound:
    """What the mark says: a token of the state folder's own, and the home's path, resolved."""

    token: str
    home: Path


def bind(home: Path) -> None:
    """Bind the state folder of this home to it, if it is not. Raises Refused if it belongs to another."""
    state = home / "state"
    found = _read(state) or _write_first(home, state)
    if found is None or _same(found.home, home):
        return
    other = _read(found.home / "state")
    if other is None or other.token != found.token:
        _write(state, Bound(found.token, home.resolve()))
        return
    if _same(found.home / "state", state):
        raise Refused(
            f"{state} is the state of another home, {found.home}: two homes may not share one",
            hint=f"name that home (--home {found.home}), or give this one a state folder of its own: take the link {state} away",
        )
    raise Refused(
        f"{home} is a copy of the home {found.home}, which is still there: each would delete and scrub what the other counts on",
        hint=f"go on with that one (--home {found.home}); if this one is to go on instead, remove that one first, whole",
    )


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _read(state: Path) -> Bound | None:
    """None where there is no mark. Raises Refused for one that cannot be read: it may be another's."""
    mark = state / MARK
    try:
        facts = json.loads(mark.read_text(encoding="utf-8"))
        return Bound(str(facts["token"]), Path(facts["home"]))
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # another user's: whatever needs it says so
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(
            f"{mark} cannot be read: it says whose state this is",
            hint="if no other home uses this folder, remove that file; the next command writes it anew",
        ) from None


def _write_first(home: Path, state: Path) -> Bound | None:
    """Of two that come at once the first one counts. None where it cannot be written: what is run says so, the next command binds it."""
    made = Bound(secrets.token_hex(8), home.resolve())
    try:
        return made if write_new(state / MARK, _text(made)) else _read(state)
    except OSError:
        return None


def _write(state: Path, bound: Bound) -> None:
    with contextlib.suppress(OSError):  # read-only, or full: what is run says so, and the next command binds it
        replace_file(state / MARK, _text(bound))


def _text(bound: Bound) -> bytes:
    return canonical({"token": bound.token, "home": os.fspath(bound.home)}) + b"\n"
