"""What a set says of its sources, against the sets before it: findings, and the mark of a set that must not count as good.

Safe to repeat: the same summaries give the same findings.
"""

from collections.abc import Sequence

from dr.model.base import SetId, SystemName
from dr.model.ports import StepContext
from dr.model.summary import Anomaly, Baselines
from dr.policy.anomalies import anomalies, server_changes


def review(system: SystemName, set_id: SetId, ctx: StepContext) -> None:
    """Before the set is verified, so that it never counts as good for a moment. A set without a summary says nothing."""
    summary = ctx.records.summary(set_id)
    if summary is None:
        return
    than = ctx.records.baselines(system, set_id)
    mark = ctx.records.shrinkage(set_id)
    if mark is not None and mark.accepted_by:
        than = than.model_copy(update={"good": None})  # its losses are normal: a person said so
    found = anomalies(summary, than)
    causes = [anomaly.key for anomaly in found if anomaly.shrinks]
    if causes:
        ctx.records.mark_shrunken(set_id, causes, ctx.clock.now(), ctx.run)
        ctx.audit("set.shrunken", set_id, {"causes": causes})
    if all(copy.set <= set_id for copy in ctx.records.copies(system)):
        _say(system, set_id, [*found, *_servers(set_id, than, ctx)], ctx)


def _servers(set_id: SetId, than: Baselines, ctx: StepContext) -> Sequence[Anomaly]:
    now, proven = ctx.records.manifest(set_id), than.proven and ctx.records.manifest(than.proven.set)
    return server_changes(now, proven) if now and proven else ()


def _say(system: SystemName, set_id: SetId, found: Sequence[Anomaly], ctx: StepContext) -> None:
    """What is open is what the newest set shows."""
    prefix = f"source:{system}:"
    for anomaly in found:
        ctx.finding(prefix + anomaly.key, anomaly.severity, f"{set_id}: {anomaly.message}", system=system, hint=anomaly.hint)
    ctx.records.close_findings(prefix, [prefix + anomaly.key for anomaly in found], ctx.clock.now(), ctx.run)


def review_newest(system: SystemName, ctx: StepContext) -> None:
    """Again, after a drill has proven a set: what needed a drill may need none now."""
    newest = ctx.records.newest(system)
    if newest is not None:
        review(system, newest.set, ctx)
