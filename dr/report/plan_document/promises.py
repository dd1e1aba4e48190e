"""How soon the system is to be back and how much may be lost; what was measured of that; and how long one stands before a vault's door."""

from dr.clock import local
from dr.model.forecast import closed_words, declared_words
from dr.model.inventory import SystemEntry, TierObjective
from dr.model.readiness import Readiness, TierReadiness
from dr.model.record import Verdict
from dr.policy.forecast_words import in_words
from dr.policy.opening import worst
from dr.policy.readiness import valid_for
from dr.policy.words import short, spoken
from dr.report.plan_document.blocks import Block, Chapter, Heading, Points, Text, grid
from dr.report.plan_document.facts import Facts, SystemSeen
from dr.report.tables import Cell, Kind, Table
from dr.units import show_duration

NEVER = "NEVER DRILLED"
_SHADES: dict[Verdict, Kind] = {"PASS": "good", "FAIL": "bad", "INCOMPLETE": "warn"}


def promised(facts: Facts) -> Chapter:
    blocks: list[Block] = [
        Text(
            "The time counts from the moment at which the failure is noticed to the moment at which a first user could work again. It is "
            "measured by drills, in which a copy is restored onto a machine that is kept for it: their steps are below."
        )
    ]
    for name, entry in facts.inventory.systems.items():
        seen = facts.systems[name]
        blocks += [
            *([Heading(entry.title)] if len(facts.inventory.systems) > 1 else []),
            _table(facts, entry, seen),
            *_never(entry, seen),
            *_foreseen(seen.readiness),
        ]
    return Chapter("promised", "What is promised, and what was measured", "Promised", tuple(blocks))


def _table(facts: Facts, entry: SystemEntry, seen: SystemSeen) -> Table:
    tiers = {tier.tier: tier for tier in seen.readiness.tiers}
    rows = [_row(facts, entry, tier, objective, tiers.get(tier)) for tier, objective in entry.objectives.tiers.items()]
    heads = ("from", "promised", "meant", "last drill", "took", "newest proof")
    return grid("How soon it is to be back (RTO), and how soon it was", heads, rows)


def _row(facts: Facts, entry: SystemEntry, tier: str, wanted: TierObjective, stands: TierReadiness | None) -> tuple[Cell, ...]:
    promise = (Cell(tier), Cell(short(wanted.rto)), Cell(short(wanted.target) if wanted.target else "–"))
    return (*promise, *_drilled(facts, stands, wanted), _proof(facts, entry, tier, stands))


def _drilled(facts: Facts, stands: TierReadiness | None, wanted: TierObjective) -> tuple[Cell, Cell]:
    drill = stands.drill if stands else None
    if drill is None:
        return Cell(NEVER, "bad"), Cell("not known", "bad")
    held = Cell(f"{drill.verdict}, {local(drill.ended, facts.zone)}", _SHADES[drill.verdict])
    if drill.rto is None:
        return held, Cell("not measured", "bad")
    over = drill.rto > wanted.rto
    return held, Cell(f"{show_duration(drill.rto)}{drill.how}{', OVER the promise' if over else ''}", "bad" if over else "good")


def _proof(facts: Facts, entry: SystemEntry, tier: str, stands: TierReadiness | None) -> Cell:
    if stands is None or stands.proven_at is None:
        return Cell("none: no copy here was restored and compared", "bad")
    age, valid = (facts.at - stands.proven_at).total_seconds(), valid_for(entry, tier).total_seconds()
    if age > valid:
        return Cell(f"{spoken(age)} old: STALE, it is believed for {short(valid)}", "bad")
    return Cell(f"{spoken(age)} old; believed for {short(valid)}", "good")


def _never(entry: SystemEntry, seen: SystemSeen) -> list[Block]:
    drilled = {drill.tier for drill in seen.drills}
    missing = [tier for tier in entry.objectives.tiers if tier not in drilled]
    said = "was NEVER DRILLED. Nobody knows whether the system comes back from there, and how soon: the promise is a wish until then."
    return [Text(f"From {tier} it {said}", "bad") for tier in missing]


def _foreseen(readiness: Readiness) -> list[Block]:
    found = [(tier.tier, tier.forecast) for tier in readiness.tiers if tier.forecast is not None and tier.forecast.p50 is not None]
    if not found:
        return []
    return [Points(tuple(Text(f"{tier}: {in_words(forecast)}.") for tier, forecast in found), "For what it holds now, by the drills held:")]


# ---------------------------------------------------------------- what would be lost


def lost(facts: Facts) -> Chapter:
    blocks: list[Block] = []
    for name, entry in facts.inventory.systems.items():
        readiness = facts.systems[name].readiness
        promise = f"What was entered since the last good copy is lost; that is never to be more than {short(entry.objectives.rpo)} (RPO)."
        blocks += [*([Heading(entry.title)] if len(facts.inventory.systems) > 1 else []), Text(promise), _lost_now(readiness)]
    blocks.append(Text("The system comes back as it was at the instant of the copy; what was entered since must be entered again."))
    return Chapter("lost", "What would be lost", "Lost", tuple(blocks))


def _lost_now(readiness: Readiness) -> Text:
    if readiness.rpo is None:
        return Text("If it were lost now, EVERYTHING would be lost: there is no good copy.", "bad")
    over = readiness.rpo > readiness.rpo_objective
    words = f"If it were lost now, the last {show_duration(readiness.rpo)} would be"
    return Text(f"{words}, which is OVER that." if over else f"{words}.", "bad" if over else "")


# ---------------------------------------------------------------- the vault's door


def vault(facts: Facts) -> Chapter:
    blocks: list[Block] = []
    for entry in facts.inventory.systems.values():
        for tier, wanted in entry.objectives.tiers.items():
            said = _entered(facts, tier, wanted)
            blocks += [Points(said, f"{entry.title}, {tier}:" if len(facts.inventory.systems) > 1 else f"{tier}:")] if said else []
    if not blocks:
        words = (
            "For no tier hours, a courier or another time that no machine measures is written down: each is taken to be reached at once."
        )
        blocks = [Text(words, "warn")]
    return Chapter("vault", "How a copy is reached", "Vault", tuple(blocks))


def _entered(facts: Facts, tier: str, wanted: TierObjective) -> tuple[Text, ...]:
    if wanted.unmeasured is None:
        return ()
    said = []
    if wanted.declared:
        all_of_it = show_duration(sum(wanted.declared.values()))
        words = declared_words(wanted.unmeasured.declared)
        said.append(Text(f"Before a machine can begin, {all_of_it} pass, as declared: {words}. It counts against the promise."))
    if wanted.open is not None:
        holidays = f"; closed on {', '.join(wanted.holidays)}" if wanted.holidays else ""
        said.append(Text(f"Open {', '.join(wanted.open)}, in {facts.zone}{holidays}."))
        closed = worst(wanted.unmeasured, facts.zone, facts.at)
        said.append(Text(f"This week, {closed_words(closed, tier)}.", "warn") if closed else Text("It is open at every hour of this week."))
    return tuple(said)
