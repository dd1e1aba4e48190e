"""`approve`: a manual step. The run waits, durably, until a person approves or denies it, and fails safe when nobody does in time: with
`retry` they are asked again first, and what was done beside the question, such as a restore, is not done again.

The engine puts the question on record, has it told (`notify`), waits, and runs this with the answer; the first answer counts. Safe to
repeat: it only judges, and a notice that was delivered is not sent again.
Who asks and who answers are login names (`ann`, `ann as root`): two people who share a login count as one.
"""

import re
import textwrap
from datetime import datetime
from typing import Literal

from pydantic import Field, field_validator

from dr.clock import iso, local
from dr.errors import DrError, Failed, Refused, Stopped, Unanswered
from dr.model.base import AudienceName, Duration, Instant, JsonObject, Seconds, StrictModel
from dr.model.ports import Action, Effect, Outcome, Rehearsal, RehearseContext, StepContext, Telling
from dr.policy.approval import same_person, untold
from dr.policy.second_person import typed
from dr.policy.undelivered import what_became
from dr.program import owner, this_dr
from dr.units import show_duration, visible

COMMENT_LIMIT = 500
"""Characters of a comment that are kept."""
SENTENCE_LIMIT = 120
"""And of the sentence that a notice leads with."""
_SENTENCE = re.compile(r".+?(?:[.?!](?=\s|$)|:(?=\n)|(?=\n\s*\n)|$)", re.DOTALL)


class Params(StrictModel):
    instructions: str = Field(min_length=1, max_length=4000)
    """What the person is to do or to look at before they approve; as many lines as it takes (`|` in YAML)."""
    timeout: Duration = Field(default=Seconds(86400.0), gt=0, le=30 * 86400.0)
    second_person: bool = False
    """The one who approves must not be the one who started the run."""
    notify: AudienceName | None = None
    """A contact or a group that is sent the question, with the instructions."""

    @field_validator("instructions")
    @classmethod
    def _say_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("the instructions are empty; say what to look at before somebody approves")
        return visible(textwrap.dedent(text.expandtabs(4)).strip())


class Facts(StrictModel):
    by: str
    at: Instant
    comment: str
    verdict: Literal["approved"]
    """A denial or a silence fails the step, so that it leaves no facts."""
    asked_by: str
    asked: Instant


def asked(params: Params, ctx: StepContext, until: datetime) -> None:
    """Send the question to `notify`. Where that fails the question stands all the same: a finding says that nobody may know of it."""
    if params.notify is None:
        return
    try:
        note, sentence = _question(params, ctx, until), first_sentence(params.instructions)
        notice = ctx.notifier.tell(Telling(params.notify, "approval-wanted", "warning", note, question=sentence, until=until), ctx)
        trouble = "" if notice.state == "delivered" else f"the notice that asks for it {what_became(notice)}"
    except Stopped:
        raise
    except DrError as error:
        trouble = error.message
    if trouble:
        hint = f"tell them by hand: {_how(params, ctx)}"
        message = f"step '{ctx.step}' of {ctx.run} waits for an approval, and {trouble}"
        ctx.finding(_untold(ctx) + params.notify, "critical", message, hint=hint)


def first_sentence(instructions: str) -> str:
    """What is asked, short enough for a subject; a list's heading is one too."""
    found = _SENTENCE.match(instructions.strip())
    sentence = " ".join((found[0] if found else instructions).split()).rstrip(":")
    if len(sentence) > SENTENCE_LIMIT:
        return sentence[: SENTENCE_LIMIT - 3].rstrip() + "..."
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def _question(params: Params, ctx: StepContext, until: datetime) -> str:
    how = _how(params, ctx)
    who = f", as somebody other than {ctx.requested_by}" if params.second_person else ""
    silence = (
        "If nobody answers, it is asked again; until somebody approves, nothing after it is done." if _left(ctx) else "Silence is a no."
    )
    lines = (
        "What to do first:",
        *(f"  {line}".rstrip() for line in params.instructions.splitlines()),
        "",
        f"Then answer before {local(until, ctx.inventory.organisation.zone)}{who}:",
        f'  {how} --comment "what you saw"',
        "or, to refuse:",
        f'  {how} --deny --comment "why"',
        silence,
    )
    return "\n".join(lines)


def _how(params: Params, ctx: StepContext) -> str:
    by = ctx.requested_by if params.second_person else ""
    return typed(this_dr(ctx.home), ctx.run, ctx.step, by=by, owner=owner(ctx.home))


def _untold(ctx: StepContext) -> str:
    return f"{untold(ctx.run)}{ctx.step}:"


def run(params: Params, ctx: StepContext) -> Outcome:
    ctx.records.close_findings(_untold(ctx), (), ctx.clock.now(), ctx.run)
    answer: JsonObject = ctx.answer or {"verdict": "nobody"}
    if answer["verdict"] == "nobody" or _too_late(answer):
        ctx.audit("approval.timed-out", ctx.run)
        again = _left(ctx)
        raise Unanswered(
            f"step '{ctx.step}': nobody approved within {show_duration(_seconds(params, answer))}",
            hint="it is asked again now; nothing that waits for it was done, and what was done stays done"
            if again
            else "start the run anew when somebody is there to approve; with `retry` at the step they are asked again instead",
        )
    by, comment = str(answer["by"]), str(answer.get("comment", ""))[:COMMENT_LIMIT]
    if answer["verdict"] == "approved" and params.second_person and same_person(by, ctx.requested_by):
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


def _left(ctx: StepContext) -> int:
    """How often the question is put again after a silence."""
    plan = ctx.plan
    own = next((step for step in (*plan.steps, *plan.on_failure, *plan.always) if step.id == ctx.step), None)
    return max(0, own.retry.attempts - ctx.attempt) if own else 0


def _audit(what: str, by: str, comment: str, ctx: StepContext) -> None:
    """Both names: who answered as the actor, who asked beside."""
    facts: JsonObject = {"step": ctx.step, "comment": comment, "asked_by": ctx.requested_by}
    ctx.records.audit(f"approval.{what}", ctx.run, facts, actor=by, at=ctx.clock.now())


def _too_late(answer: JsonObject) -> bool:
    """An answer that was given after the time was over, while nobody carried the run."""
    return datetime.fromisoformat(answer["at"]) > datetime.fromisoformat(answer["until"])


def _seconds(params: Params, answer: JsonObject) -> float:
    return float(answer.get("seconds", params.timeout))


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:
    who = "a person other than the one who starts the run" if params.second_person else "a person"
    now = iso(ctx.clock.now())
    told = f", and tell {params.notify}" if params.notify else ""
    lines = (f"would wait up to {show_duration(params.timeout)} for {who} to approve{told}:", *params.instructions.splitlines())
    return Rehearsal(lines, {"by": "(whoever approves)", "at": now, "comment": "", "verdict": "approved", "asked_by": "", "asked": now})


ACTION = Action(
    kind="approve",
    params=Params,
    facts=Facts,
    effect=Effect.READS,
    run=run,
    failpoints=("after-asked", "after-send"),
    rehearse=rehearse,
    asked=asked,
)
