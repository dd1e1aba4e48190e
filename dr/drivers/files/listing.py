"""The list of a file set that lies in the encrypted index, and its comparison with a restored tree."""

import hmac
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dr.drivers.files import tree
from dr.drivers.files.tree import Describing, Walked
from dr.errors import Refused
from dr.model.base import JsonObject
from dr.model.record import Difference

FORMAT = 1
"""Of the list: how contents and attributes are digested. Two lists are compared only if it is the same."""
_COMPARED = ("type", "mode", "uid", "gid", "mtime", "size", "digest", "target", "xattrs", "privileged", "device", "group")
_SAID = {"uid": "owner", "gid": "group of users", "digest": "content", "group": "hard links", "privileged": "privileged xattrs"}


@dataclass(frozen=True)
class Listing:
    """What a tree held. `changed`: what changed, came or went while it was read, which is proof of nothing."""

    entries: Sequence[JsonObject]
    changed: Sequence[bytes] = ()
    sockets: Sequence[bytes] = ()

    def to_facts(self) -> JsonObject:
        return {
            "format": FORMAT,
            "entries": list(self.entries),
            "changed": [tree.name_of(path) for path in self.changed],
            "sockets": [tree.name_of(path) for path in self.sockets],
        }

    @classmethod
    def from_facts(cls, facts: JsonObject) -> "Listing":
        """Raises Refused for a list that another version of the digests made."""
        if facts["format"] != FORMAT:
            raise Refused(
                f"the set's list of files was made by another digest version ({facts['format']}; this dr makes {FORMAT})",
                hint="check it with the release of dr that made the backup, or drill a set that this release made",
            )
        return cls(
            tuple(facts["entries"]),
            tuple(tree.path_of(name) for name in facts["changed"]),
            tuple(tree.path_of(name) for name in facts["sockets"]),
        )

    def of_type(self, kind: str) -> int:
        return sum(1 for entry in self.entries if entry["type"] == kind)


def make(before: Walked, after: Walked, described: dict[bytes, JsonObject]) -> Listing:
    """From two walks, one before and one after everything was read, and what was described between."""
    changed = {path for path in before.keys() | after.keys() if path not in before or path not in after}
    changed |= {path for path in before.keys() & after.keys() if not tree.same(before[path], after[path])}
    changed |= before.keys() - described.keys()
    steady = {path: at for path, at in before.items() if path not in changed}
    sockets = sorted(path for path, at in steady.items() if tree.kind_of(at) == "socket")
    linked = tree.groups(steady)
    entries = [
        described[path] | ({"group": tree.name_of(linked[path])} if path in linked else {})
        for path in sorted(steady)
        if path not in sockets
    ]
    return Listing(entries, sorted(changed), sockets)


@dataclass
class Comparison:
    """What differs, what cannot be proven, and how many entries were compared."""

    examined: int = 0
    differences: list[Difference] = field(default_factory=list)
    unproven: list[Difference] = field(default_factory=list)


def compare(expected: Listing, root: str, key: bytes, *, stop: threading.Event, as_root: bool) -> Comparison:
    """Compare a restored tree with the list. `as_root`: whether the restore could give back owners, privileged attributes and devices.

    Entries are named by a keyed digest (`name_for`). Raises Failed, Stopped, OSError.
    """
    with tree.opened(root) as folder:
        walked = tree.walk(folder)
        with Describing(folder, walked, key, stop=stop) as describing:
            found = describing.result()
    return _Comparing(expected, walked, found, key, as_root=as_root).run()


def name_for(path: bytes, key: bytes) -> str:
    """How an entry is named where its name must not be: `file:` and 16 hex digits of a keyed digest of its path.

    Who holds the set's index key finds the entry again by computing this for every path of the index.
    """
    return f"file:{hmac.new(key, path, 'sha256').hexdigest()[:16]}"


class _Comparing:
    def __init__(self, expected: Listing, walked: Walked, found: dict[bytes, JsonObject], key: bytes, *, as_root: bool) -> None:
        self._changed = set(expected.changed)
        self._wanted = {tree.path_of(entry["path"]): entry for entry in expected.entries}
        linked = tree.groups({path: at for path, at in walked.items() if path not in self._changed})
        self._found = {path: facts | ({"group": tree.name_of(linked[path])} if path in linked else {}) for path, facts in found.items()}
        self._expected, self._key, self._as_root = expected, key, as_root
        self._result = Comparison()

    def run(self) -> Comparison:
        for path in sorted(self._wanted):
            self._one(path)
        for path in sorted(self._found.keys() - self._wanted.keys() - self._changed):
            self._extra(path)
        self._unproven()
        return self._result

    def _one(self, path: bytes) -> None:
        wanted, found = self._wanted[path], self._found.get(path)
        if wanted["type"] == "device" and not self._as_root:
            self._doubt("device", path, "only root can make it")
            return
        self._result.examined += 1
        if found is None:
            self._differ("missing", path, wanted["type"])
            return
        wrong = [_SAID.get(what, what) for what in self._comparable() if wanted.get(what) != found.get(what)]
        if wrong:
            self._differ("different", path, ", ".join(wrong))

    def _comparable(self) -> Iterator[str]:
        beyond = () if self._as_root else ("uid", "gid", "privileged")
        return (what for what in _COMPARED if what not in beyond)

    def _extra(self, path: bytes) -> None:
        if self._in_changed(path):
            self._doubt("changed", path, "it came and went while its folder was read")
        else:
            self._differ("extra", path, self._found[path]["type"])

    def _in_changed(self, path: bytes) -> bool:
        above = os.path.dirname(path) or b"."  # noqa: PTH120 - bytes: names need not be UTF-8
        while above not in self._changed:
            if above == b"." or above in self._wanted:  # a folder that stayed as it was held nothing more
                return False
            above = os.path.dirname(above) or b"."  # noqa: PTH120
        return True

    def _unproven(self) -> None:
        for path in self._expected.changed:
            self._doubt("changed", path, "it changed while it was read")
        for path in self._expected.sockets:
            self._doubt("socket", path, "a socket is not backed up")
        if not self._as_root:
            owners = len(self._expected.entries)
            self._result.unproven.append(Difference(kind="owner", name=f"{owners} entries", detail="only root can give back owners"))
            self._result.unproven += [
                Difference(
                    kind="xattrs", name=name_for(tree.path_of(e["path"]), self._key), detail="only root can give back privileged ones"
                )
                for e in self._expected.entries
                if "privileged" in e
            ]

    def _differ(self, kind: str, path: bytes, detail: str) -> None:
        self._result.differences.append(Difference(kind=kind, name=name_for(path, self._key), detail=detail))

    def _doubt(self, kind: str, path: bytes, detail: str) -> None:
        self._result.unproven.append(Difference(kind=kind, name=name_for(path, self._key), detail=detail))
