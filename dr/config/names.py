"""The names that the inventory gives, and whether a name that is written somewhere is one of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from dr.config.nodes import Node, Scalar, Table, at, match, plain
from dr.config.problems import Problem, offer
from dr.config.shape import Place, literals, newtypes, places
from dr.model.base import JsonValue, StrictModel
from dr.model.inventory import Inventory

_NOUNS = {
    "HostName": "host",
    "RepositoryName": "repository",
    "SystemName": "system",
    "TierName": "tier",
    "SourceName": "source",
    "OfficeName": "office",
    "ContactName": "contact",
    "AudienceName": "contact or group",
    "DutyName": "duty",
}

_SECTIONS = {
    "duty": "duties",
    "skill": "contacts",
    "tier": "repositories",
    "source": "systems",
    "group": "contacts",
    "contact or group": "contacts",
    "repository": "repositories",
}
_NEEDED = ("host", "repository", "tier", "system", "source")
"""Nouns whose section every inventory has: where it is missing, that is the one thing to say."""


@dataclass(frozen=True)
class Names:
    """Noun to the names there are, and the file that gives them. Taken from the text, so that one bad entry hides no other's name.

    A noun that is not here could not be read, which is told already: every name passes for one.
    """

    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def hint(self, noun: str, word: str) -> str:
        return offer(self.files.get(noun, "the inventory"), word, self.known.get(noun, ()))

    def has(self, noun: str, word: str) -> bool:
        return noun not in self.known or word in self.known[noun]


def gather(root: Table) -> Names:
    """Every name in an inventory."""
    found = {
        "host": _keys(root, "hosts"),
        "repository": _keys(root, "repositories"),
        "system": _keys(root, "systems"),
        "office": _keys(root, "offices"),
        "contact": _keys(root, "contacts"),
        "source": tuple(dict.fromkeys(stars[1] for stars, _, _ in match(root, ("systems", "*", "sources", "*")))),
        "tier": _values(root, ("repositories", "*", "tier")),
        "group": _values(root, ("contacts", "*", "groups", "*")),
        "duty": _keys(root, "duties"),
        "skill": _values(root, ("contacts", "*", "skills", "*")),
    }
    found["contact or group"] = (*found["contact"], *found["group"])
    files = {}
    for noun in list(found):
        section = root.get(_SECTIONS.get(noun, noun + "s"))
        if section is not None:
            files[noun] = section.document.name
        elif root.bad or noun in _NEEDED:
            del found[noun]
    return Names(found, files)


def names_of(inventory: Inventory) -> Names:
    """The names in an inventory that was loaded."""
    contacts = inventory.contacts
    groups = tuple(dict.fromkeys(group for contact in contacts.values() for group in contact.groups))
    known = {
        "host": tuple(inventory.hosts),
        "repository": tuple(inventory.repositories),
        "system": tuple(inventory.systems),
        "office": tuple(inventory.offices),
        "contact": tuple(contacts),
        "group": groups,
        "duty": tuple(inventory.duties),
        "skill": tuple(dict.fromkeys(skill for contact in contacts.values() for skill in contact.skills)),
        "contact or group": (*contacts, *groups),
        "tier": tuple(dict.fromkeys(entry.tier for entry in inventory.repositories.values())),
        "source": tuple(dict.fromkeys(name for entry in inventory.systems.values() for name in entry.sources)),
    }
    return Names(known, {})


def _keys(root: Table, section: str) -> tuple[str, ...]:
    table = root.get(section)
    return tuple(table.entries) if isinstance(table, Table) else ()


def _values(root: Table, pattern: tuple[str, ...]) -> tuple[str, ...]:
    values = (plain(node) for _, _, node in match(root, pattern))
    return tuple(dict.fromkeys(value for value in values if isinstance(value, str)))


def closed(_where: Place) -> bool:
    """No place is open."""
    return False


def unknown_names(
    model: type[StrictModel], value: JsonValue, node: Node, names: Names, prefix: str = "", is_open: Callable[[Place], bool] = closed
) -> Iterator[Problem]:
    """Every place of `value` whose type is a name (HostName, ...) and whose name is not in the inventory. Open places are passed over."""
    for where, annotation, word in places(model, value):
        if not isinstance(word, str) or is_open(where) or at(node, where).bad:
            continue
        nouns = [_NOUNS[name] for name in newtypes(annotation) if name in _NOUNS]
        if not nouns or word in literals(annotation) or any(names.has(noun, word) for noun in nouns):
            continue
        yield at(node, where).problem(f"{prefix}{word_of(word, at(node, where))} is not {article(nouns[0])}", names.hint(nouns[0], word))


def word_of(word: str, node: Node) -> str:
    """A word as a message shows it, with the reference that it came from."""
    return f"'{word}' (from {node.text})" if isinstance(node, Scalar) and "${" in node.text else f"'{word}'"


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
