"""`report`: write the evidence of this run: signed JSON for an auditor, one HTML page for a manager.

Safe to repeat: the files are named by the run and replaced atomically.
"""

from dr.model.base import JsonObject, Sha256, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext
from dr.model.record import Verdict


class Params(StrictModel):
    pass


class Facts(StrictModel):
    json_file: str
    html_file: str
    sha256: Sha256
    verdict: Verdict
    rto_seconds: float | None = None
    rpo_seconds: float | None = None
    rto_total: float | None = None
    """With what was declared."""
    beside: tuple[str, ...] = ()
    """What must be said of the recovery time: its declared phases, the worst hour of the week, and when the run lay still."""


def run(_params: Params, ctx: StepContext) -> Outcome:
    written: JsonObject = ctx.reporter.write(ctx.run, ctx)
    facts = Facts.from_facts(written)
    ctx.audit("evidence.written", ctx.run, {"sha256": facts.sha256, "verdict": facts.verdict})
    return Outcome(changed=True, facts=facts.to_facts())


ACTION = Action(kind="report", params=Params, facts=Facts, effect=Effect.WRITES, run=run)
