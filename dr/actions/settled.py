"""What production is recognised by once a recovery opened a host, on record: the guard refuses it even where no marker could be read."""

from dr.model.base import HostName, JsonObject
from dr.model.ports import StepContext
from dr.model.record import ProductionFacts


def record_settled(settled: JsonObject, host: HostName, ctx: StepContext) -> None:
    """`settled`: as `ServingHost.settled` says it."""
    known = {key: settled[key] for key in settled if key not in ("set", "since")}
    facts = {**known, "host": host, "system": ctx.plan.system, "recorded": ctx.clock.now().isoformat()}
    ctx.records.record_production(ProductionFacts.from_facts(facts))
