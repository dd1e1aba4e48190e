"""What a set says of its sources, against the sets before it: findings, and the mark of a set that must not count as good.

Safe to repeat: the same summaries give the same findings.
"""

from dr.model.base import SetId, SystemName
from dr.model.ports import StepContext
from dr.policy.anomalies import anomalies


def review(system: SystemName, set_id: SetId, ctx: StepContext) -> None:
    """Before the set is verified, so that it never counts as good for a moment. A set without a summary says nothing."""
    summary = ctx.records.summary(set_id)
    if summary is None:
        return
    found = anomalies(summary, ctx.records.baselines(system, set_id))
    prefix = f"source:{system}:"
    for anomaly in found:
        ctx.finding(prefix + anomaly.key, anomaly.severity, f"{set_id}: {anomaly.message}", system=system, hint=anomaly.hint)
    ctx.records.close_findings(prefix, [prefix + anomaly.key for anomaly in found], ctx.clock.now(), ctx.run)
    causes = [anomaly.key for anomaly in found if anomaly.shrinks]
    if causes:
        ctx.records.mark_shrunken(set_id, causes, ctx.clock.now(), ctx.run)
        ctx.audit("set.shrunken", set_id, {"causes": causes})


def review_newest(system: SystemName, ctx: StepContext) -> None:
    """Again, after a drill has proven a set: what needed a drill may need none now."""
    newest = ctx.records.newest(system)
    if newest is not None:
        review(system, newest.set, ctx)
