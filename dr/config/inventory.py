"""The inventory: `inventory/*.yaml` read as one, checked against its model, each kind's own parameters, and itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dr.config.inventory_rules import rules
from dr.config.kinds import Kinds, Params, Places
from dr.config.loader import read_file
from dr.config.names import Names, gather, unknown_names
from dr.config.nodes import Document, Node, Scalar, Table, at, match, plain
from dr.config.places import PRODUCTION, REPOSITORY, SOURCE, STANDBY, SWAP, Placed, place_problems
from dr.config.problems import ConfigProblems, Problem, offer
from dr.config.validate import validate
from dr.model.inventory import Inventory
from dr.model.places import Folder

FOLDER = "inventory"


@dataclass
class Checked:
    """What could be read, and everything that is wrong. `inventory` is None if any of it is wrong."""

    root: Table
    names: Names
    inventory: Inventory | None = None
    problems: list[Problem] = field(default_factory=list)


def load_inventory(home: Path, kinds: Kinds) -> Inventory:
    """The inventory of a home. Raises ConfigProblems with every problem of every file."""
    checked = check_inventory(home, kinds)
    if checked.inventory is None or checked.problems:
        raise ConfigProblems(checked.problems)
    return checked.inventory


def check_inventory(home: Path, kinds: Kinds) -> Checked:
    """Read and check it all; raises nothing."""
    root, problems = read_folder(home)
    checked = Checked(root, gather(root), problems=problems)
    model = validate(Inventory, root, problems)
    problems += _parameters(root, kinds, checked.names)
    problems += rules(root, checked.names, {path.stem for path in (home / "runbooks").glob("*.yaml")})
    problems += place_problems(placed(root, kinds, home.absolute()), home)
    checked.inventory = None if problems else model
    return checked


def yaml_files(home: Path, folder: str) -> tuple[list[Path], list[Problem]]:
    """The files of a folder in order; a problem for one that looks as if it should be read and is not."""
    place = home / folder
    if not place.is_dir():
        return [], [Problem(folder, 0, 0, 0, f"there is no folder {folder}/ in {home}", "dr init PATH makes a home with examples")]
    files = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    ignored = [path for path in files if path.suffix in (".yml", ".json", ".YAML", ".YML")]
    strange = [Problem(f"{folder}/{path.name}", 0, 0, 0, "this file is not read", f"call it {path.stem}.yaml") for path in ignored]
    return [path for path in files if path.suffix == ".yaml"], strange


_SPREAD = ("systems",)
"""Top-level names whose entries several files may give: an organisation with hundreds of systems does not write them into one."""


def read_folder(home: Path) -> tuple[Table, list[Problem]]:
    """All of `inventory/` as one mapping; a name that two files give is a problem: a top-level one, or an entry's of `_SPREAD`."""
    merged = Table(Document(FOLDER), 0, 0, 0, 0)
    files, problems = yaml_files(home, FOLDER)
    for path in files:
        root, wrong = read_file(path, f"{FOLDER}/{path.name}")
        problems += wrong
        merged.bad = merged.bad or root is None or root.bad
        for name, (key, value) in (root.entries if root else {}).items():
            problems += _join(merged, name, key, value)
    if not files and not problems:
        problems.append(
            Problem(FOLDER, 0, 0, 0, "there is no inventory: the folder holds no .yaml file", "dr init PATH makes one to start from")
        )
    merged.bad = merged.bad or not files
    return merged, problems


def _join(into: Table, name: str, key: Scalar, value: Node) -> Iterator[Problem]:
    """Add what one more file gives under a name."""
    if name not in into.entries:
        into.entries[name] = (key, value)
        return
    first, there = into.entries[name]
    if name in _SPREAD and isinstance(there, Table) and isinstance(value, Table):
        for inner, (its_key, its_value) in value.entries.items():
            yield from _join(there, inner, its_key, its_value)
    else:
        yield key.problem(f"'{name}' is given by two files", f"{first.document.name}:{first.line + 1} has it already; join them")


def _parameters(root: Table, kinds: Kinds, names: Names) -> Iterator[Problem]:
    yield from _entries(root, ("hosts", "*"), "host", kinds.hosts, names)
    yield from _entries(root, ("repositories", "*"), "repository", kinds.repositories, names)
    yield from _entries(root, ("systems", "*", "sources", "*"), "source", kinds.sources, names)
    yield from _entries(root, ("redundancy", "*"), "redundancy", kinds.redundancy, names)
    yield from _entries(root, ("systems", "*", "detection", "probes", "*"), "probe", kinds.checks, names, key="check")


def _entries(root: Table, pattern: tuple[str, ...], noun: str, known: Params, names: Names, key: str = "kind") -> Iterator[Problem]:
    for stars, _, node in match(root, pattern):
        if not isinstance(node, Table):
            continue
        prefix = f"{noun} '{stars[-1]}': "
        kind = node.get(key)
        if not isinstance(kind, Scalar) or not isinstance(kind.value, str):
            continue
        if kind.value not in known:
            yield kind.problem(f"{prefix}'{kind.value}' is not a kind of {noun}", offer("this dr", kind.value, sorted(known)))
            continue
        given = node.get("with")
        model, found = known[kind.value], list[Problem]()
        place = given if given is not None else node.entries[key][0]
        value = plain(given) if given is not None else {}
        if isinstance(value, dict):
            validate(model, place, found, value=value, prefix=prefix, takes=f"{key} '{kind.value}'")
            yield from found
            yield from unknown_names(model, value, place, names, prefix)


def placed(root: Table, kinds: Kinds, home: Path) -> list[Placed]:
    """Where everything is that says so; an entry whose parameters are wrong is left out, its problems are told already."""
    found: list[Placed] = []
    for stars, _, node in match(root, ("hosts", "*")):
        role = plain(at(node, ["role"]))
        if role in (PRODUCTION, STANDBY):
            machine = _machine(node, kinds.hosts, kinds)
            found += _placed_of(node, str(role), f"host '{stars[-1]}'", machine, (kinds.hosts, kinds.host_places), home)
    for stars, _, node in match(root, ("repositories", "*")):
        machine = _machine(node, kinds.repositories, kinds)
        found += _placed_of(node, REPOSITORY, f"repository '{stars[-1]}'", machine, (kinds.repositories, kinds.repository_places), home)
    for stars, _, node in match(root, ("systems", "*", "sources", "*")):
        name = f"source '{stars[-1]}' of system '{stars[0]}'"
        machine = _machine(at(root, ["hosts", str(plain(at(node, ["host"])))]), kinds.hosts, kinds)
        found += _placed_of(node, SOURCE, name, machine, (kinds.sources, kinds.source_places), home)
    return found


def _placed_of(node: Node, role: str, name: str, machine: str | None, known: tuple[Params, Places], home: Path) -> Sequence[Placed]:
    places, (model, given) = known[1].get(_kind(node)), _with(node, known[0])
    if places is None or model is None or machine is None:
        return []
    of = {True: (SWAP, f"a place of {name}"), False: (role, name)}
    told = [(of[isinstance(place, Folder) and place.swap], place) for place in places(model, str(home))]
    return [Placed(*whose, place, at(given, place.at), machine) for whose, place in told if whose[0] != SWAP or role == STANDBY]


def _kind(node: Node) -> str:
    return str(plain(at(node, ["kind"])))


def _with(node: Node, known: Params) -> tuple[Any, Node]:
    """The parameters of an entry, None where they are wrong, and where they stand."""
    given = at(node, ["with"])
    if _kind(node) not in known or not isinstance(given, Table) or given is node:
        return None, given
    return validate(known[_kind(node)], given, []), given


def _machine(node: Node, known: Params, kinds: Kinds) -> str | None:
    """Which machine an entry is: nothing for this one, None where it cannot be told."""
    of = kinds.machines.get(_kind(node))
    if of is None:
        return ""
    model, _ = _with(node, known)
    return None if model is None else of(model)
