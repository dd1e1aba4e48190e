"""A run that is resumed keeps the steps that it began with: whoever changed its runbook meanwhile is told so, before they wait for it."""

from dr.app.home import App
from dr.model.base import RunId


def rewritten(app: App, run: RunId) -> str:
    """What to say; empty where the runbook says what it said when the run began, or where that is not known."""
    plan = app.records.plan(run)
    name = f"runbook {plan.runbook}" if plan else ""
    if plan is None or name not in app.written or plan.rests_on.get(name, app.written[name]) == app.written[name]:
        return ""
    opened = any(s.action == "open" and s.state == "done" for s in app.records.steps(run))
    anew = "" if opened else f"; to go by the new one, dr runs cancel {run}, and begin anew"
    return f"runbooks/{plan.runbook}.yaml was changed since {run} began: this run keeps the steps it began with{anew}"
