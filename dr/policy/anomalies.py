"""What is odd about a source, seen from its newest backup: emptied, shrunken, vanished, changed, or new and unprotected.

Pure: small summaries in, findings out. A loss is compared with the newest earlier set that is no loss itself, so that a second small
night does not make the first one normal; what a person accepted is normal from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dr.model.backup import Artifact, Manifest
from dr.model.summary import Anomaly, ArtifactSummary, Baselines, ContentSummary, SetSummary
from dr.units import show_size

SHRUNKEN = 0.5
"""A loss of more than this share is critical, and freezes expiry."""
SMALLER = 0.2
"""A loss of more than this share is worth a look."""
NOTABLE = 10
"""Rows or files: to lose fewer is never critical, since a queue that ran empty is no disaster."""
NOTABLE_BYTES = 2**20
SHOWN = 5
"""Names told in one message; the rest is counted."""
_LOOK = "find out what happened at the source before anything else; is it meant, `dr backups accept SET --reason ...` makes it normal"

Severity = Literal["warning", "critical"]
Grade = Literal["", "warning", "critical"]
Place = tuple[str, str]
"""Source, and the database or file set in it."""


def anomalies(now: SetSummary, than: Baselines) -> tuple[Anomaly, ...]:
    """Everything odd about `now`, gravest first."""
    found: list[Anomaly] = []
    if than.good is not None:
        found += _against(_places(now), _places(than.good))
    if than.proven is not None:
        found += _schema_changes(_places(now), _places(than.proven))
    if than.known is not None:
        found += _new_beside(_places(now), _places(than.known))
    return tuple(sorted(found, key=lambda a: (("critical", "warning", "info").index(a.severity), a.key)))


def graded(before: int, after: int, notable: int) -> Grade:
    """How bad it is that a count went from one to the other."""
    lost = before - after
    if lost <= 0:
        return ""
    if after == 0:
        return "critical" if before >= notable else "warning"
    if lost < notable or lost <= before * SMALLER:
        return ""
    return "critical" if lost > before * SHRUNKEN else "warning"


def _places(summary: SetSummary) -> dict[Place, ArtifactSummary]:
    return {(str(a.source), a.content.name): a for a in summary.artifacts}


def _against(now: dict[Place, ArtifactSummary], before: dict[Place, ArtifactSummary]) -> list[Anomaly]:
    found = [_vanished(before[place]) for place in before if place not in now]
    for place, summary in now.items():
        if place in before:
            found += _Compared(before[place], summary).found()
        elif summary.content.kind == "database":
            message = f"{_named(summary)} is new: it is in the backup since this set"
            found.append(Anomaly(key=_key("new", summary), severity="info", message=message, hint="drill, so that it is proven too"))
    return found


def _key(what: str, summary: ArtifactSummary) -> str:
    return f"{what}:{summary.source}:{summary.content.name}"


def _named(summary: ArtifactSummary) -> str:
    what = "database" if summary.content.kind == "database" else "file set"
    return f"{what} '{summary.content.name}'"


def _vanished(summary: ArtifactSummary) -> Anomaly:
    message = f"{_named(summary)} has vanished: it was in the backup before, with {show_size(summary.bytes)}"
    return Anomaly(key=_key("vanished", summary), severity="critical", message=message, hint=_LOOK)


@dataclass(frozen=True)
class _Compared:
    """One database or file set, then and now."""

    before: ArtifactSummary
    after: ArtifactSummary

    def found(self) -> list[Anomaly]:
        of_parts = [self._gone(), self._emptied(), *self._fewer()]
        return [a for a in (*of_parts, self._smaller()) if a is not None]

    def _gone(self) -> Anomaly | None:
        rows = {name: count for name, count in self.before.content.counts.items() if name not in self.after.content.counts}
        grades = ["critical" if count >= NOTABLE else "warning" for count in rows.values()]
        return self._of_many("vanished-tables", grades, [f"{n} ({c} rows)" for n, c in rows.items()], "vanished")

    def _emptied(self) -> Anomaly | None:
        pairs = [(name, before) for name, before, after in self._pairs() if before and not after]
        grades = [graded(before, 0, NOTABLE) for _, before in pairs]
        return self._of_many("emptied", grades, [f"{name} ({before} {self._unit} before)" for name, before in pairs], "empty now")

    def _fewer(self) -> list[Anomaly | None]:
        found: dict[Grade, list[str]] = {"critical": [], "warning": []}
        for name, before, after in self._pairs():
            grade = graded(before, after, NOTABLE)
            if after and grade:
                found[grade].append(f"{name} ({before} {self._unit} before, {after} now)")
        return [self._of_many(f"shrunken-{grade}", [grade] * len(names), names, "much smaller") for grade, names in found.items()]

    def _smaller(self) -> Anomaly | None:
        before, after = int(self.before.bytes), int(self.after.bytes)
        grade = graded(before, after, NOTABLE_BYTES)
        if not grade:
            return None
        message = f"{_named(self.after)} has {show_size(after)}, it had {show_size(before)}"
        return Anomaly(key=_key("smaller", self.after), severity=grade, message=message, hint=_LOOK)

    @property
    def _unit(self) -> str:
        return "rows" if self.after.content.kind == "database" else "files"

    def _pairs(self) -> list[tuple[str, int, int]]:
        then, now = self.before.content.counts, self.after.content.counts
        return [(name, then[name], now[name]) for name in sorted(then) if name in now]

    def _of_many(self, what: str, grades: Sequence[str], names: Sequence[str], how: str) -> Anomaly | None:
        if not grades:
            return None
        severity: Severity = "critical" if "critical" in grades else "warning"
        things = "table" if self.after.content.kind == "database" else "file set"
        count = f"{len(names)} {things}{'' if len(names) == 1 else 's'}"
        rest = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        message = f"{_named(self.after)}: {count} {how}: {', '.join(sorted(names)[:SHOWN])}{rest}"
        return Anomaly(key=_key(what, self.after), severity=severity, message=message, hint=_LOOK)


def _schema_changes(now: dict[Place, ArtifactSummary], proven: dict[Place, ArtifactSummary]) -> list[Anomaly]:
    found = []
    for place, summary in now.items():
        if place in proven and _other_schema(proven[place].content, summary.content):
            message = f"the schema of {_named(summary)} has changed since a drill last proved it"
            hint = "it needs a drill: dr drill SYSTEM"
            found.append(Anomaly(key=_key("schema", summary), severity="warning", message=message, hint=hint))
    return found


def _other_schema(then: ContentSummary, now: ContentSummary) -> bool:
    return then.schema_tool == now.schema_tool and then.schema_digest != now.schema_digest


def server_changes(now: Manifest, proven: Manifest) -> tuple[Anomaly, ...]:
    """A source's server of another major version than the one that a drill last proved: what restores it may be too old."""
    then = {artifact.source: _major(artifact) for artifact in proven.artifacts if _major(artifact)}
    tonight = {artifact.source: _major(artifact) for artifact in now.artifacts if _major(artifact)}
    return tuple(
        Anomaly(
            key=f"server:{source}",
            severity="warning",
            message=f"the server of source '{source}' is version {major}, and {then[source]} when a drill last proved it",
            hint="it needs a drill: dr drill SYSTEM",
        )
        for source, major in sorted(tonight.items())
        if then.get(source, major) != major
    )


def _major(artifact: Artifact) -> str:
    return artifact.identity.get("server_version", "").partition(".")[0]


def _new_beside(now: dict[Place, ArtifactSummary], known: dict[Place, ArtifactSummary]) -> list[Anomaly]:
    found = []
    for place, summary in now.items():
        new = set(summary.content.beside) - set(known[place].content.beside) if place in known else set()
        if new:
            folders = "1 new folder lies" if len(new) == 1 else f"{len(new)} new folders lie"
            where = f" in {summary.content.parent}" if summary.content.parent else ""
            what = "it" if len(new) == 1 else "them"
            message = f"{folders} beside {_named(summary)}{where}, and no source covers {what}"
            hint = f"make {what} a source in inventory/systems.yaml, or let {what} pass: `dr backups accept SET --reason ...`"
            found.append(Anomaly(key=_key("unprotected", summary), severity="info", message=message, hint=hint))
    return found
