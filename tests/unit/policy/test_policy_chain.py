"""Promise 4: a set that was swapped, rolled back or lost is told from one that was pruned, each in its own words."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.model.backup import Previous, Tombstone
from dr.model.base import RepositoryName, RunId, SetId, Sha256, SystemName, sha256
from dr.model.chain import ChainVerdict, HeldSet, Holdings, Known, KnownCopy
from dr.model.record import AuditHead
from dr.policy import chain
from dr.policy.chain import OF_HELD, OF_MISSING, judge

pytestmark = pytest.mark.unit

HMIS, HARBOR = SystemName("hmis"), "Harbor"
ONLINE, VAULT = RepositoryName("online"), RepositoryName("vault")
BEGUN = datetime(2026, 11, 1, 7, tzinfo=UTC)


def night(number: int) -> SetId:
    return SetId(f"{BEGUN + timedelta(days=number):%Y%m%dT%H%M%SZ}-7f3a9c")


def digest(number: int) -> Sha256:
    return sha256(night(number).encode())


def before(number: int) -> Previous | None:
    return Previous(set=night(number - 1), manifest=digest(number - 1)) if number else None


def held(number: int, **changes: object) -> HeldSet:
    """What lies there after an undisturbed night."""
    values: dict[str, object] = {
        "set": night(number),
        "manifest": digest(number),
        "signed": True,
        "says": night(number),
        "system": HMIS,
        "organisation": HARBOR,
        "run": RunId(f"nightly-{number}"),
        "previous": before(number),
        **changes,
    }
    return HeldSet(**values)  # type: ignore[arg-type]


def copy(number: int, where: RepositoryName = ONLINE, *, pruned: bool = False) -> KnownCopy:
    at = BEGUN + timedelta(days=number)
    gone = at + timedelta(days=3) if pruned else None
    rule = "keep_within" if pruned else None
    return KnownCopy(
        set=night(number), repository=where, manifest=digest(number), committed=at, previous=before(number), removed=gone, rule=rule
    )


def stone(number: int, manifest: Sha256 | None = None) -> Tombstone:
    at = BEGUN + timedelta(days=number)
    return Tombstone(
        system=HMIS, set=night(number), manifest=manifest or digest(number), instant=at, removed=at, run=RunId("p"), rule="keep_within"
    )


def known(copies: Sequence[KnownCopy], **changes: object) -> Known:
    return Known(organisation=HARBOR, system=HMIS, copies=tuple(copies), **changes)  # type: ignore[arg-type]


def place(*sets: HeldSet, stones: Sequence[Tombstone] = (), where: RepositoryName = ONLINE, strangers: int = 0) -> Holdings:
    return Holdings(repository=where, sets=sets, tombstones=tuple(stones), strangers=strangers)


def kinds(verdicts: Sequence[ChainVerdict]) -> dict[SetId | None, str]:
    return {verdict.set: verdict.kind for verdict in verdicts}


def one(verdicts: Sequence[ChainVerdict]) -> ChainVerdict:
    (bad,) = [verdict for verdict in verdicts if verdict.bad]
    return bad


NIGHTS = [copy(0, pruned=True), copy(1), copy(2), copy(3)]
STONES = [stone(0)]
WHOLE = place(held(1), held(2), held(3), stones=STONES)


def test_an_undisturbed_repository_is_intact() -> None:
    """The other half of every test here: nothing is said where nothing is wrong."""
    assert kinds(judge([WHOLE], known(NIGHTS))) == {night(1): "intact", night(2): "intact", night(3): "intact"}


def test_a_prune_that_died_before_its_record_is_a_prune() -> None:
    found = judge([place(held(2), held(3), stones=[*STONES, stone(1)])], known(NIGHTS))
    assert kinds(found) == {night(1): "pruned", night(2): "intact", night(3): "intact"}


def test_a_set_without_a_tombstone_is_lost() -> None:
    verdict = one(judge([place(held(1), held(3), stones=STONES)], known(NIGHTS)))
    assert (verdict.kind, verdict.set) == ("lost", night(2))
    assert verdict.message == f"online/{night(2)}: it is gone, and no prune removed it: it has no tombstone"
    assert verdict.hint == "find out who removed it; the `copy` action makes it again from another tier that still holds it"


def test_a_tombstone_of_other_bytes_excuses_nothing() -> None:
    verdict = one(judge([place(held(1), held(3), stones=[*STONES, stone(2, digest(9))])], known(NIGHTS)))
    assert verdict.message == f"online/{night(2)}: it is gone, and its tombstone is of another manifest"


def test_the_newest_gone_is_a_rollback() -> None:
    verdict = one(judge([place(held(1), held(2), stones=STONES)], known(NIGHTS)))
    assert (verdict.kind, verdict.set) == ("rolled-back", night(3))
    assert verdict.message == (
        f"online/{night(3)}: it is missing without a tombstone, with the newest that was there: "
        "the repository stands as of 2026-11-03 07:00 UTC"
    )
    assert "image of that disk" in verdict.hint


def test_a_rollback_is_one_still_when_a_night_has_passed() -> None:
    """The nightly writes its new set before it looks: what counts is the newest of what was there at the last look."""
    seen = {ONLINE: BEGUN + timedelta(days=3, hours=1)}
    found = judge([place(held(1), held(2), held(4, previous=before(4)), stones=STONES)], known([*NIGHTS, copy(4)], seen=seen))
    assert kinds([v for v in found if v.bad]) == {night(3): "rolled-back"}


def test_a_pruned_set_that_is_back_is_a_rollback() -> None:
    """With it, what is missing is taken for rolled back, too, wherever it stood."""
    found = judge([place(held(0), held(1), held(3), stones=STONES)], known(NIGHTS))
    assert kinds(found) == {night(0): "rolled-back", night(1): "intact", night(3): "intact", night(2): "rolled-back"}
    assert "it was removed (keep_within) and is there again" in found[0].message


def test_a_set_in_anothers_place_is_swapped() -> None:
    verdict = one(judge([place(held(1), held(2, manifest=digest(1), says=night(1)), held(3), stones=STONES)], known(NIGHTS)))
    assert (verdict.kind, verdict.set) == ("swapped", night(2))
    assert verdict.message == f"online/{night(2)}: manifest.json: set {night(1)} lies in its place"


def test_another_systems_set_is_swapped() -> None:
    verdict = one(judge([place(held(1), held(2, system=SystemName("payroll")), held(3), stones=STONES)], known(NIGHTS)))
    assert verdict.kind == "swapped"
    assert "of system 'payroll'" in verdict.message


def test_an_older_manifest_of_ours_under_the_same_id_is_a_rollback() -> None:
    verdict = one(judge([place(held(1), held(2, manifest=digest(8)), held(3), stones=STONES)], known(NIGHTS)))
    assert (verdict.kind, verdict.set) == ("rolled-back", night(2))


def test_without_a_catalog_a_later_set_still_tells_what_the_one_before_it_was() -> None:
    """Night 3 names night 2's manifest by hash: another one in its place is found although nothing is on record."""
    found = judge([place(held(2, manifest=digest(8)), held(3))], known([]))
    assert kinds(found)[night(2)] == "rolled-back"


def test_an_unsigned_manifest_is_altered_if_the_set_is_known_and_foreign_if_not() -> None:
    changed = {"signed": False, "says": None, "system": None, "run": None, "previous": None}
    altered = one(judge([place(held(1), held(2, manifest=digest(8), **changed), held(3), stones=STONES)], known(NIGHTS)))
    assert altered.message == f"online/{night(2)}: manifest.json: it is not the one that was committed, and no key of ours signed it"
    signature = one(judge([place(held(1), held(2, **changed), held(3), stones=STONES)], known(NIGHTS)))
    assert signature.message == f"online/{night(2)}: manifest.sig: it is not the signature of its manifest by a key of ours"
    foreign = one(judge([place(held(1), held(2), held(3), held(7, **changed), stones=STONES)], known(NIGHTS)))
    assert (foreign.kind, foreign.set) == ("foreign", night(7))


def test_another_organisations_set_is_foreign() -> None:
    verdict = one(judge([place(held(1), held(2), held(3, organisation="Elsewhere"), stones=STONES)], known(NIGHTS)))
    assert verdict.kind == "foreign"


def test_a_set_that_nobody_recorded_is_unknown_and_not_bad() -> None:
    """Its run died between committing and recording: it is adopted, not blamed."""
    found = judge([place(held(1), held(2), held(3), held(4), stones=STONES)], known(NIGHTS))
    assert kinds(found)[night(4)] == "unknown"
    assert not any(verdict.bad for verdict in found)


def test_a_tombstone_that_nobody_signed_is_said() -> None:
    verdict = one(judge([place(held(1), held(2), held(3), stones=STONES, strangers=1)], known(NIGHTS)))
    assert (verdict.kind, verdict.set) == ("foreign", None)


def test_a_catalog_that_is_behind_its_own_sets_is_said() -> None:
    """A set bears the head of the audit log: a log that does not have that entry was put back, or is another."""
    head = AuditHead(seq=41, hash=digest(5), at=BEGUN)
    sets = place(held(1), held(2), held(3, head=head), stones=STONES)
    assert not any(v.bad for v in judge([sets], known(NIGHTS, own=(night(3),), heads={41: digest(5)})))
    for heads in ({}, {41: digest(6)}):
        verdict = one(judge([sets], known(NIGHTS, own=(night(3),), heads=heads)))
        assert (verdict.kind, verdict.set) == ("rolled-back", None)
    assert not any(v.bad for v in judge([sets], known(NIGHTS, own=(), heads={}))), "a rebuilt catalog has a log of its own"


def test_a_set_that_only_a_later_one_tells_of_is_lost() -> None:
    """The catalog is gone with it: the chain alone still knows."""
    sets = place(held(1, previous=None), held(3))
    verdict = one(judge([sets], known([]), whole=True))
    assert (verdict.kind, verdict.set) == ("lost", night(2))
    assert not any(v.bad for v in judge([sets], known([]), whole=False)), "it may lie where nobody looked"


# ---------------------------------------------------------------- the guards switched off


DISTURBED: dict[str, tuple[Holdings, SetId]] = {
    "_unsigned": (place(held(1), held(2, manifest=digest(8), signed=False, says=None), held(3), stones=STONES), night(2)),
    "_of_others": (place(held(1), held(2, organisation="Elsewhere"), held(3), stones=STONES), night(2)),
    "_in_anothers_place": (place(held(1), held(2, system=SystemName("payroll")), held(3), stones=STONES), night(2)),
    "_back_again": (place(held(0), held(1), held(2), held(3), stones=STONES), night(0)),
    "_another_manifest": (place(held(1), held(2, manifest=digest(8)), held(3), stones=STONES), night(2)),
}


@pytest.mark.positive_control
@pytest.mark.parametrize("rule", DISTURBED)
def test_control_without_its_rule_the_disturbance_passes(rule: str) -> None:
    holdings, about = DISTURBED[rule]
    assert kinds(judge([holdings], known(NIGHTS)))[about] not in ("intact", "pruned", "unknown")
    others = [other for other in OF_HELD if other is not getattr(chain, rule)]
    assert kinds(judge([holdings], known(NIGHTS), of_held=others))[about] == "intact"


@pytest.mark.positive_control
def test_control_without_the_rule_for_losses_a_loss_passes() -> None:
    gone = place(held(1), held(3), stones=STONES)
    assert not any(v.bad for v in judge([gone], known(NIGHTS), of_missing=OF_MISSING[:-1]))


@pytest.mark.positive_control
def test_control_without_the_rule_for_rollbacks_the_newest_gone_is_a_mere_loss() -> None:
    gone = place(held(1), held(2), stones=STONES)
    rules = [rule for rule in OF_MISSING if rule is not chain._cut_off]
    assert one(judge([gone], known(NIGHTS), of_missing=rules)).kind == "lost"


# ---------------------------------------------------------------- properties

FATES = st.lists(st.sampled_from(["kept", "pruned", "dying", "lost"]), min_size=1, max_size=8)


def story(fates: Sequence[str], where: RepositoryName = ONLINE) -> tuple[Holdings, list[KnownCopy]]:
    """A repository after these nights: kept, pruned and recorded, pruned by a run that died, or lost."""
    sets = [held(n) for n, fate in enumerate(fates) if fate == "kept"]
    stones = [stone(n) for n, fate in enumerate(fates) if fate in ("pruned", "dying")]
    copies = [copy(n, where, pruned=fate == "pruned") for n, fate in enumerate(fates)]
    return place(*sets, stones=stones, where=where), copies


@given(FATES)
def test_exactly_what_was_lost_is_bad(fates: list[str]) -> None:
    """No prune is blamed, no loss passes, whatever the order of nights."""
    holdings, copies = story(fates)
    bad = {v.set for v in judge([holdings], known(copies)) if v.bad}
    assert bad == {night(n) for n, fate in enumerate(fates) if fate == "lost"}


@given(FATES, st.randoms(use_true_random=False))
def test_the_order_in_which_things_are_read_does_not_matter(fates: list[str], rng: object) -> None:
    online, copies = story(fates)
    vault, more = story(list(reversed(fates)), VAULT)
    expected = judge([online, vault], known([*copies, *more]))
    shuffled = [*copies, *more]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    sets = list(online.sets)
    rng.shuffle(sets)  # type: ignore[attr-defined]
    mixed = online.model_copy(update={"sets": tuple(sets)})
    assert judge([vault, mixed], known(shuffled)) == expected


@given(FATES, st.data())
def test_a_repository_put_back_to_an_earlier_night_is_never_taken_for_a_prune(fates: list[str], data: st.DataObject) -> None:
    """Whatever state of the past it is put back to: either nothing had changed since, or it is said."""
    _, copies = story(fates)
    then = data.draw(st.integers(0, len(fates)))
    past = place(*[held(n) for n in range(then)])  # before any of the prunes
    bad = {v.set for v in judge([past], known(copies)) if v.bad}
    back = {night(n) for n, fate in enumerate(fates) if n < then and fate == "pruned"}
    gone = {night(n) for n, fate in enumerate(fates) if n >= then and fate != "pruned"}
    assert bad == back | gone


@given(FATES)
def test_every_verdict_names_its_place_and_a_bad_one_says_what_next(fates: list[str]) -> None:
    holdings, copies = story(fates)
    for verdict in judge([holdings], known(copies)):
        assert verdict.message.startswith(f"online/{verdict.set}: ")
        assert bool(verdict.hint) == verdict.bad
