"""What the house's own verbs would do, for `--rehearse`: read, never written. A new action brings its own as `Action.rehearse`."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from dr.actions import backup, check, command, copy, notify, prune, report, restore, scrub, select_backup, verify
from dr.clock import iso
from dr.errors import DrError, Refused
from dr.model.base import HostName
from dr.model.ports import Rehearsal, RehearseContext, Repository, StepContext
from dr.units import show_size


def _backup(params: backup.Params, ctx: RehearseContext) -> Rehearsal:
    says, problems = [], []
    sources = ctx.inventory.systems[params.system].sources
    for name, entry in sources.items():
        says.append(f"would read {name} ({entry.kind}) on {entry.host}" + (", after planting the needle" if entry.needle else ""))
    for host in dict.fromkeys(HostName(entry.host) for entry in sources.values()):
        lines = ctx.host_check(host)
        said = [f"{host}: {'' if fine else '! '}{what}" for fine, what in lines]
        if any(fine for fine, _ in lines):  # an unrecorded production is told, and read all the same
            says += said
        else:
            problems += [f"{host}: {what}" for _, what in lines]
    for repository in ctx.repositories(params.to):
        line, problem = _room(repository)
        says += [f"would write a set to {line}"] if line else []
        problems += [problem] if problem else []
    return Rehearsal(tuple(says), problems=tuple(problems))


def _room(repository: Repository) -> tuple[str, str]:
    try:
        repository.identity()
    except DrError as error:
        return "", error.message
    free = repository.free()
    return f"{repository.name} (tier {repository.tier}" + (f", {show_size(free)} free)" if free is not None else ")"), ""


def _verify(params: verify.Params, ctx: RehearseContext) -> Rehearsal:
    says = []
    for repository in ctx.repositories(params.tiers):
        held = [set_id for _, set_id in repository.sets(params.system)]
        chosen = params.set or (held[-1] if held else None)
        if chosen is None or chosen not in held:
            raise Refused(f"{repository.name} holds {'no copy of ' + chosen if chosen else 'no set of ' + params.system}")
        manifest, _, _ = ctx.sets.read_manifest(params.system, chosen, repository)
        says.append(f"would read {show_size(manifest.stored)} of {chosen} back from {repository.name}")
    return Rehearsal(tuple(says))


def _copy(params: copy.Params, ctx: RehearseContext) -> Rehearsal:
    damaged = {(c.repository, c.set) for c in ctx.records.copies(params.system) if c.damaged}
    says = []
    for target in ctx.repositories([params.to]):
        present = {set_id for _, set_id in target.sets(params.system)}
        for source in ctx.repositories([params.from_]):
            held = [set_id for _, set_id in source.sets(params.system) if (source.name, set_id) not in damaged]
            wanted = [s for s in held if s not in present and params.set in ("missing", s)]
            says.append(f"{target.name} lacks {len(wanted)} set(s) of {source.name}: {', '.join(wanted) or 'nothing to copy'}")
    return Rehearsal(tuple(says))


def _prune(params: prune.Params, ctx: RehearseContext) -> Rehearsal:
    """As the prune itself decides: once the catalog (here a throwaway copy of it) agrees with the disks."""
    step = cast("StepContext", ctx)
    outcome = prune.as_it_is(params.system, ctx.repositories(), step)
    if outcome.frozen or (outcome.needs_person and not params.confirmed):
        return Rehearsal((f"would delete nothing: {outcome.frozen or outcome.needs_person}",))
    copies = {(c.set, c.repository): c for c in ctx.records.copies(params.system)}
    says = []
    for decision in (d for d in outcome.decisions if not d.keep):
        copy_ = copies[decision.set, decision.repository]
        held = prune.held_there(copy_, ctx.repository(decision.repository), step)
        what = "would keep, since it is held there," if held else "would delete"
        says.append(f"{what} {decision.set} in {decision.repository}: {decision.reason}")
    kept = sum(decision.keep for decision in outcome.decisions)
    return Rehearsal((*says, f"would keep {kept} of {len(outcome.decisions)} copies, as things are now"))


def _select(params: select_backup.Params, ctx: RehearseContext) -> Rehearsal:
    copies = [c for c in ctx.records.copies(params.system) if c.tier == params.tier and not c.damaged]
    if not copies:
        raise Refused(
            f"there is no undamaged copy of {params.system} in tier {params.tier}", hint=select_backup.where_to_look(params.system, ctx)
        )
    chosen, how = select_backup.choose(params.which, copies, ctx.clock.now(), ctx.inventory.organisation.zone, seed="rehearsal")
    if (chosen.system, chosen.set) not in ctx.repository(chosen.repository).sets(chosen.system):
        raise Refused(f"the copy of {chosen.set} in {chosen.repository} is gone", hint="`dr backups list` shows what there is")
    how += "; a run draws anew" if select_backup.at_random(params.which) else ""
    facts = {
        "set": chosen.set,
        "system": params.system,
        "tier": params.tier,
        "repository": chosen.repository,
        "instant": iso(chosen.instant),
        "level": chosen.level,
        "how": how,
        "candidates": len(copies),
    }
    return Rehearsal((f"would choose {chosen.set} in {chosen.repository} ({chosen.level}): {how}",), facts)


def _restore(params: restore.Params, ctx: RehearseContext) -> Rehearsal:
    repository = ctx.repository(params.from_)
    manifest, _, _ = ctx.sets.read_manifest(params.system, params.set, repository)
    ctx.keys.identity()
    ctx.sets.open(params.system, params.set, repository)
    size = show_size(manifest.plain)
    says, problems = _guard(params.onto, ctx)
    facts = {"set": params.set, "onto": params.onto, "repository": params.from_, "bytes": manifest.plain, "instant": iso(manifest.instant)}
    what = f"would load {size} of {params.set} from {params.from_} onto {params.onto}; signature, key and index are good"
    return Rehearsal((what, *says), {**facts, "places": {}}, problems)


def _guard(host: HostName, ctx: RehearseContext) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The guard's decision, as it stands now: what it would let pass, and what it would refuse."""
    entry = ctx.inventory.hosts.get(host)
    if entry is not None and entry.role != "standby":  # of production `host_check` says that all is well with it
        return (), (f"the guard refuses {host}: its role in the inventory is '{entry.role}'",)
    lines = ctx.host_check(host)
    return tuple(f"guard: {what}" for fine, what in lines if fine), tuple(
        f"the guard refuses {host}: {what}" for fine, what in lines if not fine
    )


def _check(params: check.Params, ctx: RehearseContext) -> Rehearsal:
    _, problems = _guard(params.host, ctx)
    named = ", ".join(ref.check for ref in params.checks)
    return Rehearsal((f"would check {params.set} on {params.host}: {named}",), {"verdict": "PASS", "proven": True, "results": []}, problems)


def _scrub(params: scrub.Params, ctx: RehearseContext) -> Rehearsal:
    _, problems = _guard(params.host, ctx)
    says = () if problems else (f"would remove everything that dr put on {params.host}, and look for what is left",)
    return Rehearsal(says, problems=problems)


def _notify(params: notify.Params, ctx: RehearseContext) -> Rehearsal:
    contacts = ctx.inventory.contacts
    told = {params.to: contacts[params.to]} if params.to in contacts else {n: c for n, c in contacts.items() if params.to in c.groups}
    if not told:
        raise Refused(f"'{params.to}' is nobody: no contact or group has that name", hint="inventory/contacts.yaml names them")
    says, problems = [], []
    for name, contact in told.items():
        for number, channel in enumerate(contact.channels, start=1):
            try:
                scheme, found, _ = ctx.secret(channel).strip().partition("://")
            except DrError as error:
                problems.append(f"{name}, channel {number}: {error.message}")
                continue
            if not found or not scheme.isascii():
                problems.append(f"{name}, channel {number}: this is no URL of a channel")
            else:
                says.append(f"would tell {name} by {scheme.lower()} (template {params.template}); nothing is sent now")
    return Rehearsal(tuple(says), problems=tuple(problems))


def _report(_: report.Params, __: RehearseContext) -> Rehearsal:
    return Rehearsal(("would write the run's evidence, signed, into evidence/",))


def _command(params: command.Params, ctx: RehearseContext) -> Rehearsal:
    says = (f"would run '{params.argv[0]}' with {len(params.argv) - 1} argument(s) on {params.host}",)
    if ctx.inventory.hosts[params.host].role != "standby":
        return Rehearsal(says)
    allowed, problems = _guard(params.host, ctx)
    return Rehearsal((*says, *allowed), problems=problems)


FORESEEN: Mapping[str, Callable[[Any, RehearseContext], Rehearsal]] = {
    "backup": _backup,
    "verify": _verify,
    "copy": _copy,
    "prune": _prune,
    "select-backup": _select,
    "restore": _restore,
    "check": _check,
    "scrub": _scrub,
    "notify": _notify,
    "report": _report,
    "command": _command,
}
