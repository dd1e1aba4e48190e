"""Small things that a person asks: runbooks made on the spot, and answers in words."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from dr.app import opened_words
from dr.catalog.audit import verify_chain
from dr.catalog.catalog import Catalog
from dr.clock import local
from dr.errors import EXIT_DONE, EXIT_FAILED, EXIT_INCOMPLETE, ConfigError, Damaged
from dr.model.base import JsonObject, SystemName, sha256
from dr.model.forecast import TierForecast
from dr.model.inventory import Inventory
from dr.model.record import RunRecord, StepRecord
from dr.model.runbook import Runbook
from dr.policy.forecast_words import in_words
from dr.units import show_duration, show_size

Verify = Callable[[bytes, bytes], None]
"""Raises Damaged unless a believed key made the signature."""


def drill(
    inventory: Inventory, runbooks: Mapping[str, Runbook], system: SystemName, tier: str, select: str | None, other: str | None = None
) -> tuple[Runbook, dict[str, str]]:
    """The runbook that the inventory names for a drill from that tier (or an `other` one), and its parameters."""
    named = inventory.systems[system].runbooks.drill
    if other is not None and other not in runbooks:
        raise ConfigError(f"there is no runbook '{other}'", hint=f"runbooks/ has {', '.join(sorted(runbooks)) or 'none'}")
    if other is None and tier not in named:
        raise ConfigError(
            f"{system} has no drill from tier '{tier}'", hint=f"inventory/systems.yaml names drills from: {', '.join(named) or 'none'}"
        )
    runbook = runbooks[other or named[tier]]
    given = {name: value for name, value in (("system", str(system)), ("tier", tier)) if name in runbook.parameters}
    return runbook, {**given, **({"select": select} if select else {})}


def verify(inventory: Inventory, system: SystemName, tiers: Sequence[str], how: JsonObject) -> Runbook:
    every = list(tiers) or sorted(inventory.systems[system].retention)
    step = {"id": "verify", "action": "verify", "with": {"system": system, "tiers": every, **how}}
    return _runbook("verify", f"Read back the stored bytes of {system}", step)


def prune(system: SystemName, confirmed: bool) -> Runbook:
    step = {"id": "prune", "action": "prune", "with": {"system": system, "confirmed": confirmed}}
    return _runbook("retention", f"Delete what no rule keeps of {system}", step)


def _runbook(name: str, title: str, step: JsonObject) -> Runbook:
    return Runbook.from_facts({"runbook": name, "title": title, "kind": "maintenance", "steps": [step]})


def without_tokens(step: StepRecord) -> JsonObject:
    return step.model_copy(update={"facts": {k: v for k, v in step.facts.items() if k != "needle"}}).to_facts()


def exit_code(record: RunRecord, steps: Sequence[StepRecord]) -> int:
    """0 PASS, 7 INCOMPLETE; a failed run ends with what its first failed step failed with."""
    if record.verdict == "PASS":
        return EXIT_DONE
    if record.verdict == "INCOMPLETE":
        return EXIT_INCOMPLETE
    failed = [s.failure.exit_code for s in steps if s.failure and s.section == "steps"]
    return failed[0] if failed else EXIT_FAILED


def summary(record: RunRecord, steps: Sequence[StepRecord], zone: str) -> list[str]:
    """What a run did, in a few lines a person reads at 3 in the morning."""
    lines = [line for step, why in _once(steps) for line in (_about(step, record, zone) if why is None else [why])]
    took = show_duration((record.ended - record.started).total_seconds()) if record.ended else ""
    began = "the failure was recognised" if record.kind == "recovery" else "started"
    over = f"{'over after' if record.kind == 'recovery' else 'took'} {took}" if took else "not over yet"
    return [*lines, f"{began} {local(record.started, zone)}, {over}"]


def _once(steps: Sequence[StepRecord]) -> Iterator[tuple[StepRecord, str | None]]:
    """Each step; with a word instead where an earlier one failed for the very same reason."""
    said: dict[str, str] = {}
    for step in steps:
        first = said.setdefault(step.failure.message, step.step) if step.failure else step.step
        yield step, None if first == step.step else f"{step.step}: as '{first}'"


def _about(step: StepRecord, record: RunRecord, zone: str) -> list[str]:
    if step.failure:
        return [f"{step.step}: {step.failure.message}", *([f"   HINT: {step.failure.hint}"] if step.failure.hint else [])]
    if step.state != "done":
        return []
    said = _SAYERS.get(step.action)
    facts = {**step.facts, "tiers": step.resolved.get("tiers", [])} if step.action == "verify" else step.facts
    return said(facts, record, zone) if said else []


def _backup(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    failed = [f"NO COPY in {name}: {cause}" for name, cause in f.get("failed", {}).items()]
    reused = f", {show_size(f['reused'])} reused" if f.get("reused") else ""
    return [f"set {f['set']}: {show_size(f['bytes'])} read, {show_size(f['stored'])} stored in {', '.join(f['copies'])}{reused}", *failed]


def _verify(f: JsonObject, _: RunRecord, zone: str) -> list[str]:
    where = f" in {', '.join(f['tiers'])}" if f.get("tiers") else ""
    lines = [f"read back and matched{where}: {show_size(f['bytes'])} in {_count(len(f['verified']), 'copy', 'copies')}"]
    if f.get("sampled"):
        oldest = (
            f"the oldest reading is of {local(datetime.fromisoformat(f['oldest']), zone)}" if f.get("oldest") else "some were never read"
        )
        lines = [f"{_count(f['sampled'], 'part')} read back and matched{where}, {f['left']} left for another time; {oldest}"]
        lines += [f"now wholly read since it was stored: {one['set']} in {one['repository']}" for one in f["verified"]]
    lines += [
        f"decrypted and unpacked whole: {one['set']} in {one['repository']}, {show_size(one['bytes'])}" for one in f.get("decoded", [])
    ]
    return lines + [f"✖ chain: {wrong}" for wrong in f.get("chain", [])]


def _canary(f: JsonObject, _: RunRecord, zone: str) -> list[str]:
    if f.get("left_out"):
        return [f"no key was tried: {f['left_out']}"]
    opened = ", ".join(f"{one['set']} in {one['repository']}" for one in f["opened"])
    due = f"; the escrow key's next drill is due by {local(datetime.fromisoformat(f['escrow_due']), zone)}" if f.get("escrow_due") else ""
    return [f"the drill key opens {opened or 'nothing: no tier holds a set'}{due}"]


def _forecast(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    found = [TierForecast.from_facts(one) for one in f["forecasts"]]
    return [f"from {one.tier}: {in_words(one)}" for one in found]


def _copy(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    copied = [f"copied {_count(len(f['copied']), 'missing set')}"] if f["copied"] else []
    mended = [f"mended from another copy, read back and matched: {one['set']} in {one['repository']}" for one in f.get("mended", [])]
    back = [
        f"was gone without a prune, made again from {one['from']}: {one['set']} in {one['repository']}" for one in f.get("brought_back", [])
    ]
    return [*copied, *mended, *back]


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _prune(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    removed = [f"removed {r['set']} from {r['repository']}: {r['rule']}" for r in f["removed"]]
    held = [f"nothing was deleted: {f[key]}" for key in ("frozen", "needs_person") if f.get(key)]
    return removed + held


def _select(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    return [f"restored from {f['set']}: {f['how']}"]


def _restore(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    """Nothing is said of a restore that went straight on: the check and the report say what it was worth."""
    if not f.get("waited"):
        return []
    return [f"waited {show_duration(f['waited'])} for {', '.join(f['waited_for']) or 'another run'} to leave the standby; the clock ran on"]


def _check(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    lines = []
    for r in f["results"]:
        good = r["passed"] and r["examined"] > 0
        lines.append(f"{'✔' if good else '✖'} {r['check']}: {r['summary']}")
        if not good:
            lines += [f"     {d['kind']} {d['name']}: {d['detail']}".rstrip(": ") for d in r["differences"][:10]]
            more = len(r["differences"]) - 10
            lines += [f"     and {more} more, all named in the evidence"] if more > 0 else []
        lines += _not_proven(r.get("unproven", []))
    return lines


def _not_proven(listed: Sequence[JsonObject]) -> list[str]:
    """Said on every page, passed or not: a name a person can look up, and where all of them are."""
    lines = [f"     not proven: {one['kind']} {one['name']}: {one['detail']}".rstrip(": ") for one in listed[:5]]
    return [*lines, f"     not proven: {len(listed) - 5} more, all named in the evidence (`dr report`)"] if len(listed) > 5 else lines


def _probe(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    return [f"✔ {one['check']}: {one['summary']}" for one in f["answers"]]


def _approve(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    return [f"approved by {f['by']}" + (f": {f['comment']}" if f["comment"] else "")]


def _report(f: JsonObject, record: RunRecord, _: str) -> list[str]:
    if f.get("rto_seconds") is None:
        return []
    objective = (record.objective or {}).get("rto")
    against = f" (objective {show_duration(objective)})" if objective else ""
    total = f.get("rto_total") or f["rto_seconds"]
    return [f"recovered in {show_duration(total)}{against}", *(f"     {said}" for said in f.get("beside", ()))]


def _scrub(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    c = f["certificate"]
    if c is None:
        return [f["left_to"]]
    host = "standby" if c["host"] == "standby" else f"standby {c['host']}"
    counted = f" ({_count(c['files'], 'file')}, {show_size(c['bytes'])})" if c["removed"] and c.get("files") is not None else ""
    removed = f"{host} scrubbed: {_count(len(c['removed']), 'place')} removed{counted}"
    if not c["canaries"]:
        return [f"{removed}; no marker of a backup was known, so nothing was looked for afterwards"]
    left = f"{c['found']} LEFT" if c["found"] else "none left"
    signed = [f"     signed certificate: searched {', '.join(c['searched'])}"] if c.get("signature") else []
    return [f"{removed}; looked for {_count(c['canaries'], 'marker')} of this backup afterwards: {left}", *signed]


def _save_home(f: JsonObject, _: RunRecord, __: str) -> list[str]:
    failed = [f"this home is NOT in {name}: {cause}" for name, cause in f["failed"].items()]
    return [f"this home stored, encrypted, in {', '.join(f['copies'])}", *failed]


_SAYERS = {
    "backup": _backup,
    "verify": _verify,
    "canary": _canary,
    "forecast": _forecast,
    "copy": _copy,
    "prune": _prune,
    "select-backup": _select,
    "restore": _restore,
    "check": _check,
    "replay-suppressions": opened_words.replayed,
    "open": opened_words.opened,
    "swap-in": opened_words.swapped,
    "service": opened_words.served,
    "probe": _probe,
    "approve": _approve,
    "report": _report,
    "scrub": _scrub,
    "save-home": _save_home,
}


def one_key(file: Path) -> Verify:
    """Believes the signatures of one public key (PEM) only."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError:
        raise ConfigError(f"{file} is no public key", hint="it is a PEM file, as keys/signing.pub of the home that signed") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"{file} is no Ed25519 public key")

    def verify(data: bytes, signature: bytes) -> None:
        try:
            key.verify(signature, data)
        except InvalidSignature:
            raise Damaged(f"the signature was not made by {file}", hint="the file was changed, or another key signed it") from None

    return verify


def evidence_lines(file: Path, verify: Verify) -> list[str]:
    """What an evidence file says, once its signature was checked. Raises Damaged."""
    from dr.report.scorecard import KIND, read_card
    from dr.report.write import checked, read_signed

    if file.suffix == ".html":
        raise ConfigError(
            f"{file.name} is the page of an evidence file, and bears no signature", hint=f"verify {file.with_suffix('.json')}"
        )
    text = file.read_bytes()
    if KIND in (signed := checked(text, verify)).evidence:
        card = read_card(text, verify)
        said, head, key = f"{card.exercise}: {card.verdict}, an exercise that ended {local(card.ended, card.zone)}", card.audit, signed.key
    else:
        evidence, key = read_signed(text, verify)
        said = f"{evidence.run.run}: {evidence.verdict}, written {local(evidence.written, evidence.zone)} by {evidence.tool}"
        head = evidence.audit
    return [
        said,
        f"the audit chain then stood at entry {head.seq}, {head.hash}",
        f"the file's SHA-256 is {sha256(text)}, as its page says; it names key {key[:16]}",
    ]


def check_chain(records: Catalog) -> tuple[int, str]:
    """Raises Damaged, naming the first broken entry."""
    broken = verify_chain(records)
    head = records.audit_head()
    if broken is not None:
        raise Damaged(
            f"the audit trail is broken at entry {broken}", hint="compare the chain heads in older evidence files and backup sets"
        )
    return head.seq, head.hash
