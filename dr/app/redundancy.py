"""What there are two of, and how each stands by the last look; or by a look now, which is shown and not kept."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dr.actions.looking import look_at
from dr.app.home import App
from dr.clock import Clock
from dr.errors import ConfigError
from dr.hosts.process import LocalRunner
from dr.model.base import HostName, HostPath, JsonObject
from dr.model.inventory import SecretRef
from dr.model.ports import Host, Redundant, Runner
from dr.model.redundancy import KeptReading, RedundancyEntry
from dr.policy.words import spoken

ACTION = "watch-redundancy"


@dataclass(frozen=True)
class Thing:
    """One thing of the inventory at `now`. `kept`: the look that is spoken of; None: it was never looked at."""

    name: str
    entry: RedundancyEntry
    kept: KeptReading | None
    now: datetime

    @property
    def age(self) -> float:
        """Seconds since it was looked at."""
        return (self.now - self.kept.at).total_seconds() if self.kept else 0.0

    @property
    def stale(self) -> bool:
        """Whether the last look says nothing any more. One dated ahead of now was made by a wrong clock."""
        return self.kept is not None and (self.age > self.entry.stale_after or self.age < -300)

    @property
    def stands(self) -> str:
        """A reading's state; `stale`, or `never looked at`, which are as good as unknown."""
        if self.kept is None:
            return "never looked at"
        return "stale" if self.stale else self.kept.reading.state

    @property
    def whole(self) -> bool:
        return self.stands == "whole"

    def to_facts(self) -> JsonObject:
        kept = self.kept.to_facts() if self.kept else None
        shown = {"name": self.name, "title": self.entry.title, "kind": self.entry.kind, "host": self.entry.host}
        return {**shown, "stands": self.stands, "whole": self.whole, "last": kept}


@dataclass
class _Onlooker:
    """Looks for a command that only shows."""

    app: App
    stop: threading.Event = field(default_factory=threading.Event)
    opened: list[Host] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runner: Runner = LocalRunner(self.stop)
        self.clock: Clock = self.app.clock
        self.home = HostPath(str(self.app.home))

    def secret(self, ref: SecretRef) -> str:
        return self.app.services.secret(ref)

    def redundant(self, kind: str) -> Redundant:
        return self.app.services.redundant(kind)

    def host(self, name: HostName) -> Host:
        kind, request = self.app.services.host_request(name, self.runner)
        self.opened.append(kind.open(request))
        return self.opened[-1]

    def close(self) -> None:
        while self.opened:
            self.opened.pop().close()


def things(app: App, names: Sequence[str] = ()) -> list[Thing]:
    """As the last looks found them. Raises ConfigError for a name that the inventory does not have."""
    latest = app.records.latest_readings() if (app.home / "state").is_dir() else {}
    return [Thing(name, entry, latest.get(name), app.clock.now()) for name, entry in _named(app, names).items()]


def look_now(app: App, names: Sequence[str] = ()) -> list[Thing]:
    """Each looked at now. Nothing is kept, and nobody is told: that is `dr run watch`."""
    by, found = _Onlooker(app), []
    for name, entry in _named(app, names).items():
        before = app.records.readings(name)
        try:
            reading, now = look_at(entry, before, by), app.clock.now()
        finally:
            by.close()
        since = before[0].since if before and before[0].reading.state == reading.state else now
        found.append(Thing(name, entry, KeptReading(probe=name, at=now, since=since, reading=reading), now))
    return found


def _named(app: App, names: Sequence[str]) -> dict[str, RedundancyEntry]:
    there = app.inventory.redundancy
    strange = next((name for name in names if name not in there), None)
    if strange is not None:
        hint = f"it has {', '.join(there)}" if there else "write down there what you have two of; the file has examples"
        raise ConfigError(f"inventory/redundancy.yaml has no '{strange}'", hint=hint)
    return {name: entry for name, entry in there.items() if not names or name in names}


def unwatched(app: App) -> str:
    """Why nobody looks by itself at what the inventory names; empty where somebody does, or where there is nothing to look at."""
    looking = {name: book for name, book in app.runbooks.items() if any(step.action == ACTION for step in book.steps)}
    if not app.inventory.redundancy or any(book.schedule for book in looking.values()):
        return ""
    if not looking:
        return f"no runbook looks at it: write one with a step `action: {ACTION}`, and a schedule"
    return f"nothing looks by itself: take the # from `schedule` in runbooks/{next(iter(looking))}.yaml, then: dr schedule install"


def not_known(app: App) -> list[str]:
    """For `dr status`: what was not looked at, or not lately. What a look found is a finding, and is shown as one."""
    found = things(app)
    never = [thing.name for thing in found if thing.kept is None]
    said = [f"never looked at: {', '.join(never)}; whether one half is lost, nobody knows: dr run watch"] if never else []
    stale = [thing for thing in found if thing.stale]
    return said + [
        f"{one.name} was last looked at {spoken(one.age)} ago: how it stands now, nobody knows: dr redundancy --look" for one in stale
    ]
