"""What differs between the proof of a source and that of a restore, by name; never by value."""

from collections.abc import Iterator
from itertools import chain

from dr.drivers.postgres.sequences import judge
from dr.errors import Refused
from dr.model.base import JsonObject
from dr.model.record import Difference

_RESPELLED = (
    "VIEW ",
    "MATERIALIZED VIEW ",
    "RULE ",
    "INDEX ",
    "CONSTRAINT ",
    "CHECK CONSTRAINT ",
    "POLICY ",
    "FUNCTION ",
    "PROCEDURE ",
    "SUBSCRIPTION ",
)
"""Kinds whose text another major version may spell otherwise: a server writes it anew from a parsed form, or pg_dump from options with
other defaults (a subscription)."""


def major(version: str) -> str:
    return version.split(".", maxsplit=1)[0]


def compare_databases(expected: JsonObject, found: JsonObject) -> tuple[list[Difference], list[Difference], int]:
    """Differences, what is not proven, and how many things were compared. Raises Refused if the two were not made alike."""
    _require_same_version(expected, found)
    if expected["method"] != found["method"]:
        raise Refused(f"proofs cannot be compared: method is {expected['method']} on the source and {found['method']} here")
    parts = [_tables, _populated, _sequences, _large_objects, _extensions, _schema, _unlisted]
    judged = [list(part(expected, found)) for part in parts]
    differences = [difference for proven, difference in chain(*judged) if proven]
    unproven = [difference for proven, difference in chain(*judged) if not proven]
    if expected["database"] != found["database"]:
        differences.append(Difference(kind="database", name=found["database"], detail="another name than on the source"))
    unproven += [Difference(kind="not-digested", name=name, detail=why) for name, why in sorted(expected["not_digested"].items())]
    return differences, unproven + list(_between_versions(expected, found)), _examined(expected)


def _require_same_version(expected: JsonObject, found: JsonObject) -> None:
    """Digests of two versions differ for the same content: that is no finding about the content."""
    if expected["version"] != found["version"]:
        raise Refused(
            f"the set's proof was made by another digest version ({expected['version']}; this dr makes {found['version']})",
            hint="check it with the release of dr that made the backup, or drill a set that this release made",
        )


Judged = Iterator[tuple[bool, Difference]]
"""True with what is different, False with what cannot be proven."""


def _examined(proof: JsonObject) -> int:
    return sum(len(proof[part]) for part in ("tables", "sequences", "populated", "schema")) + int(proof["large_objects"]["count"])


def _names(kind: str, expected: JsonObject, found: JsonObject) -> Judged:
    for name in sorted(expected.keys() - found.keys()):
        yield True, Difference(kind=kind, name=name, detail="missing")
    for name in sorted(found.keys() - expected.keys()):
        yield True, Difference(kind=kind, name=name, detail="not on the source")


def _tables(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["tables"], found["tables"]
    yield from _names("rows", left, right)
    for name in sorted(left.keys() & right.keys()):
        more = right[name]["rows"] - left[name]["rows"]
        if more:
            yield (
                True,
                Difference(kind="rows", name=name, detail=f"{abs(more)} row{'s' * (abs(more) != 1)} {'more' if more > 0 else 'fewer'}"),
            )
        elif left[name]["digest"] != right[name]["digest"]:
            yield True, Difference(kind="rows", name=name, detail="content differs")


def _populated(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["populated"], found["populated"]
    yield from _names("materialized-view", left, right)
    for name in sorted(n for n in left.keys() & right.keys() if left[n] != right[n]):
        if left[name] and name in found.get("not_refreshed", ()):
            yield False, Difference(kind="materialized-view", name=name, detail="not refreshed by the restore")
            continue
        detail = "not populated" if left[name] else "populated, unlike the source"
        yield True, Difference(kind="materialized-view", name=name, detail=detail)


def _sequences(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["sequences"], found["sequences"]
    yield from _names("sequence", left, right)
    for name in sorted(left.keys() & right.keys()):
        wrong = judge(left[name], right[name])
        if wrong:
            yield True, Difference(kind="sequence", name=name, detail=wrong)
        elif left[name]["at"] != right[name]["at"]:
            yield False, Difference(kind="sequence", name=name, detail="in use while it was read: at or after the source's position")


def _large_objects(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["large_objects"], found["large_objects"]
    by_one = bool(left["each"] or not left["count"]) and bool(right["each"] or not right["count"])
    part, word = ("each", "") if by_one else ("ranges", "the thousand from ")
    left, right = ({f"{word}{oid}" if by_one else f"{word}{oid}000": d for oid, d in side[part].items()} for side in (left, right))
    yield from _names("large-object", left, right)
    for name in sorted(n for n in left.keys() & right.keys() if left[n] != right[n]):
        yield True, Difference(kind="large-object", name=name, detail="content, owner, grants or comment differ")


def _extensions(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["extensions"], found["extensions"]
    same = major(expected["server"]) == major(found["server"])
    for name in sorted(n for n in left.keys() & right.keys() if left[n] != right[n]):  # a missing one is missing in the schema
        yield same, Difference(kind="extension", name=name, detail=f"version {right[name]}, on the source {left[name]}")


def _schema(expected: JsonObject, found: JsonObject) -> Judged:
    left, right = expected["schema"], found["schema"]
    same = major(expected["server"]) == major(found["server"]) and major(expected["tool"]) == major(found["tool"])
    yield from _names("schema", left, right)
    for name in sorted(n for n in left.keys() & right.keys() if left[n] != right[n]):
        certain = same or not name.startswith(_RESPELLED)
        yield certain, Difference(kind="schema", name=name, detail="differs" if certain else "spelled otherwise by another major version")


def _unlisted(expected: JsonObject, found: JsonObject) -> Judged:
    for side, where in ((expected, "on the source"), (found, "here")):
        for name in side["unlisted"]:
            yield True, Difference(kind="unlisted", name=name, detail=where)


def _between_versions(expected: JsonObject, found: JsonObject) -> Iterator[Difference]:
    here, there = major(found["server"]), major(expected["server"])
    if here != there and expected["method"] == "fast":
        detail = f"fast digests were compared between PostgreSQL {there} and {here}; only cryptographic ones are exact there"
        yield Difference(kind="digest", name=expected["database"], detail=detail)


def compare_globals(expected: JsonObject, found: JsonObject) -> tuple[list[Difference], list[Difference], int]:
    """Like `compare_databases`, for roles, memberships, settings and tablespaces."""
    _require_same_version(expected, found)
    left, right = expected["entries"], found["entries"]
    differences = [difference for _, difference in _names("globals", left, right)]
    unproven: list[Difference] = []
    foreign = bool(expected["server"] and found["server"] and major(expected["server"]) != major(found["server"]))
    for name in sorted(n for n in left.keys() & right.keys() if left[n] != right[n]):
        unsure = foreign and name.startswith("membership ")
        into = unproven if unsure else differences
        into.append(Difference(kind="globals", name=name, detail="spelled otherwise by another major version" if unsure else "differs"))
    for part, word in (("passwords", "password"), ("expiries", "password's expiry"), ("logins", "right to log in")):
        for role in _unequal(expected[part], found[part]):
            if role == found["bootstrap"]:
                unproven.append(Difference(kind="role", name=role, detail=f"{word}: the standby's bootstrap role keeps its own"))
            elif f"role {role}" in left.keys() & right.keys():
                differences.append(Difference(kind="role", name=role, detail=f"{word} differs"))
    unproven += [
        Difference(kind="tablespace", name=name, detail="its path is mapped on the standby")
        for name in _unequal(expected["locations"], found["locations"])
    ]
    return differences, unproven, len(left)


def _unequal(left: JsonObject, right: JsonObject) -> list[str]:
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
