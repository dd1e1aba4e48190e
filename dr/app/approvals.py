"""What waits for a person, and their word on it; also pausing. From any process, whoever carries the run, or nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.actions.approve import COMMENT_LIMIT, Params
from dr.app.engines import place
from dr.app.home import App, whoami
from dr.clock import iso
from dr.engine.control import send_answer
from dr.errors import ConfigError, Refused
from dr.model.base import JsonObject, RunId, StepId
from dr.model.record import AuditEntry, RunRecord, StepRecord
from dr.policy.approval import ASKED, same_person
from dr.policy.second_person import typed, way
from dr.program import owner, this_dr


@dataclass(frozen=True)
class Waiting:
    """A question that stands: which step, since and until when, and who may not answer it."""

    run: RunId
    step: StepId
    instructions: str
    since: datetime
    until: datetime
    not_by: str
    """The person who asked, where a second one is wanted; else empty."""
    typed: str
    """What whoever answers types."""

    def to_facts(self) -> JsonObject:
        return {
            "run": self.run,
            "step": self.step,
            "instructions": self.instructions,
            "since": iso(self.since),
            "until": iso(self.until),
            "not_by": self.not_by,
            "typed": self.typed,
        }


def waiting(app: App, record: RunRecord) -> list[Waiting]:
    """The questions of a run that nobody has answered yet."""
    if record.state != "running":
        return []
    steps = [s for s in app.records.steps(record.run) if s.action == "approve" and s.state == "running"]
    plan = app.records.plan(record.run)
    limits = {s.id: s.timeout for s in (*plan.steps, *plan.on_failure, *plan.always)} if plan else {}
    put = {str(e.facts["step"]): e for e in app.records.audit_of(record.run) if e.event == ASKED} if steps else {}
    return [_waiting(app, s, limits.get(s.step), put.get(s.step), record) for s in steps]


def _waiting(app: App, step: StepRecord, limit: float | None, put: AuditEntry | None, record: RunRecord) -> Waiting:
    """`put`: when it was asked last, after a silence it is asked again."""
    params = Params.from_facts(step.resolved)
    since = put.at if put else step.started or record.started
    until = datetime.fromisoformat(put.facts["until"]) if put else since + timedelta(seconds=min(params.timeout, limit or params.timeout))
    by = record.requested_by if params.second_person else ""
    how = typed(this_dr(app.home), record.run, step.step, by=by, owner=owner(app.home))
    return Waiting(record.run, step.step, params.instructions, since, until, by, how)


def question(app: App, run: str, step: str | None, *, approves: bool = True) -> Waiting:
    """What waits for this person's word, to be shown before they give it. Raises as `answer` does."""
    record = app.run_record(run)
    found = _question(waiting(app, record), record, step)
    _require_eligible(app, found, whoami(), app.clock.now(), approves)
    return found


def answer(app: App, run: str, step: str | None, *, approved: bool, comment: str = "") -> tuple[Waiting, bool]:
    """Approve or deny; gives back the question, and whether somebody carries the run, who then heeds it at once.

    Raises ConfigError where nothing (or more than one thing) waits, Refused for a second person who is the first, or when it is too late.
    """
    record = app.run_record(run)
    question = _question(waiting(app, record), record, step)
    by, now = whoami(), app.clock.now()
    _require_eligible(app, question, by, now, approved)
    verdict = "approved" if approved else "denied"
    said = " ".join(comment.split())[:COMMENT_LIMIT]
    app.records.audit("approval.sent", record.run, {"step": question.step, "verdict": verdict}, actor=by, at=now)
    message: JsonObject = {"verdict": verdict, "by": by, "at": iso(now), "comment": said}
    carried = send_answer(place(app.state, record.kind), record.run, question.step, message)
    return question, carried


def _question(questions: Sequence[Waiting], record: RunRecord, step: str | None) -> Waiting:
    found = [q for q in questions if step in (None, q.step)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{record.run} waits in several steps", hint=f"name one: {', '.join(q.step for q in found)}")
    about = f"step '{step}' of {record.run}" if step else str(record.run)
    others = ", ".join(q.step for q in questions)
    raise ConfigError(f"{about} waits for nobody", hint=f"{others} does" if others else f"`dr runs show {record.run}` says how far it came")


def _require_eligible(app: App, question: Waiting, by: str, now: datetime, approves: bool) -> None:
    """Anybody may say no, whoever asked for it too."""
    if approves and question.not_by and same_person(by, question.not_by):
        who = f"{by} asked" if by == question.not_by else f"{by} may be {question.not_by}, who asked"
        how = how_second(app, question.not_by, question.run, begun=True)
        raise Refused(
            f"{who} for {question.run}, so somebody else must approve step '{question.step}'",
            hint=f"{how}. You may refuse it: dr runs approve {question.run} --deny",
        )
    if now > question.until:
        raise Refused(
            f"step '{question.step}' of {question.run} waited until {iso(question.until)}: it is too late",
            hint=f"dr runs resume {question.run} asks again, where the step has a `retry`, or lets it end",
        )


def how_second(app: App, by: str, run: str, *, begun: bool = False) -> str:
    """How somebody other than `by` comes to approve: the home is its owner's alone."""
    return way(this_dr(app.home), run, by=by, owner=owner(app.home), begun=begun)


def paused(app: App, record: RunRecord) -> tuple[str, datetime] | None:
    """Who paused a run that still is, and when it heeded that."""
    if record.state != "running":
        return None
    told = [entry for entry in app.records.audit_of(record.run) if entry.event in ("run-pause", "run-resume", "run-cancel")]
    return (told[-1].actor, told[-1].at) if told and told[-1].event == "run-pause" else None
