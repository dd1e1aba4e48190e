"""Who imports whom, read from the import statements themselves, wherever in a file they stand."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VOCABULARY = frozenset({"model", "errors", "clock", "units", "program"})
"""The words that every room speaks."""
KINDS = ("ACTION", "SOURCE", "KIND", "CHECK", "WATCH")
"""A file that builds one of these is a kind. Kinds may share helpers, but a kind does not import another."""

_PLUG_IN = VOCABULARY | {"stream", "drivers"}
RULES: Mapping[str, frozenset[str]] = {
    "errors": frozenset(),
    "clock": frozenset(),
    "units": frozenset(),
    "program": frozenset(),
    "model": VOCABULARY,
    "policy": VOCABULARY,
    "disk": frozenset(),
    "drivers": VOCABULARY,
    "config": VOCABULARY | {"disk"},
    "catalog": VOCABULARY,
    "stream": VOCABULARY,
    "actions": _PLUG_IN | {"policy", "disk"},  # a decision is pure; what it is made of arrives through the context
    "sources": _PLUG_IN,
    "repositories": _PLUG_IN | {"wire"},
    "wire": VOCABULARY,
    "hosts": _PLUG_IN | {"wire"},
    "checks": _PLUG_IN,
    "redundancy": VOCABULARY | {"drivers", "policy"},
    "engine": VOCABULARY | {"policy", "catalog"},
    "notify": VOCABULARY | {"policy", "catalog"},
    "timers": VOCABULARY,
    "report": VOCABULARY | {"policy", "catalog", "disk"},
    "web": VOCABULARY | {"policy", "catalog", "app"},
    "plugins": VOCABULARY | {"config", "actions", "sources", "repositories", "hosts", "checks", "redundancy"},
    "app": VOCABULARY
    | {"plugins", "config", "policy", "engine", "catalog", "stream", "drivers", "notify", "report", "timers", "web", "demo", "wire", "disk"}
    | {"actions", "sources", "repositories", "hosts", "checks", "redundancy"},
    "__main__": frozenset({"cli"}),
    "cli": VOCABULARY | {"app"},
    "demo": VOCABULARY | {"config", "drivers", "hosts"},
}
"""Room to the rooms it may import, beside itself."""

_PURE = frozenset({"os", "pathlib", "shutil", "subprocess", "socket", "sqlite3", "tempfile", "urllib", "http", "psycopg", "sqlalchemy"})
FORBIDDEN_LIBRARIES: Mapping[str, frozenset[str]] = {"model": _PURE, "policy": _PURE}
"""Room to what it may not import because it would have an effect."""
ONLY_IN: Mapping[str, tuple[str, ...]] = {
    "dbos": ("dr.engine.durable",),
    "click": ("dr.cli",),
    "rich": ("dr.cli",),
    "apprise": ("dr.notify",),
    "alembic": ("dr.catalog",),
    "psycopg": ("dr.drivers", "dr.sources", "dr.checks", "dr.hosts", "dr.demo"),
}
"""Library to the modules that may import it."""


@dataclass(frozen=True)
class Import:
    """One import: which module (dotted), what it names (dotted), on which line."""

    module: str
    target: str
    line: int

    @property
    def room(self) -> str:
        return _room(self.module)

    @property
    def wants(self) -> str | None:
        """The room that is imported; None for a library and for the package itself."""
        return _room(self.target) if self.target.startswith("dr.") else None


def _room(dotted: str) -> str:
    return [*dotted.split("."), ""][1]


def module_name(path: Path, root: Path) -> str:
    """`dr.engine.durable` for `<root>/dr/engine/durable.py`."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(root: Path, package: str = "dr") -> Iterator[Import]:
    """Every import statement of a package, those inside functions and under TYPE_CHECKING as well."""
    for path in sorted((root / package).rglob("*.py")):
        module = module_name(path, root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield from (Import(module, target, line) for target, line in _targets(node, module, root, path.name == "__init__.py"))


def _targets(node: ast.AST, module: str, root: Path, is_package: bool) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = module.split(".")[: len(module.split(".")) - node.level + int(is_package)] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            inside = f"{base}.{alias.name}"
            yield (inside if _is_module(inside, root) else base), node.lineno


def _is_module(dotted: str, root: Path) -> bool:
    place = root.joinpath(*dotted.split("."))
    return place.with_suffix(".py").is_file() or place.is_dir()


def kinds(root: Path, package: str = "dr") -> frozenset[str]:
    """The modules that are a kind of action, source, repository, host or check."""
    found = set()
    for path in (root / package).rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id in KINDS for target in targets):
                found.add(module_name(path, root))
    return frozenset(found)


def violations(root: Path, package: str = "dr") -> list[str]:
    """Every import that the house's rules forbid, as `module:line: why`."""
    known_kinds = kinds(root, package)
    return [f"{each.module}:{each.line}: {why}" for each in imports(root, package) for why in _wrong(each, known_kinds)]


def _wrong(each: Import, known_kinds: frozenset[str]) -> Iterator[str]:
    if each.room not in RULES:
        if each.room:
            yield f"the room '{each.room}' has no rule"
        return
    if each.wants and each.wants != each.room and each.wants not in RULES[each.room]:
        yield f"{each.room} may not import {each.target}"
    if {each.module, each.target} <= known_kinds and each.module != each.target and each.wants == each.room:
        yield f"a kind may not import another: {each.target}"
    library = each.target.split(".")[0]
    if library in FORBIDDEN_LIBRARIES.get(each.room, frozenset()):
        yield f"{each.room} decides without effects, so it may not import {library}"
    homes = ONLY_IN.get(library)
    if homes and not any(each.module == home or each.module.startswith(home + ".") for home in homes):
        yield f"{library} may only be imported in {', '.join(homes)}"
