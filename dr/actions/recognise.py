"""By what production is recognised, refreshed at every backup, as far as that is a machine's own to say."""

from dr.model.ports import StepContext
from dr.model.record import ProductionFacts


def recognise(facts: ProductionFacts, ctx: StepContext) -> None:
    """Record them; of a machine across a network only where it is still the one that was recorded, else it is a finding.

    A machine that is somebody else's by now could otherwise name the standby as itself, and so forbid the recovery from its own loss.
    """
    key = f"production-changed:{facts.host}"
    changed = _changed(facts, [known for known in ctx.records.production() if known.host == facts.host]) if facts.host_keys else []
    if changed:
        ctx.finding(
            key,
            "critical",
            f"host '{facts.host}' is not recognised any more: {' and '.join(changed)}; what it says of itself was not recorded",
            system=facts.system,
            hint=f"if it was replaced or has moved: dr hosts enrol {facts.host}; if not, somebody may be in its place",
        )
        return
    ctx.records.close_finding(key, ctx.clock.now(), ctx.run)
    ctx.records.record_production(facts)


def _changed(facts: ProductionFacts, known: list[ProductionFacts]) -> list[str]:
    machines = {one.machine for one in known}
    addresses = {one.address for one in known if one.address is not None}
    found = ["it is another machine (its machine-id differs)"] if known and facts.machine not in machines else []
    if addresses and facts.address is not None and facts.address not in addresses:
        found.append(f"its server is asked for at {facts.address}, which was not enrolled")
    return found
