"""What a runbook must be to bring a system back for real, told at `dr check` and not at 3 in the morning."""

from collections.abc import Collection, Iterator, Sequence

from dr.config.nodes import Scalar, Table, at, plain
from dr.config.problems import Problem
from dr.config.steps import StepView, ancestors

REPLAY = "replay-suppressions"
SWAP = "swap-in"
_FOR_GOOD = {"open": "opens a system", SWAP: "puts file sets where applications look for them"}
"""What a drill never does."""


def recovery_problems(root: Table, views: Sequence[StepView]) -> Iterator[Problem]:
    """Of every runbook: only a recovery opens. Of a recovery: it opens, after a second person's word and a check; then it is probed."""
    kind = plain(root.get("kind"))
    if kind == "recovery":
        yield from _recovery(root, views)
    elif isinstance(kind, str):
        for view in views:
            if view.action in _FOR_GOOD and view.only != "recovery":
                yield _at_action(view, f"{_FOR_GOOD[view.action]}, which only a recovery does", "mark the step `only: recovery`")


def _recovery(root: Table, views: Sequence[StepView]) -> Iterator[Problem]:
    schedule, kind = root.get("schedule"), root.get("kind")
    assert kind is not None
    if isinstance(schedule, Scalar):
        yield schedule.problem("a recovery is begun by a person, not by a schedule", "take `schedule` out")
    ours = [view for view in views if view.only in (None, "recovery")]
    for view in ours:
        if view.action == "scrub":
            yield _at_action(view, "a recovery must not remove what it brings back", "mark the step `only: drill`")
    steps = [view for view in ours if view.section == "steps"]
    opens = [view for view in steps if view.action == "open"]
    if not opens:
        yield kind.problem("a recovery that opens nothing brings nothing back", "add a step with `action: open` under `steps`")
    above = ancestors(views)
    for view in opens:
        before = [one for one in steps if one.id in above[view.id]]
        if not any(one.action == "approve" and one.with_.get("second_person") is True for one in before):
            hint = "let it need a step with `action: approve` and `second_person: true`; `dr recover --alone` leaves that out, and says so"
            yield _at_action(view, "opens the system without a second person's word", hint)
        if not any(one.action == "check" for one in before):
            yield _at_action(view, "opens what nobody has looked at", "let it need a step with `action: check`")
    for view in steps:
        if view.action == SWAP and not any(one.id in above[view.id] for one in opens):
            hint = "let it need the step with `action: open`: until then what stands there is somebody's"
            yield _at_action(view, "puts file sets in place before the system is opened", hint)
    if opens and not any(view.action == "probe" and any(one.id in above[view.id] for one in opens) for view in steps):
        yield _at_action(
            opens[-1], "no probe after it says when a user can work", "add a step with `action: probe` after it: it stops the clock"
        )


def replay_problems(views: Sequence[StepView], systems: Collection[str]) -> Iterator[Problem]:
    """Who asked to be forgotten does not come back. `systems`: those that this runbook is for and that declare `suppression`."""
    steps = [view for view in views if view.section == "steps"]
    above = ancestors(views)

    def preceded(view: StepView, action: str) -> bool:
        return any(one.action == action and one.id in above[view.id] for one in steps)

    for view in steps:
        if view.action == REPLAY and not preceded(view, "check"):
            hint = "let it need the step with `action: check`, which would find what was erased missing"
            yield _at_action(view, "replays requests on what was not compared with its source yet", hint)
        elif view.action == "open" and systems and not preceded(view, REPLAY):
            hint = (
                f"let it need a step with `action: {REPLAY}`: systems.{min(systems)} has `suppression` (runbooks/recover.yaml of dr init)"
            )
            yield _at_action(view, f"opens {min(systems)} without what was asked to be forgotten since the backup", hint)


def _at_action(view: StepView, message: str, hint: str) -> Problem:
    return at(view.node, ["action"]).problem(f"{view.prefix}{message}", hint)
