"""This machine: its clock, its room, the programs it runs."""

import os
from collections.abc import Iterator
from pathlib import Path

from dr.app.home import App
from dr.app.keys import Line
from dr.drivers.postgres import binaries
from dr.engine.room import require_to_begin
from dr.errors import DrError, Refused
from dr.hosts.kept_time import is_kept
from dr.model.base import SystemName
from dr.policy.calendar import WRONG_CLOCK
from dr.policy.words import spoken
from dr.units import show_size

PATCHED = {14: 19, 15: 14, 16: 10, 17: 6, 18: 0}
"""Major to the first minor whose pg_dump and pg_restore do not run code that a dump's owner hid in it: CVE-2025-8714 and CVE-2025-8715,
https://www.postgresql.org/about/news/postgresql-176-1610-1514-1419-1322-and-18-beta-3-released-3118/ (14 August 2025)."""
_TOOLS = ("pg_dump", "pg_restore")
AHEAD = 2
"""Nights for which there should be room."""


def clock(app: App) -> Iterator[Line]:
    """Whether it is kept by somebody, and has not gone back: nights, ages and expiry are all counted by it."""
    kept = is_kept()
    if kept is False:
        yield Line("amber", "nobody keeps this machine's clock right", "run chrony or systemd-timesyncd; `timedatectl` shows what there is")
    else:
        yield Line("green", "the clock is kept right" if kept else "whether the clock is kept right cannot be told here")
    head, now = app.records.audit_head(), app.clock.now()
    newest = app.records.audit_entries(max(0, head.seq - 1), 1)
    if newest and newest[-1].at > now + WRONG_CLOCK:
        ahead = spoken((newest[-1].at - now).total_seconds())
        yield Line(
            "red", f"the newest record is {ahead} ahead of now: the clock went back, or was ahead", "set it right before the next night"
        )


def room(app: App) -> Iterator[Line]:
    """Whether the next nights fit: what was read must fit into staging, what is stored into each repository."""
    try:
        require_to_begin(app.state)
    except Refused as error:
        yield Line("red", error.message, error.hint)
    for name in app.inventory.systems:
        newest = app.records.newest(SystemName(name))
        manifest = app.records.manifest(newest.set) if newest else None
        if newest is None or manifest is None:
            yield Line("green", f"how much room {name} needs is known after its first backup")
            continue
        plain, stored = sum(one.plain for one in manifest.artifacts), newest.stored
        yield _fits(f"state/ has {{free}} free, {name} reads {{need}} a night", _free(app.state), plain)
        for repository in app.repositories():
            try:
                free = repository.free()
            except DrError:
                continue  # the part `repositories` says why
            yield _fits(f"{repository.name} has {{free}} free, a night of {name} stores {{need}}", free, stored)


def _free(folder: Path) -> int | None:
    place = os.statvfs(folder)
    return place.f_bavail * place.f_frsize


def _fits(words: str, free: int | None, need: int) -> Line:
    if free is None:
        return Line("green", words.format(free="an unknown amount", need=show_size(need)))
    text = words.format(free=show_size(free), need=show_size(need))
    if free < need:
        return Line("red", f"{text}: the next night does not fit", "make room, or shorten the retention (`dr retention --dry-run`)")
    if free < AHEAD * need:
        return Line("amber", f"{text}: room for one night only", "make room, or shorten the retention (`dr retention --dry-run`)")
    return Line("green", text)


def programs(app: App) -> Iterator[Line]:
    """PostgreSQL's own tools, which restore what others wrote: old minors run code that is hidden in a dump."""
    settings = {(entry.with_.get("postgres") or {}).get("binaries") for entry in app.inventory.hosts.values()}
    seen: dict[str, tuple[int, int]] = {}
    for setting in sorted(settings, key=str):
        for tool in _TOOLS:
            seen |= binaries.versions(tool, setting=setting)
    if not seen:
        yield Line("red", f"there is no {' and no '.join(_TOOLS)} here", "install PostgreSQL's client programs of production's version")
    for path, (major, minor) in sorted(seen.items()):
        least = PATCHED.get(major)
        if least is None:
            yield Line("amber", f"{path} is {major}.{minor}, a version that this dr was not tried with", "keep 14 to 18 beside it")
        elif minor < least:
            yield Line(
                "amber", f"{path} is {major}.{minor}: a restore may run code hidden in a dump", f"update it to {major}.{least} or newer"
            )
        else:
            yield Line("green", f"{path} is {major}.{minor}")
