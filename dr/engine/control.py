"""What can be said to runs, and asked about them, without carrying any: no slot is taken, no run is taken over."""

from pathlib import Path
from typing import Literal, get_args

from dr.engine.slots import is_alive
from dr.engine.store import UnderWay, under_way
from dr.engine.version import ENGINE_VERSION
from dr.errors import ConfigError, Refused
from dr.model.base import JsonObject, RunId, StepId

Command = Literal["cancel", "cancel-hard", "pause", "resume"]
SLOTS_FOLDER = "slots"


def send_control(state: Path, run_id: RunId, command: Command, by: str = "") -> bool:
    """Tell a run to `cancel` (its `always` steps still run), `cancel-hard` (they do not), `pause` (what runs is finished, nothing is
    begun) or `resume`.

    True if somebody carries the run and will heed it in about a second. False if nobody does: a `cancel-hard` has then ended it
    (the catalog learns of it at the next start), anything else waits until the run is taken up again. Raises ConfigError for a run that is
    not under way.
    """
    if command not in get_args(Command):
        raise ConfigError(f"'{command}' is nothing that a run understands", hint="cancel, cancel-hard, pause or resume")
    run = _under_way(state, run_id)
    from dr.engine import durable

    carried = is_carried(state, run)
    if command == "cancel-hard" and not carried:
        durable.cancel(state, run_id)
    else:
        durable.send(state, run_id, {"command": command, "by": by})
    return carried


def send_answer(state: Path, run_id: RunId, step: StepId, answer: JsonObject) -> bool:
    """Answer the question that a step of a run puts to a person. The first answer counts.

    `answer`: `{verdict: approved | denied, by, at, comment}`. True if somebody carries the run; else it is heeded when the run is taken up
    again. Raises ConfigError for a run that is not under way.
    """
    run = _under_way(state, run_id)
    from dr.engine import durable

    durable.send(state, run_id, answer, durable.answers_to(step))
    return is_carried(state, run)


def _under_way(state: Path, run_id: RunId) -> UnderWay:
    run = next((run for run in under_way(state) if run.run == run_id), None)
    if run is None:
        raise ConfigError(f"run '{run_id}' is not under way", hint="`dr runs list` shows the runs and how they ended")
    return run


def pending(state: Path) -> list[RunId]:
    """Runs that are not over, carried by a living process or not; oldest first."""
    return [run.run for run in under_way(state)]


def resumable(state: Path) -> list[RunId]:
    """Runs that are not over and that nobody carries: what `dr runs resume` would take up."""
    return [run.run for run in under_way(state) if not is_carried(state, run)]


def is_carried(state: Path, run: UnderWay) -> bool:
    """Whether a living process has the run."""
    return not run.waiting and run.executor is not None and is_alive(state / SLOTS_FOLDER, run.executor)


def refuse_other_versions(state: Path) -> None:
    """Raises Refused if a run that is under way was begun by another version of the engine, which this one would never take up."""
    foreign = [run for run in under_way(state) if run.version not in (ENGINE_VERSION, None)]
    if foreign:
        listed = ", ".join(f"{run.run} ({run.version})" for run in foreign)
        raise Refused(
            f"runs of another version of the engine are not finished: {listed}; this is {ENGINE_VERSION}",
            hint="finish them with the release that began them (`dr runs resume`), or end them with `dr runs cancel --hard RUN`",
        )
