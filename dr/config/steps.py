"""The steps of a runbook as a graph: their ids, what each waits for, and what is wrong with that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dr.config.nodes import Items, Node, Table, at, plain
from dr.config.problems import Problem, offer
from dr.model.base import JsonObject
from dr.model.runbook import Section

SECTIONS: tuple[Section, ...] = ("steps", "on_failure", "always")


@dataclass(frozen=True)
class StepView:
    """A step as it is written, read leniently: what is wrong with its shape is told elsewhere."""

    id: str
    section: Section
    node: Table
    action: str | None
    with_: JsonObject
    only: str | None
    needs: tuple[str, ...]
    """Ids in the same section; by default the step before."""

    @property
    def prefix(self) -> str:
        return f"step '{self.id}': "


def default_id(section: str, index: int, action: str) -> str:
    """The id of a step without one: `<section>-<index>-<action>`, counted from 1."""
    return f"{section.replace('_', '-')}-{index + 1}-{action}"[:40].rstrip("-")


def default_needs(needs: Sequence[str] | None, before: str | None) -> tuple[str, ...]:
    """What is written, else the step before, if there is one."""
    return tuple(needs) if needs is not None else (before,) if before else ()


def read_steps(root: Table) -> list[StepView]:
    """Every step of every section that is a mapping."""
    return [view for section in SECTIONS for view in _section(root, section)]


def _section(root: Table, section: Section) -> Iterator[StepView]:
    items = root.get(section)
    before: str | None = None
    for index, node in enumerate(items.items if isinstance(items, Items) else ()):
        if not isinstance(node, Table):
            continue
        given = {key: plain(node.get(key)) for key in ("id", "action", "with", "only", "needs")}
        action = given["action"] if isinstance(given["action"], str) else None
        name = given["id"] if isinstance(given["id"], str) else default_id(section, index, action or "step")
        wanted = given["needs"]
        needs = default_needs([n for n in wanted if isinstance(n, str)] if isinstance(wanted, list) else None, before)
        with_ = given["with"] if isinstance(given["with"], dict) else {}
        yield StepView(name, section, node, action, with_, given["only"] if isinstance(given["only"], str) else None, needs)
        before = name


def graph_problems(views: Sequence[StepView]) -> Iterator[Problem]:
    """Missing and repeated ids, needs that lead nowhere, and circles."""
    seen: dict[str, StepView] = {}
    for view in views:
        place = at(view.node, ["id"], key=False) if view.node.get("id") else view.node
        if view.section == "steps" and view.node.get("id") is None and not view.node.bad:
            yield at(view.node, ["action"], key=True).problem(
                "a step under `steps` needs an id", "add `id: NAME`, by which reports and references call it"
            )
        elif view.id in seen:
            yield place.problem(
                f"two steps are called '{view.id}'", f"the other is in line {seen[view.id].node.line + 1}; ids are unique in a runbook"
            )
        seen.setdefault(view.id, view)
    for view in views:
        yield from _dangling(
            view, list(dict.fromkeys(other.id for other in views if other.section == view.section and other.id != view.id))
        )
    yield from _circles(views)


def _dangling(view: StepView, others: Sequence[str]) -> Iterator[Problem]:
    wanted = view.node.get("needs")
    for index, word in enumerate(view.needs if isinstance(wanted, Items) else ()):
        if word not in others:
            why = "itself" if word == view.id else f"'{word}', which is not a step of '{view.section}'"
            yield at(view.node, ["needs", index]).problem(f"{view.prefix}needs {why}", offer(f"'{view.section}'", word, others))


def _circles(views: Sequence[StepView]) -> Iterator[Problem]:
    above = ancestors(views)
    told: set[str] = set()
    for view in {view.id: view for view in reversed(views)}.values():  # the first of each id
        if view.id in above[view.id] and view.id not in told and view.id not in view.needs:
            circle = dict.fromkeys(other.id for other in views if other.id in above[view.id] and view.id in above[other.id])
            told |= circle.keys()
            names = ", ".join(f"'{other}'" for other in circle)
            place: Node = at(view.node, ["needs"]) if view.node.get("needs") else view.node
            yield place.problem(f"{view.prefix}steps wait for each other in a circle: {names}", "take one of them out of `needs`")


def ancestors(views: Sequence[StepView]) -> Mapping[str, frozenset[str]]:
    """Id to the ids of every step that is done before it begins."""
    needs = {view.id: view.needs for view in reversed(views)}
    found: dict[str, frozenset[str]] = {}
    for start, first in needs.items():
        seen: set[str] = set()
        waiting = list(first)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += needs.get(name, ())
        found[start] = frozenset(seen)
    return found
