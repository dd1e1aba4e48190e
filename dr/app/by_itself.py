"""Whether anything begins a system's next night: what a home of ready systems must say before it is READY."""

from collections.abc import Sequence
from pathlib import Path

from dr.app.home import App
from dr.app.schedule_there import Unstarted
from dr.catalog.nights import last_night
from dr.model.readiness import Readiness, worst


def by_itself(app: App, judged: Sequence[Readiness], folders: Sequence[Path] | None = None) -> list[Readiness]:
    """The judgements, amber at best where nothing would begin the next night; before the first one its own hint is enough.

    `folders`: where timers may lie; None: the usual places.
    """
    unstarted = Unstarted(app, folders)
    return [_with(app, one, unstarted) for one in judged]


def _with(app: App, judged: Readiness, unstarted: Unstarted) -> Readiness:
    nightly = app.inventory.systems[judged.system].runbooks.nightly
    if last_night(app.records, judged.system, nightly) is None:
        return judged
    reasons = unstarted.of(nightly)
    colour = worst((judged.colour, *(reason.colour for reason in reasons)))
    return judged.model_copy(update={"colour": colour, "reasons": (*judged.reasons, *reasons)})
