"""How a home's files are read for whoever opens it, and what may be done while they are wrong.

working     all of them are read and checked: one wrong line, and nothing is run
looking     as they were understood before, while they are the very same (`dr.config.known`)
enduring    where a line is wrong, as they were when all of them were right (`dr.config.whole`). For who must reach people: an alarm that is
            refused does more harm than one that goes to last week's contacts. No backup, drill or recovery is begun by what is not there
            any more.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from dr import __version__, plugins
from dr.app.engines import FAILOVER, OUTAGE
from dr.clock import iso
from dr.config.known import KEPT, load_known
from dr.config.load import Loaded, load
from dr.config.problems import ConfigProblems
from dr.config.whole import keep, stamp, whole
from dr.model.base import JsonObject, Sha256
from dr.model.runbook import Plan, PlannedStep, Runbook, Step

if TYPE_CHECKING:
    from dr.app.home import App

__all__ = ["WRONG", "ConfigProblems", "Lapse", "Opened", "facts_of", "only_people", "own_up", "read"]
WRONG = "inventory.wrong"
"""On the trail for each act that was done all the same; its subject is the act."""
_AMONG_PEOPLE = frozenset({"approve", "await-acceptances", "keep-told", "notify", "reassign-duties", "report"})
"""Actions that tell people, ask them, and write down what they said."""


@dataclass(frozen=True)
class Lapse:
    """Why a home goes by what its files said before: what is wrong with them now, and when those were first read that it goes by."""

    problems: ConfigProblems
    since: datetime

    def to_facts(self) -> JsonObject:
        """For the trail."""
        return {**facts_of(self.problems), "since": iso(self.since)}


@dataclass(frozen=True)
class Opened:
    """What a home is opened with; `files`: by which they are known again, where they are right and were not edited meanwhile."""

    loaded: Loaded
    lapse: Lapse | None = None
    files: Sha256 | None = None

    def keep(self, home: Path, now: datetime) -> None:
        """For whoever opens it enduring, once a line of them is wrong."""
        if self.files is not None:
            keep(home, self.loaded, self.files, __version__, now)


def read(home: Path, *, looking: bool, enduring: bool) -> Opened:
    """Raises ConfigProblems with every problem; enduring, only where nothing is kept that can be believed."""
    before = stamp(home)
    try:
        loaded = load_known(home, plugins.kinds(), home / KEPT, __version__) if looking else load(home, plugins.kinds())
    except ConfigProblems as problems:
        found = whole(home, __version__) if enduring else None
        if found is None:
            raise
        return Opened(_for_people(found.loaded), Lapse(problems, found.since))
    return Opened(loaded, files=before if before == stamp(home) else None)


def only_people(plan: Plan | Runbook) -> bool:
    """Whether it does nothing but tell and ask people, in an engine that carries nothing else."""
    steps: Iterable[PlannedStep | Step] = (*plan.steps, *plan.on_failure, *plan.always)
    return plan.kind in (OUTAGE, FAILOVER) and all(step.action in _AMONG_PEOPLE for step in steps)


def _for_people(loaded: Loaded) -> Loaded:
    """Without the outage's and the failover's runbook where those do more: what dr knows by heart is done in their place."""
    more = {name for name, one in loaded.runbooks.items() if one.kind in (OUTAGE, FAILOVER) and not only_people(one)}
    return replace(loaded, runbooks={name: one for name, one in loaded.runbooks.items() if name not in more})


def facts_of(problems: ConfigProblems) -> JsonObject:
    """For the trail: the first one's place, and nothing of what is written there."""
    first = problems.problems[0]
    return {"first": f"{first.file}:{first.line}:{first.col}" if first.line else first.file, "problems": len(problems.problems)}


def own_up(app: "App", act: str) -> None:
    """Put on the trail that this was done by what the files said before, where it was."""
    if app.lapse is not None:
        app.services.audit(WRONG, act, app.lapse.to_facts())
