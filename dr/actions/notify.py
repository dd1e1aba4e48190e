"""`notify`: tell people what this run did. A notice that did not reach everybody is a failed step, unless it was good news. One that waits
in the ledger, to be told in one with others or after the quiet hours, is none: a timer carries it, and `dr status` is red if nobody does.

Safe to repeat: the notice is in the ledger before it is sent; who was reached is not told again, and a repeat is marked as one.
"""

from typing import Literal

from dr.errors import Failed
from dr.model.base import AudienceName, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext, Telling
from dr.model.record import Severity
from dr.policy.gathering import waits
from dr.policy.occasion import alarms, near_misses, recovered
from dr.policy.undelivered import what_became


class Params(StrictModel):
    to: AudienceName
    """A contact or a group."""
    template: str
    severity: Severity = "warning"
    note: str = ""
    only_after: Literal["failure", "near-miss", "finding"] | None = None
    """Tell only if this run is the first success after a failure of the same runbook, if it went well but only just, or if it found
    something grave that no notice of a failure has told."""
    best_effort: bool = False
    """A notice that did not reach everybody fails no step; `dr status` is red all the same. For a recovery: mail may be what was lost."""
    acknowledge: bool = False
    """Ask for an answer (`dr ack CODE`): until there is one it goes to the next channel and person, and begins anew (`notices` in the
    inventory). The step is done when it was delivered, and waits for nobody; `dr notices carry`, or its timer, goes on with it."""


class Facts(StrictModel):
    notice: str
    state: str
    deliveries: int


def run(params: Params, ctx: StepContext) -> Outcome:
    if not _due(params, ctx):
        return Outcome(changed=False, facts=Facts(notice="", state="not-due", deliveries=0).to_facts())
    telling = Telling(params.to, params.template, params.severity, params.note, params.acknowledge)
    notice = ctx.notifier.tell(telling, ctx)
    if waits(notice):
        return Outcome(changed=True, facts=Facts(notice=notice.id, state="waits", deliveries=0).to_facts())
    delivered = sum(d.state == "delivered" for d in notice.deliveries)
    good_news = params.only_after in ("failure", "near-miss")  # if that got lost, it spoils no good night; the ledger is red
    if notice.state != "delivered" and not (good_news or params.best_effort):
        raise Failed(
            f"the notice to '{params.to}' {what_became(notice)}",
            hint="tell them by hand now; `dr notices` shows whom it did not reach, `dr notices retry` sends it again",
        )
    return Outcome(changed=True, facts=Facts(notice=notice.id, state=notice.state, deliveries=delivered).to_facts())


def _due(params: Params, ctx: StepContext) -> bool:
    run = ctx.records.run(ctx.run)
    if params.only_after is None or run is None:
        return True
    steps = ctx.records.steps(ctx.run)
    if params.only_after == "failure":
        return recovered(run, steps, ctx.records.runs(runbook=run.runbook, system=run.system))
    findings = ctx.records.open_findings(run.system)
    if alarms(run, steps, findings):  # which makes a near miss a small thing: one message, not two
        return params.only_after == "finding"
    return params.only_after == "near-miss" and bool(near_misses(run, steps, ctx.records.copies(run.system), findings, ctx.clock.now()))


ACTION = Action(kind="notify", params=Params, facts=Facts, effect=Effect.TELLS, run=run, failpoints=("after-send",))
