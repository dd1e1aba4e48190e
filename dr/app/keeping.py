"""The run that keeps people told of an outage: begun in the background, once; begun or resumed again by whoever finds that nobody has it.

Its process outlives the terminal that it was begun from. Whoever has it holds a lock, which goes with the process.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from dr import plugins
from dr.app.afterwards import see_out, wants_process
from dr.app.background import begin as begin_process
from dr.app.engines import OUTAGE, all_pending, all_resumable, place
from dr.app.home import App, whoami
from dr.config.plan import compile_plan
from dr.engine.slots import held_if_dead, is_alive
from dr.errors import Refused
from dr.model.base import RunId
from dr.model.outage import Outage, OutageId
from dr.model.record import RunRecord
from dr.model.runbook import Runbook

RUNBOOK = "outage"
LOCKS = "kept"
"""Below the folder of their engine: a lock for each outage, held by whoever keeps people told of it."""
_BUILT_IN = {
    "runbook": RUNBOOK,
    "title": "Keep people told while an outage lasts",
    "kind": OUTAGE,
    "parameters": {"outage": {"default": ""}},
    "steps": [
        {
            "id": "keep-told",
            "action": "keep-told",
            "with": {"outage": "${parameters.outage}"},
            "retry": {"attempts": 100, "wait": 10.0, "most": 60.0},
        }
    ],
}
"""For a home that was made before runbooks/outage.yaml was: when something is out is no time to ask for a file."""
Begin = Callable[[Path, OutageId], None]


def keep_all(app: App, begin: Begin | None = None) -> list[OutageId]:
    """See to it that somebody keeps people told of every declared outage, and of the end of one that is over; those that nobody had."""
    found = [one.id for one in app.records.outages() if (one.state == "declared" or wants_process(app, one)) and not is_kept(app, one.id)]
    for outage in found:
        (begin or in_background)(app.home, outage)
    return found


def is_kept(app: App, outage: OutageId) -> bool:
    """Whether a living process keeps people told of it: the one that was begun for it, or one of another outage that took its run up."""
    return is_alive(_locks(app), outage) or _carried(app, outage)


def keep(app: App, outage: Outage, say: Callable[[str], None] = lambda _: None) -> RunRecord:
    """Keep people told of it, here, until it is over: its run is taken up where it was, or begun. Then who was not reached is tried again,
    where nobody else would. Raises Refused where another process does."""
    with held_if_dead(_locks(app), outage.id) as free:
        left = _runs_of(app, outage.id, all_resumable(app.state))
        if not free or _carried(app, outage.id):
            raise Refused(f"another process keeps people told of {outage.id}", hint=f"dr outage show {outage.id}")
        record = app.resume(left[0]) if left else _its_run(app, outage)
        see_out(app, outage.id, say)
        return record


def in_background(home: Path, outage: OutageId) -> None:
    """A process of its own: it goes on when the terminal is closed, and what it says is in a file."""
    begin_process(home, OUTAGE, ("outage", "keep", outage))


def _its_run(app: App, outage: Outage) -> RunRecord:
    """Begun, and carried to its end; of an outage that is over, the run that it had."""
    over = app.records.run(outage.run) if outage.ended is not None and outage.run is not None else None
    if over is not None:
        return over
    plan = compile_plan(_runbook(app), app.inventory, {"outage": outage.id}, plugins.kinds())
    return app.carry_out(plan, by=whoami())


def _carried(app: App, outage: OutageId) -> bool:
    left = set(all_resumable(app.state))
    return bool(_runs_of(app, outage, [run for run in all_pending(app.state) if run not in left]))


def _runs_of(app: App, outage: OutageId, runs: Sequence[RunId]) -> list[RunId]:
    """Those that keep people told of it: one that died before its first step is known by what it was begun with."""
    records = [app.records.run(run) for run in runs]
    return [one.run for one in records if one is not None and one.kind == OUTAGE and one.parameters.get("outage") == outage]


def _locks(app: App) -> Path:
    return place(app.state, OUTAGE) / LOCKS


def _runbook(app: App) -> Runbook:
    written = app.runbooks.get(RUNBOOK)
    return written if written is not None and written.kind == OUTAGE else Runbook.from_facts(_BUILT_IN)
