"""`notify`: tell people what this run did. A notice that did not reach everybody is a failed step.

Safe to repeat: the notice is in the ledger before it is sent; who was reached is not told again, and a repeat is marked as one.
"""

from dr.errors import Failed
from dr.model.base import AudienceName, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext, Telling
from dr.model.record import Severity


class Params(StrictModel):
    to: AudienceName
    """A contact or a group."""
    template: str
    severity: Severity = "warning"
    note: str = ""


class Facts(StrictModel):
    notice: str
    state: str
    deliveries: int


def run(params: Params, ctx: StepContext) -> Outcome:
    notice = ctx.notifier.tell(Telling(to=params.to, template=params.template, severity=params.severity, note=params.note), ctx)
    delivered = sum(d.state == "delivered" for d in notice.deliveries)
    if notice.state != "delivered":
        raise Failed(
            f"the notice to '{params.to}' was {notice.state}", hint="`dr status` shows whom it did not reach; tell them by hand now"
        )
    return Outcome(changed=True, facts=Facts(notice=notice.id, state=notice.state, deliveries=delivered).to_facts())


ACTION = Action(kind="notify", params=Params, facts=Facts, effect=Effect.TELLS, run=run, failpoints=("after-send",))
