"""`approve`: a manual step. The run waits, durably, until a person approves or denies it, and fails safe when nobody does in time.

The engine puts the question on record, waits, and runs this with the answer; the first answer counts. Safe to repeat: it only judges.
Who asks and who answers are login names (`ann`, `ann as root`): two people who share a login count as one.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from dr.clock import iso
from dr.errors import Failed, Refused
from dr.model.base import Duration, Instant, JsonObject, Seconds, StrictModel
from dr.model.ports import Action, Effect, Outcome, Rehearsal, StepContext
from dr.policy.approval import same_person
from dr.units import show_duration

COMMENT_LIMIT = 500
"""Characters of a comment that are kept."""


class Params(StrictModel):
    instructions: str = Field(min_length=1, max_length=1000)
    """What the person is to do or to look at before they approve."""
    timeout: Duration = Field(default=Seconds(86400.0), gt=0, le=30 * 86400.0)
    second_person: bool = False
    """The one who approves must not be the one who started the run."""


class Facts(StrictModel):
    by: str
    at: Instant
    comment: str
    verdict: Literal["approved"]
    """A denial or a silence fails the step, so that it leaves no facts."""
    asked_by: str
    asked: Instant


def run(params: Params, ctx: StepContext) -> Outcome:
    answer: JsonObject = ctx.answer or {"verdict": "nobody"}
    if answer["verdict"] == "nobody" or _too_late(answer):
        ctx.audit("approval.timed-out", ctx.run)
        raise Failed(
            f"step '{ctx.step}': nobody approved within {show_duration(_seconds(params, answer))}",
            hint="start the run anew when somebody is there to approve",
        )
    by, comment = str(answer["by"]), str(answer.get("comment", ""))[:COMMENT_LIMIT]
    if params.second_person and same_person(by, ctx.requested_by):
        _audit("refused", by, comment, ctx)
        raise Refused(
            f"step '{ctx.step}': {by} asked for this run, so somebody else must approve it",
            hint="start the run anew; another person approves it under their own login",
        )
    _audit(str(answer["verdict"]), by, comment, ctx)
    if answer["verdict"] != "approved":
        raise Failed(f"step '{ctx.step}': {by} denied it" + (f": {comment}" if comment else ""), hint="nothing after it was done")
    at, asked = datetime.fromisoformat(answer["at"]), datetime.fromisoformat(answer["asked"])
    facts = Facts(by=by, at=at, comment=comment, verdict="approved", asked_by=ctx.requested_by, asked=asked)
    return Outcome(changed=False, facts=facts.to_facts())


def _audit(what: str, by: str, comment: str, ctx: StepContext) -> None:
    """Both names: who answered as the actor, who asked beside."""
    facts: JsonObject = {"step": ctx.step, "comment": comment, "asked_by": ctx.requested_by}
    ctx.records.audit(f"approval.{what}", ctx.run, facts, actor=by, at=ctx.clock.now())


def _too_late(answer: JsonObject) -> bool:
    """An answer that was given after the time was over, while nobody carried the run."""
    return datetime.fromisoformat(answer["at"]) > datetime.fromisoformat(answer["until"])


def _seconds(params: Params, answer: JsonObject) -> float:
    return float(answer.get("seconds", params.timeout))


def rehearse(params: Params, _: object) -> Rehearsal:
    who = "a person other than the one who starts the run" if params.second_person else "a person"
    now = iso(datetime.fromtimestamp(0).astimezone())
    lines = (f"would wait up to {show_duration(params.timeout)} for {who} to approve: {params.instructions}",)
    return Rehearsal(lines, {"by": "(whoever approves)", "at": now, "comment": "", "verdict": "approved", "asked_by": "", "asked": now})


ACTION = Action(kind="approve", params=Params, facts=Facts, effect=Effect.READS, run=run, failpoints=("after-asked",), rehearse=rehearse)
