"""What must agree within the inventory: names that exist, zones, keys, and periods that make sense together.

The rules read the tree, not the model, so that all of them speak even where something else is wrong.
"""

from collections.abc import Iterator, Set

from dr.config.duty_rules import duty_rules
from dr.config.names import Names, article
from dr.config.nodes import Node, Scalar, Table, at, match, plain
from dr.config.problems import Problem, offer
from dr.config.zones import is_zone, zone_hint
from dr.units import parse_duration

_SYSTEM = ("systems", "*")
_NAMED_BY_VALUE: tuple[tuple[tuple[str, ...], str], ...] = (
    ((*_SYSTEM, "sources", "*", "host"), "host"),
    ((*_SYSTEM, "retention", "*", "requires_copy_in"), "tier"),
    (("contacts", "*", "office"), "office"),
    (("contacts", "*", "deputy"), "contact"),
    (("notices", "together", "*"), "contact or group"),
    (("notices", "in_turn", "*"), "contact or group"),
    (("redundancy", "*", "host"), "host"),
    ((*_SYSTEM, "detection", "vantages", "*"), "host"),
    (("failover", "stores", "*"), "repository"),
    (("outages", "major", "*"), "contact or group"),
    (("outages", "minor", "*"), "contact or group"),
    (("outages", "hears"), "contact or group"),
    (("incidents", "tell", "*"), "contact or group"),
    (("incidents", "duty"), "duty"),
)
_NAMED_BY_KEY: tuple[tuple[str, ...], ...] = (
    (*_SYSTEM, "objectives", "tiers", "*"),
    (*_SYSTEM, "objectives", "proof_valid", "*"),
    (*_SYSTEM, "retention", "*"),
    (*_SYSTEM, "runbooks", "drill", "*"),
)
_RUNBOOKS: tuple[tuple[str, ...], ...] = (
    (*_SYSTEM, "runbooks", "nightly"),
    (*_SYSTEM, "runbooks", "recover"),
    (*_SYSTEM, "runbooks", "drill", "*"),
)


def rules(root: Table, names: Names, runbooks: Set[str]) -> Iterator[Problem]:
    """Everything in the inventory that does not agree with itself or with the runbooks there are."""
    yield from _names(root, names)
    yield from _runbooks(root, runbooks)
    yield from _offices(root)
    yield from duty_rules(root, names)
    yield from _zones(root)
    yield from _recipients(root)
    yield from _periods(root)
    yield from _own_twin(root)
    yield from _suppression(root)
    yield from _third_party(root)


def _third_party(root: Table) -> Iterator[Problem]:
    """Whose standby it is means something only for a standby."""
    hosts = root.get("hosts")
    parties = root.get("third_party")
    if not isinstance(hosts, Table) or not isinstance(parties, Table):
        return
    for name, (key, _) in parties.entries.items():
        role = next((_text(node) for _, _, node in match(hosts, (name, "role"))), None)
        if name not in hosts.entries:
            standbys = [host for (host,), _, node in match(hosts, ("*", "role")) if _text(node) == "standby"]
            yield key.problem(f"'{name}' is not a host", offer("the inventory", name, standbys))
        elif role is not None and role != "standby":
            yield key.problem(f"host '{name}' is no standby (its role is {role})", "sets are restored on standbys only: take this out")


def _names(root: Table, names: Names) -> Iterator[Problem]:
    for pattern, noun in _NAMED_BY_VALUE:
        for _, _, node in match(root, pattern):
            yield from _unless_named(node, _text(node), noun, names)
    for pattern in _NAMED_BY_KEY:
        for stars, key, _ in match(root, pattern):
            if key is not None:
                yield from _unless_named(key, stars[-1], "tier", names)


def _unless_named(node: Node, word: str | None, noun: str, names: Names) -> Iterator[Problem]:
    if word is not None and not names.has(noun, word):
        yield node.problem(f"'{word}' is not {article(noun)}", names.hint(noun, word))


def _runbooks(root: Table, runbooks: Set[str]) -> Iterator[Problem]:
    for pattern in _RUNBOOKS:
        for _, _, node in match(root, pattern):
            word = _text(node)
            if word is not None and word not in runbooks:
                yield node.problem(f"there is no runbook '{word}'", offer("runbooks/", word, sorted(runbooks)))
    pings = root.get("pings")
    for word, (key, _) in pings.entries.items() if isinstance(pings, Table) and not pings.secret else ():
        if word not in runbooks:
            yield key.problem(f"a ping for '{word}', which is no runbook", offer("runbooks/", word, sorted(runbooks)))


def _offices(root: Table) -> Iterator[Problem]:
    offices = root.get("offices")
    if not isinstance(offices, Table) or not offices.entries:
        return
    main = [node for _, _, node in match(offices, ("*", "main")) if plain(node) is True]
    if not main:
        yield root.entries["offices"][0].problem("no office is the main office", "write `main: true` at one of them")
    for node in main[1:]:
        yield node.problem("a second main office", "write `main: true` at one office only")


def _zones(root: Table) -> Iterator[Problem]:
    for pattern in (("organisation", "zone"), ("offices", "*", "zone"), ("contacts", "*", "zone")):
        for _, _, node in match(root, pattern):
            word = _text(node)
            if word is not None and not is_zone(word):
                yield node.problem(f"'{word}' is not a time zone", zone_hint(word))


def _recipients(root: Table) -> Iterator[Problem]:
    seen: set[str] = set()
    for _, _, node in match(root, ("organisation", "keys", "recipients", "*")):
        word = _text(node)
        if word is None:
            continue
        if word.startswith("AGE-SECRET-KEY"):
            yield node.problem(
                "a private key stands here", "move it to a file in keys/, and write its public key, age1..., here", secret=True
            )
        elif not _is_recipient(word):
            yield node.problem("this is not an age public key", "it begins with age1; this home's own are in keys/recipients.txt")
        elif word in seen:
            yield node.problem(
                "the same key twice", "two different keys are needed: the drill key, and the escrow key that is kept offline"
            )
        seen.add(word)


def _is_recipient(word: str) -> bool:
    from pyrage import RecipientError, x25519

    try:
        x25519.Recipient.from_str(word)
    except RecipientError:
        return False
    return True


def _periods(root: Table) -> Iterator[Problem]:
    for _, _, node in match(root, (*_SYSTEM, "retention", "*")):
        keep, expire = _seconds(at(node, ["keep_within"]), node), _seconds(at(node, ["expire_after"]), node)
        if keep is not None and expire is not None and expire < keep:
            yield at(node, ["expire_after"]).problem(
                "expire_after is shorter than keep_within", "the privacy limit must leave the kept period whole"
            )
    for _, _, node in match(root, (*_SYSTEM, "objectives", "tiers", "*")):
        yield from target_problems(node)


def target_problems(node: Node) -> Iterator[Problem]:
    """A target is what is meant, so it is not later than what is promised."""
    rto, target = _seconds(at(node, ["rto"]), node), _seconds(at(node, ["target"]), node)
    if rto is not None and target is not None and target > rto:
        yield at(node, ["target"]).problem("the target is later than the objective (rto)", "a target is at most the rto")


def _own_twin(root: Table) -> Iterator[Problem]:
    for stars, _, node in match(root, (*_SYSTEM, "retention", "*", "requires_copy_in")):
        if _text(node) == stars[-1]:
            yield node.problem(f"a copy in '{stars[-1]}' cannot wait for itself", "name the other tier")


def _suppression(root: Table) -> Iterator[Problem]:
    """The source on which requests are replayed is one of the system's own databases."""
    for stars, _, node in match(root, (*_SYSTEM, "suppression", "source")):
        word = _text(node)
        own = {found[1]: _text(kind) for found, _, kind in match(root, (*_SYSTEM, "sources", "*", "kind")) if found[0] == stars[0]}
        if word is not None and word not in own:
            yield node.problem(f"'{word}' is not a source of {stars[0]}", offer("it", word, sorted(own)))
        elif word is not None and own[word] == "files":
            yield node.problem(f"'{word}' holds files: requests are replayed in a database", offer("it", word, sorted(set(own) - {word})))


def _seconds(node: Node, outside: Node) -> float | None:
    text = _text(node) if node is not outside else None
    try:
        return parse_duration(text) if text else None
    except ValueError:
        return None


def _text(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None
