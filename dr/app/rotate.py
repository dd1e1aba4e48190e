"""`dr keys rotate`: a new key for what comes; what there is stays readable and believed.

What is being done is written down first and struck out last, so that a rotation that was killed anywhere is finished by asking again,
with the same new key. A key that was in use is kept; nothing here deletes one.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from dr import plugins
from dr.actions.canary import ROTATED
from dr.app.failpoints import of_verb
from dr.app.home import App, whoami
from dr.config.keys import (
    ESCROW,
    FOLDER,
    RECIPIENTS,
    fingerprint,
    kept_drill_keys,
    new_age_key,
    new_signing_key,
    noted_recipients,
    public_half,
    read_identity,
)
from dr.config.keys_edit import with_recipient, with_signing
from dr.config.load import load
from dr.disk import replace_file, sync_folder, write_new
from dr.errors import DrError, Failed, Refused
from dr.model.base import StrictModel, canonical
from dr.model.inventory import Keys, SecretRef

What = Literal["drill", "escrow", "signing"]
JOURNAL = f"{FOLDER}/.rotating.json"
_BY_HAND = "exchange it in inventory/*.yaml by hand, and keep the old one"


class Begun(StrictModel):
    """What is under way. `old`: the recipient, or the private key's file, that is being replaced."""

    what: What
    stamp: str
    old: str


@dataclass(frozen=True)
class _Work:
    app: App
    begun: Begun
    failpoint: Callable[[str], None]

    @property
    def home(self) -> Path:
        return self.app.home

    def path(self, name: str) -> Path:
        return self.home / name


def rotate(app: App, what: What, *, failpoint: Callable[[str], None] | None = None) -> list[str]:
    """Do it, or finish what was begun; gives back what the person should read. Raises Refused where it cannot be done here."""
    with _alone(app.home):
        unfinished = unfinished_rotation(app.home)
        if unfinished and unfinished.what != what:
            raise Refused(f"a rotation of the {unfinished.what} key is not finished", hint=f"dr keys rotate {unfinished.what}")
        begun = unfinished or _begin(app, what)
        work = _Work(app, begun, failpoint or of_verb("keys-rotate"))
        work.failpoint("after-begun")
        told = _signing(work) if what == "signing" else _age(work, what)
        work.path(JOURNAL).unlink()
        sync_folder(app.home / FOLDER)
        work.failpoint("after-end")
        _forget(app.home)
    return [*(["an interrupted rotation was finished"] if unfinished else []), *told]


def unfinished_rotation(home: Path) -> Begun | None:
    path = home / JOURNAL
    return Begun.from_json(path.read_text(encoding="utf-8")) if path.is_file() else None


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    handle = os.open(home / FOLDER, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("another process rotates a key of this home", hint="wait for it to end") from None
    finally:
        os.close(handle)


def _begin(app: App, what: What) -> Begun:
    """Only what can be carried through is begun. Raises Refused."""
    keys = app.inventory.organisation.keys
    old = {"drill": _old_drill, "escrow": _old_escrow, "signing": _old_signing}[what](app.home, keys)
    text = _inventory_file(app.home).read_text(encoding="utf-8")
    possible = with_signing(text, "new", "new") if what == "signing" else with_recipient(text, old, "new")
    if possible is None:
        raise Refused(f"the {what} key is written in the inventory in a way that is not known here", hint=_BY_HAND)
    _forget(app.home)
    begun = Begun(what=what, stamp=_stamp(app), old=old)
    write_new(app.home / JOURNAL, canonical(begun.to_facts()))
    return begun


def _forget(home: Path) -> None:
    """New keys that took their place, or never did: only while no rotation is under way."""
    for path in (home / FOLDER).glob(".next-*"):
        path.unlink()


def _stamp(app: App) -> str:
    """Of now, or of the first second after it that no kept key is named by: none may take another's place."""
    at = app.clock.now()
    while any((app.home / FOLDER).glob(f"*{at:%Y%m%dT%H%M%SZ}*")):
        at += timedelta(seconds=1)
    return f"{at:%Y%m%dT%H%M%SZ}"


# ---------------------------------------------------------------- age keys


def drill_file(keys: Keys) -> str:
    """Where the home's own drill key lies. Raises Refused where it has none, or keeps it elsewhere."""
    if keys.identity is None:
        raise Refused("this home has no drill key", hint="rotate it where drills run, and write the new recipient into the inventory here")
    if keys.identity.file is None or Path(keys.identity.file).is_absolute():
        raise Refused("the drill key is kept outside the home", hint=_BY_HAND)
    return keys.identity.file


def _old_drill(home: Path, keys: Keys) -> str:
    """The recipient that was noted as the drill key's, or else that of a key which is held here."""
    held = [public_half(read_identity(SecretRef(file=name), home, name)) for name in (drill_file(keys), *kept_drill_keys(home))]
    noted = noted_recipients(home).get("drill")
    old = next((one for one in (noted, *held) if one in keys.recipients), None)
    if old is None:
        raise Refused("no recipient of the inventory belongs to a drill key of this home", hint=_BY_HAND)
    return old


def _old_escrow(home: Path, keys: Keys) -> str:
    noted = noted_recipients(home)
    if noted.get("escrow") in keys.recipients:
        return noted["escrow"]
    mine = {noted.get("drill")} if keys.identity is None else {_old_drill(home, keys)}
    others = [one for one in keys.recipients if one not in mine]
    if len(others) != 1:
        raise Refused("it cannot be told which recipient is the escrow key's", hint=f"write 'escrow age1...' into {RECIPIENTS}")
    return others[0]


def _age(work: _Work, what: Literal["drill", "escrow"]) -> list[str]:
    name = drill_file(work.app.inventory.organisation.keys) if what == "drill" else ESCROW
    current, following = work.path(name), work.path(f"{FOLDER}/.next-{what}-{work.begun.stamp}")
    write_new(following, new_age_key(what))
    work.failpoint("after-new")
    data = following.read_bytes()
    kept = _keep(work, what, current, data)
    work.failpoint("after-kept")
    replace_file(current, data)
    work.failpoint("after-key")
    new = public_half(read_identity(SecretRef(file=str(following)), work.home, following.name))
    _exchange(work, lambda text: None if new in text else with_recipient(text, work.begun.old, new), new)
    work.failpoint("after-inventory")
    notes = {**noted_recipients(work.home), what: new}
    replace_file(work.path(RECIPIENTS), "".join(f"{label} {key}\n" for label, key in notes.items()).encode(), 0o644)
    _record(work, {"recipient": new, "instead_of": work.begun.old})
    return _told_age(what, current, kept, new)


def _keep(work: _Work, what: Literal["drill", "escrow"], current: Path, new: bytes) -> Path | None:
    """The key that was in use until now, under its own name; None where it was carried away."""
    kept = work.path(f"{FOLDER}/drill-{work.begun.stamp}.agekey" if what == "drill" else ESCROW.replace(".", f"-{work.begun.stamp}.", 1))
    if current.is_file() and current.read_bytes() != new:
        write_new(kept, current.read_bytes())
    return kept if kept.is_file() else None


def _told_age(what: Literal["drill", "escrow"], current: Path, kept: Path | None, new: str) -> list[str]:
    lines = [f"a new {what} key: {new}", f"  {current}"]
    if what == "escrow":
        lines += ["    carry it away: print it or put it on a stick, lock it in a safe in another building, then delete this file;"]
        lines += ["    and try it once: dr drill SYSTEM --tier TIER --key FILE"]
        lines += ["  keep the old escrow key too, as long as there are sets of its time: it alone opens them without this machine"]
        return [*lines, *([f"    it lies here: {kept}"] if kept else [])]
    return [*lines, f"  the one before it is kept, and opens what was made until now: {kept}", "  the next nightly uses the new one"]


# ---------------------------------------------------------------- the signing key


def _old_signing(home: Path, keys: Keys) -> str:  # noqa: ARG001 - as the others
    if keys.signing.file is None:
        raise Refused("the signing key is kept outside the home", hint=_BY_HAND)
    return keys.signing.file


def _signing(work: _Work) -> list[str]:
    """The new pair lies there before one edit of the inventory lets it sign and be believed, beside every key that is believed now."""
    private, public = (f"{FOLDER}/signing-{work.begun.stamp}.{end}" for end in ("key", "pub"))
    made, _ = new_signing_key()
    write_new(work.path(private), made)
    work.failpoint("after-new")
    _, half = new_signing_key(work.path(private).read_bytes())
    write_new(work.path(public), half, 0o644)
    work.failpoint("after-kept")
    work.failpoint("after-key")
    _exchange(work, lambda text: None if private in text else with_signing(text, private, public), public)
    work.failpoint("after-inventory")
    mark = fingerprint(work.path(public))
    _record(work, {"fingerprint": mark})
    return [
        f"a new signing key: {work.path(private)}",
        f"  its fingerprint: {mark}",
        "    write it on the paper that lies with the escrow key, below the old one",
        f"  what the old one signed stays believed; once nothing runs any more, destroy {work.begun.old}",
    ]


# ---------------------------------------------------------------- the inventory, the record


def _inventory_file(home: Path) -> Path:
    for file in sorted((home / "inventory").glob("*.yaml")):
        if any(line.startswith("organisation:") for line in file.read_text(encoding="utf-8").splitlines()):
            return file.resolve()
    raise Refused("no file of the inventory begins a line with organisation:", hint=_BY_HAND)


def _exchange(work: _Work, edit: Callable[[str], str | None], wanted: str) -> None:
    """Edit the file in one go, the one before kept beside it; put back if the home could not be read then. None: it was edited already."""
    file = _inventory_file(work.home)
    before, mode = file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777
    changed = edit(before)
    if changed is not None:
        write_new(file.with_name(f"{file.name}.before-{work.begun.stamp}"), before.encode(), mode)
        replace_file(file, changed.encode(), mode)
    try:
        keys = load(work.home, plugins.kinds()).inventory.organisation.keys
    except DrError:
        replace_file(file, before.encode(), mode)
        raise
    if wanted not in (*keys.recipients, *keys.trusted):
        replace_file(file, before.encode(), mode)
        raise Failed(f"{file.name} could not be edited", hint=_BY_HAND)


def _record(work: _Work, facts: dict[str, str]) -> None:
    """Once, however often it is taken up."""
    subject = f"keys/{work.begun.what}"
    if not any(entry.facts.get("begun") == work.begun.stamp for entry in work.app.records.audit_of(subject)):
        now = work.app.clock.now()
        work.app.records.audit(ROTATED, subject, {**facts, "begun": work.begun.stamp}, actor=whoami(), at=now)
    work.failpoint("after-record")
