"""What a document that is handed on must not say, taken out twice.

First `outside`: the chapters are given facts in which people have no names and machines no addresses, so that none of them can tell what
it does not know. Then `veiled`: people's own words (a runbook's title, say) may name somebody, so every text of the finished document is
looked through for what the inventory has, and what is found is withheld.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from dr.model.base import AudienceName, JsonObject, JsonValue
from dr.model.inventory import Contact, Inventory, SecretRef, SystemEntry
from dr.model.redundancy import Detection
from dr.model.runbook import Runbook, Step
from dr.report.plan_document.blocks import Document
from dr.report.plan_document.facts import Facts

WITHHELD = "(withheld)"
SOMEBODY = "a person"
SHORTEST = 4
"""Letters; what is shorter stands in ordinary words and names nobody."""
_TELLING = ("to", "tier", "tiers", "checks", "second_person", "template", "only_after")
"""What of a step's parameters its sentence is made from; none of it is a place."""
_PLACED = re.compile(r"[/.:@\\]")


def outside(facts: Facts) -> Facts:
    """The same facts without names of people, addresses, paths, kinds of channels and people's own words about what happened."""
    alias = {name: f"person-{number}" for number, name in enumerate(facts.inventory.contacts, 1)}
    return replace(
        facts,
        inventory=_inventory(facts.inventory, alias),
        books={name: _book(book, alias) for name, book in facts.books.items()},
        board=facts.board.model_copy(update={"assignments": tuple(_untold(each) for each in facts.board.assignments), "away": ()}),
        findings=tuple(one.model_copy(update={"message": "", "hint": "", "key": ""}) for one in facts.findings),
        ways=tuple(replace(way, kind="", contact=alias.get(way.contact, "")) for way in facts.ways),
        unstarted=tuple("" for _ in facts.unstarted),
        details={},
        internal=False,
    )


def _untold(each: Any) -> Any:
    return each.model_copy(update={"why": "", "passed": (), "asked": None})


def _inventory(inventory: Inventory, alias: Mapping[str, str]) -> Inventory:
    rules = inventory.outages
    if rules is not None:
        named = {field: tuple(AudienceName(alias.get(one, one)) for one in getattr(rules, field)) for field in ("major", "minor")}
        rules = rules.model_copy(update={**named, "hears": AudienceName(alias.get(rules.hears, rules.hears))})
    return inventory.model_copy(
        update={
            "contacts": {alias[name]: _contact(contact, alias) for name, contact in inventory.contacts.items()},
            "hosts": {name: host.model_copy(update={"with_": {}}) for name, host in inventory.hosts.items()},
            "repositories": {name: one.model_copy(update={"with_": {}}) for name, one in inventory.repositories.items()},
            "redundancy": {name: one.model_copy(update={"with_": {}, "host": None}) for name, one in inventory.redundancy.items()},
            "systems": {name: _system(entry) for name, entry in inventory.systems.items()},
            "pings": {name: SecretRef() for name in inventory.pings},
            "outages": rules,
        }
    )


def _contact(contact: Contact, alias: Mapping[str, str]) -> Contact:
    deputy = alias.get(contact.deputy or "")
    channels = tuple(SecretRef() for _ in contact.channels)
    return contact.model_copy(update={"name": SOMEBODY, "channels": channels, "deputy": deputy, "away": ()})


def _system(entry: SystemEntry) -> SystemEntry:
    sources = {name: one.model_copy(update={"with_": {}}) for name, one in entry.sources.items()}
    return entry.model_copy(update={"sources": sources, "detection": _detection(entry.detection)})


def _detection(found: Detection | None) -> Detection | None:
    if found is None:
        return None
    return found.model_copy(update={"probes": {name: one.model_copy(update={"with_": {}}) for name, one in found.probes.items()}})


def _book(book: Runbook, alias: Mapping[str, str]) -> Runbook:
    update = {part: tuple(_step(step, alias) for step in getattr(book, part)) for part in ("steps", "on_failure", "always")}
    return book.model_copy(update=update)


def _step(step: Step, alias: Mapping[str, str]) -> Step:
    kept = {name: value for name, value in step.with_.items() if name in _TELLING}
    if isinstance(kept.get("to"), str):
        kept["to"] = alias.get(kept["to"], kept["to"])
    if isinstance(kept.get("checks"), list | tuple):
        kept["checks"] = [one["check"] if isinstance(one, dict) else one for one in kept["checks"]]
    return step.model_copy(update={"with_": kept})


# ---------------------------------------------------------------- the second time


def sensitive(inventory: Inventory) -> frozenset[str]:
    """Every name of a person, address and path that the inventory has. What is also the title of an office or of a
    duty, or a group, is no person's name."""
    roles = {one.title for one in inventory.offices.values()} | {one.title for one in inventory.duties.values()}
    roles |= {group for contact in inventory.contacts.values() for group in contact.groups}
    known = {role.casefold() for role in roles}
    names = {contact.name for contact in inventory.contacts.values() if contact.name.casefold() not in known}
    placed = {value for one in _parameters(inventory) for text in _leaves(one) for value in _places(text)}
    secrets = {value for ref in _secrets(inventory) for value in (ref.file, ref.env, ref.credential) if value}
    return frozenset(one for one in {*names, *placed, *secrets} if len(one) >= SHORTEST)


def _parameters(inventory: Inventory) -> Iterator[JsonObject]:
    for group in (inventory.hosts, inventory.repositories, inventory.redundancy):
        yield from (one.with_ for one in group.values())
    for entry in inventory.systems.values():
        yield from (one.with_ for one in entry.sources.values())
        yield from (one.with_ for one in (entry.detection.probes.values() if entry.detection else ()))


def _leaves(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)


def _places(text: str) -> Iterator[str]:
    """The text, where it is a path or an address, and the host of a URL."""
    if _PLACED.search(text):
        yield text
        try:
            yield urlsplit(text).hostname or ""
        except ValueError:
            return


def _secrets(inventory: Inventory) -> Iterator[SecretRef]:
    keys = inventory.organisation.keys
    yield from (keys.signing, *([keys.identity] if keys.identity else []), *inventory.pings.values())
    yield from (channel for contact in inventory.contacts.values() for channel in contact.channels)


def veiled(document: Document, values: frozenset[str]) -> Document:
    """The document with every one of `values` withheld, wherever it stands as a word of its own, in capitals or not."""
    if not values:
        return document
    one_of = "|".join(_word(value) for value in sorted(values, key=len, reverse=True))
    found: Document = _mapped(document, re.compile(one_of, re.IGNORECASE))
    return found


def _word(value: str) -> str:
    """`ann` is not in `annual`; a path may begin right behind a word."""
    before, after = (r"(?<!\w)" if value[0].isalnum() else ""), (r"(?!\w)" if value[-1].isalnum() else "")
    return f"{before}{re.escape(value)}{after}"


def _mapped(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(WITHHELD, value)
    if isinstance(value, tuple):
        return tuple(_mapped(one, pattern) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _mapped(getattr(value, each.name), pattern) for each in fields(value)})
    return value
