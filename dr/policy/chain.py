"""Whether a repository still holds what was committed there: prune, loss, rollback and swap told apart. Pure.

Three things bind sets into a chain: each manifest names the one before it by hash, a prune leaves a signed tombstone with the hash of
what it removed, and the audit head beside each set says how far the catalog had come when it was sealed. What a repository holds is
compared with the catalog, with its own tombstones, and with what the sets of every repository say about each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from dr.model.backup import Tombstone
from dr.model.base import SetId, Sha256
from dr.model.chain import ChainKind, ChainVerdict, HeldSet, Holdings, Known, KnownCopy

_FOREIGN = "nothing is restored from it, and nothing removes it: look at that folder by hand and find out who put it there"
_ALTERED = "restore from another copy; find out whether the disk is failing or somebody wrote there; `copy` makes it again"
_ROLLED = "was a snapshot or an image of that disk put back? The `copy` action makes the missing sets again from another tier"
_REAPPEARED = "find out who put it back; the next prune removes it again, by the rule that removed it before"
_SWAPPED = "somebody moved folders in the repository; move them back, or let `copy` make the set again from another tier"
_LOST = "find out who removed it; the `copy` action makes it again from another tier that still holds it"
_CATALOG = "the catalog was put back to an earlier state, or another home writes here: nothing it says about later sets can be believed"


@dataclass(frozen=True)
class _Scene:
    """One repository, seen beside everything that is known of it."""

    holdings: Holdings
    known: Known
    others: Sequence[Holdings]

    @cached_property
    def copies(self) -> Mapping[SetId, KnownCopy]:
        return {copy.set: copy for copy in self.known.copies if copy.repository == self.holdings.repository}

    @cached_property
    def tombstones(self) -> Mapping[SetId, Tombstone]:
        return {stone.set: stone for stone in self.holdings.tombstones if stone.system == self.known.system}

    @cached_property
    def held(self) -> Mapping[SetId, HeldSet]:
        return {one.set: one for one in self.holdings.sets}

    @cached_property
    def hashes(self) -> Mapping[SetId, Sha256]:
        """What is known to be each set's manifest: the catalog's word first, then what a later set anywhere says of the one before it."""
        linked = {one.previous.set: one.previous.manifest for place in self.others for one in place.sets if one.signed and one.previous}
        told = {copy.previous.set: copy.previous.manifest for copy in self.known.copies if copy.previous}
        return linked | told | {copy.set: copy.manifest for copy in self.known.copies}

    @cached_property
    def missing(self) -> list[KnownCopy]:
        """In the order in which they were committed."""
        gone = [copy for copy in self.copies.values() if copy.removed is None and copy.set not in self.held]
        return sorted(gone, key=lambda copy: (copy.committed, copy.set))

    @cached_property
    def unexplained(self) -> list[KnownCopy]:
        return [copy for copy in self.missing if not self.buried(copy)]

    def buried(self, copy: KnownCopy) -> bool:
        stone = self.tombstones.get(copy.set)
        return stone is not None and stone.manifest == copy.manifest

    def reappeared(self, one: HeldSet) -> bool:
        copy = self.copies.get(one.set)
        if copy is None:
            return one.set in self.tombstones
        return copy.removed is not None and copy.manifest == one.manifest

    @cached_property
    def cut(self) -> bool:
        """Whether the newest of what was there at the last look is missing, or what had been pruned before is back."""
        if any(one.signed and self.reappeared(one) for one in self.holdings.sets):
            return True
        seen = self.known.seen.get(self.holdings.repository, datetime.max.replace(tzinfo=UTC))
        there = [c for c in self.copies.values() if c.removed is None and c.committed <= seen and not self.buried(c)]
        newest = max(there, key=lambda c: (c.committed, c.set), default=None)
        return newest is not None and newest.set not in self.held


Said = tuple[ChainKind, str, str]
"""Kind, message, hint."""
OfHeld = Callable[[_Scene, HeldSet], Said | None]
OfMissing = Callable[[_Scene, KnownCopy], Said | None]
"""None: the rule has nothing to say, and the next one is asked."""


def _unsigned(scene: _Scene, one: HeldSet) -> Said | None:
    if one.signed:
        return None
    known = scene.hashes.get(one.set)
    if known is None:
        return "foreign", "manifest.json: no key of ours signed it, and no such set was ever recorded", _FOREIGN
    if known == one.manifest:
        return "altered", "manifest.sig: it is not the signature of its manifest by a key of ours", _ALTERED
    return "altered", "manifest.json: it is not the one that was committed, and no key of ours signed it", _ALTERED


def _of_others(scene: _Scene, one: HeldSet) -> Said | None:
    if not one.signed or one.organisation == scene.known.organisation:
        return None
    return "foreign", f"manifest.json: it is a set of '{one.organisation}'", _FOREIGN


def _in_anothers_place(scene: _Scene, one: HeldSet) -> Said | None:
    if not one.signed or (one.says, one.system) == (one.set, scene.known.system):
        return None
    whose = f"set {one.says}" + ("" if one.system == scene.known.system else f" of system '{one.system}'")
    return "swapped", f"manifest.json: {whose} lies in its place", _SWAPPED


def _back_again(scene: _Scene, one: HeldSet) -> Said | None:
    if not (one.signed and scene.reappeared(one)):
        return None
    copy, stone = scene.copies.get(one.set), scene.tombstones.get(one.set)
    rule = (copy.rule if copy else None) or (stone.rule if stone else "a prune")
    return "rolled-back", f"it was removed ({rule}) and is there again: the repository was put back to an earlier state", _REAPPEARED


def _another_manifest(scene: _Scene, one: HeldSet) -> Said | None:
    known = scene.hashes.get(one.set)
    if not one.signed or known is None or known == one.manifest:
        return None
    return "rolled-back", "manifest.json: a manifest of ours, but not the one that was committed under this id: an older one", _ALTERED


def _unrecorded(scene: _Scene, one: HeldSet) -> Said | None:
    if not one.signed or one.set in scene.copies or one.set in scene.tombstones:
        return None
    return "unknown", "a set of ours that nobody recorded: its run died before it could", ""


def _buried(scene: _Scene, copy: KnownCopy) -> Said | None:
    return ("pruned", "removed by a prune that died before it could record it", "") if scene.buried(copy) else None


def _cut_off(scene: _Scene, copy: KnownCopy) -> Said | None:
    if not scene.cut or scene.buried(copy):
        return None
    last = max((c.committed for c in scene.copies.values() if c.set in scene.held and c.committed < copy.committed), default=None)
    state = f"stands as of {last:%Y-%m-%d %H:%M} UTC" if last else "holds nothing older"
    return "rolled-back", f"it is missing without a tombstone, with the newest that was there: the repository {state}", _ROLLED


def _vanished(scene: _Scene, copy: KnownCopy) -> Said | None:
    if scene.buried(copy):
        return None
    stone = scene.tombstones.get(copy.set)
    why = "its tombstone is of another manifest" if stone else "no prune removed it: it has no tombstone"
    return "lost", f"it is gone, and {why}", _LOST


OF_HELD: tuple[OfHeld, ...] = (_unsigned, _of_others, _in_anothers_place, _back_again, _another_manifest, _unrecorded)
OF_MISSING: tuple[OfMissing, ...] = (_buried, _cut_off, _vanished)
"""In the order in which they are asked; the first that speaks decides. A held set of which none speaks is intact."""


def judge(
    places: Sequence[Holdings],
    known: Known,
    *,
    whole: bool = True,
    of_held: Sequence[OfHeld] = OF_HELD,
    of_missing: Sequence[OfMissing] = OF_MISSING,
) -> list[ChainVerdict]:
    """Say of every set that is there, or should be, what became of it. The order of `places` and of what is in them does not matter.

    `whole`: these are all the repositories there are. Read `known` before `places`, and each repository's sets before its tombstones:
    what happens meanwhile is then taken for what it is.
    """
    found: list[ChainVerdict] = []
    for place in sorted(places, key=lambda one: one.repository):
        scene = _Scene(place, known, places)
        found += [_verdict(scene, one.set, _first(of_held, scene, one)) for one in sorted(place.sets, key=lambda one: one.set)]
        found += [_verdict(scene, copy.set, said) for copy in scene.missing if (said := _first_missing(of_missing, scene, copy))]
        found += [*_forged(scene), *_catalog_behind(scene)]
    return [*found, *(_broken_links(places, known) if whole else ())]


def _first(rules: Sequence[OfHeld], scene: _Scene, one: HeldSet) -> Said:
    return next((said for rule in rules if (said := rule(scene, one))), ("intact", "it is the set that was committed", ""))


def _first_missing(rules: Sequence[OfMissing], scene: _Scene, copy: KnownCopy) -> Said | None:
    return next((said for rule in rules if (said := rule(scene, copy))), None)


def _verdict(scene: _Scene, set_id: SetId, said: Said) -> ChainVerdict:
    kind, message, hint = said
    repository = scene.holdings.repository
    return ChainVerdict(kind=kind, repository=repository, set=set_id, message=f"{repository}/{set_id}: {message}", hint=hint)


def _forged(scene: _Scene) -> Iterator[ChainVerdict]:
    """Tombstones that no key of ours signed explain nothing, and somebody made them."""
    if scene.holdings.strangers:
        where, count = scene.holdings.repository, scene.holdings.strangers
        message = f"{where}/tombstones: {count} of them signed by no key of ours"
        yield ChainVerdict(kind="foreign", repository=where, set=None, message=message, hint=_FOREIGN)


def _catalog_behind(scene: _Scene) -> Iterator[ChainVerdict]:
    for one in sorted(scene.holdings.sets, key=lambda one: one.set):
        head = one.head
        if head is None or not head.seq or one.set not in scene.known.own or scene.known.heads.get(head.seq) == head.hash:
            continue
        repository = scene.holdings.repository
        message = f"{repository}/{one.set}: audit-head.json: the catalog's audit log has no such entry {head.seq}"
        yield ChainVerdict(kind="rolled-back", repository=repository, set=None, message=message, hint=_CATALOG)
        return


def _broken_links(places: Sequence[Holdings], known: Known) -> Iterator[ChainVerdict]:
    """Sets that only a later set still tells of: no catalog, no repository and no tombstone knows them."""
    told = {copy.set for copy in known.copies} | {one.set for place in places for one in place.sets}
    told |= {stone.set for place in places for stone in place.tombstones}
    seen: set[SetId] = set()
    for place in sorted(places, key=lambda one: one.repository):
        for one in sorted(place.sets, key=lambda one: one.set):
            before = one.previous.set if one.signed and one.previous else None
            if before is None or before in told or before in seen:
                continue
            seen.add(before)
            message = f"{place.repository}/{before}: set {one.set} came after it, and nobody knows what became of it"
            yield ChainVerdict(kind="lost", repository=place.repository, set=before, message=message, hint=_LOST)
