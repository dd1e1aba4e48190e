"""A restored file set takes the place at which an application looks for it: one whole tree stands there at every moment, old or new.

It is brought beside the place first (renamed, or copied and made durable where that is another file system), then the two names are
exchanged at once, then what stood there gets a name of its own and stays. One thing a call, each looked for before it is done, so that
whoever was killed calls again. What was brought is known by its device and inode, noted in the run's place before it moves.

Where a file system cannot exchange two names, the old tree is renamed away right before the new one is renamed there: for that moment
nothing stands there.
"""

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from errno import EACCES, EXDEV
from pathlib import Path

from dr.drivers.files import tree
from dr.errors import Failed, Refused
from dr.hosts.alone import alone
from dr.hosts.durably import write_durably
from dr.hosts.production import Protected
from dr.hosts.removal import Identity, identity, opened, remove_tree
from dr.hosts.renames import exchange, rename_new
from dr.hosts.swap_plan import Looked, Whereabouts, due, identity_of, judge, look
from dr.model.base import JsonObject, RunId
from dr.model.ports import Runner
from dr.model.swapping import kept_name
from dr.units import show_size

NOTED = "swapped.json"
"""In the run's place: source to where its tree goes, and how it is known."""
_COPY = ("cp", "-R", "-P", "--preserve=mode,ownership,timestamps,links,xattr", "-T", "--")
_ENTRY = 4096
"""Bytes that a folder or a small file takes at least."""


@dataclass(frozen=True)
class Grounds:
    """What a swap is judged by. `allowed`: the host's places; `off_limits`: production's; `root`: the standby's own."""

    root: str
    allowed: Sequence[str]
    off_limits: Protected


@dataclass(frozen=True)
class Swap:
    """One file set of a run, from `restored` to `place`. `run_place`: the run's folder on the standby."""

    source: str
    restored: str
    place: str
    run: RunId
    run_place: str
    grounds: Grounds
    runner: Runner
    exchange: Callable[[int, str, str], bool] = exchange

    def step(self) -> JsonObject:
        """Do the next thing and say which: `{state: beside | swapped | kept | done, before, copied}`. Raises Refused, Failed."""
        with alone(self.run_place):
            return self._step()

    def _step(self) -> JsonObject:
        now = self._whereabouts()
        if now.ours is None and now.restored is not None:
            self._note(now.restored)  # first, so that a person who moves it there by hand has done what this would
        what = due(now)
        if what in ("bring", "swap", "lost"):
            self._require_fit(begun=what == "swap")
        if what == "lost":
            raise Failed(
                f"file set '{self.source}' is neither where it was restored nor at {self.place}",
                hint="somebody moved it: look there by hand",
            )
        with _told_of(self.source, self.place):
            if what == "bring":
                self._bring()
            elif what == "swap":
                self._swap(now)
            elif what == "keep":
                self._keep()
        state = {"bring": "beside", "swap": "swapped", "keep": "kept"}.get(what, "done")
        kept = self._kept if os.path.lexists(self._kept) else None
        return {"state": state, "before": kept, "copied": identity_of(self.restored) is not None}

    # ------------------------------------------------------------ names

    @property
    def _parent(self) -> str:
        return os.path.dirname(self.place)  # noqa: PTH120 - text

    @property
    def _name(self) -> str:
        return os.path.basename(self.place)  # noqa: PTH119 - text

    @property
    def _beside(self) -> str:
        return f".{self._name}.{self.run}"

    @property
    def _kept(self) -> str:
        return kept_name(self.place, self.run)

    # ------------------------------------------------------------ what there is

    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(
            ours=noted(self.run_place).get(self.source, {}).get(self.place),
            place=identity_of(self.place),
            beside=identity_of(f"{self._parent}/{self._beside}"),
            restored=identity_of(self.restored),
        )

    def _require_fit(self, *, begun: bool) -> None:
        """Once it was begun here, the name for what stood there may be taken: by what stood there."""
        require(self.source, look(self.place, self.grounds.root, "" if begun else self._kept), self.grounds)

    def _note(self, ours: Identity | None) -> None:
        """None: what is removed is not known by a number that may be given out again."""
        known = _read(self.run_place)
        places = known.setdefault(self.source, {})
        places.pop(self.place, None)
        if ours is not None:
            places[self.place] = list(ours)
        write_durably(Path(self.run_place) / NOTED, json.dumps(known, sort_keys=True) + "\n")

    # ------------------------------------------------------------ what is done

    def _bring(self) -> None:
        with opened(self._parent) as parent, opened(os.path.dirname(self.restored)) as above:  # noqa: PTH120 - text
            if os.fstat(parent).st_dev == os.fstat(above).st_dev:
                self._note(_identity(self.restored))
                try:
                    rename_new(above, os.path.basename(self.restored), parent, self._beside)  # noqa: PTH119 - text
                except OSError as error:
                    if error.errno not in (EXDEV, EACCES):  # one device mounted twice; a folder that its own user may not change
                        raise
                else:
                    os.fsync(parent)
                    os.fsync(above)
                    return
            self._copy(parent)

    def _copy(self, parent: int) -> None:
        """Whole, compared by all but contents, and durable, before it gets its name."""
        partial = f"{self._beside}.partial"
        self._note(None)
        remove_tree(parent, partial, protected=frozenset(self.grounds.off_limits.folders))  # of a run that was killed
        self._require_room(parent)
        os.mkdir(partial, 0o700, dir_fd=parent)
        into = f"{self._parent}/{partial}"
        if self.runner.run([*_COPY, self.restored, into], check=False).returncode or _outline(self.restored) != _outline(into):
            raise Failed(
                f"file set '{self.source}' was not copied whole to the file system of {self.place}",
                hint="is there room, and does that file system keep owners, modes and extended attributes?",
            )
        self.runner.run(["sync", "--file-system", into])
        self._note(_identity(into))
        rename_new(parent, partial, parent, self._beside)
        os.fsync(parent)

    def _require_room(self, parent: int) -> None:
        walked = _walked(self.restored)
        needed = sum(max(_ENTRY, at.st_blocks * 512) for at in walked.values())
        at = os.fstatvfs(parent)
        free = at.f_bavail * at.f_frsize
        if free < needed or (at.f_files and at.f_favail < len(walked)):
            raise Refused(
                f"there is no room for file set '{self.source}' at {self.place}: {show_size(free)} are free, {show_size(needed)} and "
                f"{len(walked)} files are needed",
                hint="it lies on another file system than the standby, so it is copied first: make room there",
            )

    def _swap(self, now: Whereabouts) -> None:
        with opened(self._parent) as parent:
            if now.place is not None and not self.exchange(parent, self._beside, self._name):
                rename_new(parent, self._name, parent, os.path.basename(self._kept))  # noqa: PTH119 - text
                now = Whereabouts()
            if now.place is None:
                rename_new(parent, self._beside, parent, self._name)
            os.fsync(parent)

    def _keep(self) -> None:
        with opened(self._parent) as parent:
            rename_new(parent, self._beside, parent, os.path.basename(self._kept))  # noqa: PTH119 - text
            os.fsync(parent)


def require(source: str, seen: Looked, grounds: Grounds) -> None:
    """Raises Refused with every reason why that file set may not be put there."""
    problems = judge(seen, grounds.allowed, grounds.off_limits)
    if problems:
        reasons = "; ".join(problem.what for problem in problems)
        raise Refused(f"file set '{source}' is not put at {seen.place}: {reasons}", hint=problems[0].hint)


def swappable(grounds: Grounds, places: Sequence[str]) -> list[tuple[bool, str]]:
    """Of each place: what would become of what stands there, or why nothing may be put there. Changes nothing."""
    found = []
    for place in places:
        seen = look(place, grounds.root)
        problems = judge(seen, grounds.allowed, grounds.off_limits)
        found += [(False, f"{place}: {problem.what}; {problem.hint}") for problem in problems] or [(True, f"{place}: {_would(seen)}")]
    return found


def _would(seen: Looked) -> str:
    stands = f"what stands there would be kept as {kept_name(seen.place, 'RUN')}" if seen.kind == "folder" else "nothing stands there"
    apart = Path(seen.root).stat().st_dev != Path(seen.place).parent.stat().st_dev
    return stands + (f"; it is on another file system than {seen.root}, so the file set would be copied there first" if apart else "")


def noted(run_place: str) -> Mapping[str, Mapping[str, Identity]]:
    """Source to the places that its tree was on its way to, each with how the tree is known. Raises Failed for what is none of ours."""
    return {source: {place: (int(one[0]), int(one[1])) for place, one in places.items()} for source, places in _read(run_place).items()}


def stands_at(run_place: str, source: str, restored: str) -> str:
    """Where a restored file set is now: its place, once it was swapped in."""
    found = [place for place, ours in noted(run_place).get(source, {}).items() if identity_of(place) == ours]
    return found[0] if found else restored


def _read(run_place: str) -> dict[str, dict[str, list[int]]]:
    try:
        text = (Path(run_place) / NOTED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        known = {str(s): {str(p): [int(n) for n in one] for p, one in dict(places).items()} for s, places in dict(json.loads(text)).items()}
    except (ValueError, TypeError):
        known = {"": {"": []}}
    if any(len(one) != 2 for places in known.values() for one in places.values()):
        raise Failed(f"{run_place}/{NOTED} is not what dr writes", hint="look at that folder by hand: who wrote there?")
    return known


def _identity(path: str) -> Identity:
    return identity(Path(path).lstat())


def _walked(root: str) -> tree.Walked:
    with tree.opened(root) as folder:
        return tree.walk(folder)


def _outline(root: str) -> dict[bytes, tuple[int, ...]]:
    """Everything below, by kind, mode and owner; files by size too."""
    return {path: (at.st_mode, at.st_uid, at.st_gid, at.st_size if stat.S_ISREG(at.st_mode) else 0) for path, at in _walked(root).items()}


@contextlib.contextmanager
def _told_of(source: str, place: str) -> Iterator[None]:
    """What the machine refuses, in our words."""
    try:
        yield
    except OSError as error:
        raise Failed(
            f"file set '{source}' was not put at {place}: {os.strerror(error.errno or 0)}",
            hint="nothing is lost: mend that and go on with `dr runs resume`; or move it there by hand",
        ) from None
