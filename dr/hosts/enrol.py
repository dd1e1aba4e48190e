"""Making a place provably a standby (`dr hosts enrol`), and looking whether it still is (`dr hosts check`)."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dr.errors import DrError, Refused
from dr.hosts import marker
from dr.hosts.guard import Target, collect, judge, require_standby
from dr.hosts.marker import Standby
from dr.hosts.problem import Problem, because
from dr.hosts.production import identifies, machine, protected
from dr.hosts.removal import identity, opened
from dr.model.places import NEEDLE
from dr.model.ports import Standing
from dr.model.record import ProductionFacts

_ALLOWED = {"lost+found"}
"""What a new file system holds."""


def enrol_standby(target: Target, standing: Standing, now: datetime) -> None:
    """Write the signed marker into an empty place that has nothing of production; the folder is made (0700) if it is not there.

    Enrolled already: fine, if the guard agrees. Raises Refused (NotProvablyStandby) otherwise; then nothing was written.
    """
    _refuse(target, _objections(target, standing))
    root = Path(target.root)
    if _is_enrolled(root):
        require_standby(target, standing)
        return
    if not os.path.lexists(root):  # a link to nothing is there, and is judged below
        root.mkdir(mode=0o700, parents=True)
    _refuse(target, _judged(target, standing))  # now that it can be looked at, with everything that a marker cannot tell
    with opened(target.root) as folder:
        device, inode = identity(os.fstat(folder))
        said = Standby(
            organisation=standing.organisation,
            host=target.name,
            path=os.path.realpath(target.root),
            device=device,
            inode=inode,
            port=target.port,
            machine=machine() if target.remote else None,
            enrolled=now,
        )
        marker.write(folder, marker.STANDBY, said, standing.keys)


def foresee_standby(target: Target, standing: Standing) -> list[tuple[bool, str]]:
    """What enrolling would do, or every reason against it, in lines of (fine, what). Changes nothing."""
    root = Path(target.root)
    if _is_enrolled(root):
        return check_standby(lambda: target, standing)
    there = os.path.lexists(root)
    problems = _objections(target, standing) or (_judged(target, standing) if there else [])
    if problems:
        return [(False, f"{problem.what}; {problem.hint}") for problem in problems]
    if not there:
        return [(True, f"{root} is not there: it will be made, for dr's user only, and marked as the standby")]
    return [(True, f"{root} is empty: it will be marked as the standby")]


def _is_enrolled(root: Path) -> bool:
    return (root / marker.STANDBY).exists() or (root / marker.IN_SERVICE).exists()


def _refuse(target: Target, problems: list[Problem]) -> None:
    if problems:
        raise Refused(f"host '{target.name}' is not enrolled{because(problems)}", hint=problems[0].hint)


def _objections(target: Target, standing: Standing) -> list[Problem]:
    """What can be said before anything is made."""
    root = Path(target.root)
    if not os.path.lexists(root):
        return [problem for problem in _judged(target, standing) if "is not there" not in problem.what]
    if root.is_dir() and not root.is_symlink() and not _is_enrolled(root):
        try:
            strange = sorted({entry.name for entry in root.iterdir()} - _ALLOWED)
        except OSError:
            return [Problem(f"{root} cannot be read", "give dr a folder of its own")]
        if NEEDLE in strange:
            return [Problem(f"{root} holds {NEEDLE}, the needle of a protected file set: this is production's", "name another folder")]
        if strange:
            return [
                Problem(
                    f"{root} is not empty", "a standby begins in an empty folder of its own, so that a scrub can touch only what is ours"
                )
            ]
    return []


def _judged(target: Target, standing: Standing) -> list[Problem]:
    """The guard's own judgement, as if the marker were there already."""
    seen = collect(target, standing)
    if not seen.unfit and seen.marker is None and not seen.forged and seen.root is not None:
        device, inode = seen.root
        said = Standby(
            organisation=standing.organisation,
            host=target.name,
            path=seen.real,
            device=device,
            inode=inode,
            port=target.port,
            enrolled=datetime.min.replace(tzinfo=UTC),
        )
        seen = replace(seen, marker=said)
    return judge(seen, standing, protected(standing.production, remote=target.remote))


def check_standby(target: Callable[[], Target], standing: Standing) -> list[tuple[bool, str]]:
    """One line a fact; the first that is wrong says what to do."""
    try:
        wanted = target()
        seen = collect(wanted, standing)
        problems = judge(seen, standing, protected(standing.production, remote=wanted.remote))
    except (DrError, OSError) as error:
        return [(False, _in_a_line(error) if isinstance(error, DrError) else f"it cannot be looked at ({type(error).__name__})")]
    if problems:
        return [(False, f"{problem.what}; {problem.hint}") for problem in problems]
    since = seen.marker.enrolled.date().isoformat() if seen.marker else ""
    lines = [(True, f"{wanted.root} is provably the standby of {standing.organisation}, enrolled {since}")]
    lines += [(True, f"it holds what run {place.run} {'restored' if place.adopted else 'began to load'}") for place in seen.content.places]
    return lines


def _in_a_line(error: DrError) -> str:
    """As a problem of the guard is said: each caller has its own place for a line, and none for a HINT below it."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def check_production(facts: Callable[[], ProductionFacts], standing: Standing) -> list[tuple[bool, str]]:
    """Whether it answers, and whether what identifies it is recorded and still true."""
    try:
        now = facts()
    except DrError as error:
        return [(False, _in_a_line(error))]
    lines = [(True, f"it answers at {now.address}:{now.port}" if now.port else "it is this machine")]
    known = [one for one in standing.production if one.host == now.host and identifies(one)]
    if not known:
        return [*lines, (False, f"it was never recorded: dr hosts enrol {now.host}")]
    newest = max(known, key=lambda one: one.recorded)
    lines.append((True, f"recorded {newest.recorded.date().isoformat()}"))
    if now.port and not any(_same(one, now) for one in known):
        lines.append((False, f"it is no longer what was recorded: if that is meant, dr hosts enrol {now.host}"))
    return lines


def _same(recorded: ProductionFacts, now: ProductionFacts) -> bool:
    """By the system identifier where both have one, else by the port."""
    if recorded.system_identifier and now.system_identifier:
        return recorded.system_identifier == now.system_identifier
    return recorded.port == now.port
