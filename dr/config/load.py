"""The way in: everything that a home says, read and checked at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dr.config.inventory import Checked, check_inventory
from dr.config.kinds import Kinds
from dr.config.nodes import Scalar, match
from dr.config.problems import ConfigProblems, Problem
from dr.config.runbooks import Around, CheckedRunbooks, check_runbooks
from dr.model.base import Sha256
from dr.model.inventory import Inventory
from dr.model.runbook import Runbook


@dataclass(frozen=True)
class Loaded:
    """What a home says: all of it checked."""

    inventory: Inventory
    runbooks: dict[str, Runbook]
    files: Sha256 | None = field(default=None, compare=False)
    """The digest of the files, where it was reckoned (`load_known`)."""


def load(home: Path, kinds: Kinds) -> Loaded:
    """Read `inventory/` and `runbooks/`. Raises ConfigProblems with every problem of every file; nothing is half loaded."""
    inventory = check_inventory(home, kinds)
    runbooks = check_runbooks(home, Around(kinds, inventory.names, inventory.inventory))
    problems = [*inventory.problems, *runbooks.problems, *_kinds(inventory, runbooks)]
    if problems or inventory.inventory is None:
        raise ConfigProblems(problems)
    return Loaded(inventory.inventory, runbooks.runbooks)


def _kinds(inventory: Checked, runbooks: CheckedRunbooks) -> Iterator[Problem]:
    """A system's drills are drills, its recovery a recovery, its nightly a backup."""
    for pattern, kind in ((("nightly",), "backup"), (("drill", "*"), "drill"), (("recover",), "recovery")):
        for _, _, node in match(inventory.root, ("systems", "*", "runbooks", *pattern)):
            name = node.value if isinstance(node, Scalar) else None
            runbook = runbooks.runbooks.get(name) if isinstance(name, str) else None
            if runbook is not None and runbook.kind != kind:
                yield node.problem(f"runbook '{name}' is of kind '{runbook.kind}', not '{kind}'", f"name one whose kind is {kind}")
