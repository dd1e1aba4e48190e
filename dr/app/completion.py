"""What a shell may complete: names that a home knows. Read from its files and its catalog, quickly, and never written.

Imports nothing heavy, and raises whatever goes wrong: who completes shows nothing then.
"""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from dr.catalog import names
from dr.config.home import find_home
from dr.model.base import JsonObject

_PLAIN = re.compile(r"\w[\w.:+@-]*")


def known(noun: str, home: str | None) -> list[str]:
    """The names of a noun (`NOUNS`) in a home that a shell takes as they are. Raises DrError, OSError or sqlite3.Error.

    A shell puts what is chosen into the line unquoted: a file that is called like a command must not become one.
    """
    return [name for name in NOUNS[noun](find_home(home, os.environ, Path.cwd())) if _PLAIN.fullmatch(name)]


def _runbooks(home: Path) -> list[str]:
    return sorted(path.stem for path in (home / "runbooks").glob("*.yaml"))


def _runs(home: Path) -> list[str]:
    return names.runs(home / "state" / "catalog.db")


def _sets(home: Path) -> list[str]:
    return names.sets(home / "state" / "catalog.db")


def _section(home: Path, name: str) -> JsonObject:
    """One part of the inventory, as far as it can be read."""
    from dr.config.loader import read_file
    from dr.config.nodes import plain_table

    for path in sorted((home / "inventory").glob("*.yaml")):
        root, _ = read_file(path, path.name)
        if root is not None and root.get(name) is not None:
            return plain_table(root.get(name))
    return {}


def _tiers(home: Path) -> list[str]:
    return sorted({str(entry["tier"]) for entry in _section(home, "repositories").values() if isinstance(entry, dict) and "tier" in entry})


NOUNS: Mapping[str, Callable[[Path], list[str]]] = {
    "runbooks": _runbooks,
    "runs": _runs,
    "sets": _sets,
    "tiers": _tiers,
    "systems": lambda home: list(_section(home, "systems")),
    "contacts": lambda home: list(_section(home, "contacts")),
    "offices": lambda home: list(_section(home, "offices")),
    "duties": lambda home: list(_section(home, "duties")),
    "hosts": lambda home: list(_section(home, "hosts")),
    "repositories": lambda home: list(_section(home, "repositories")),
    "redundancy": lambda home: list(_section(home, "redundancy")),
}
