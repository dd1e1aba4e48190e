"""What every `Records` promises. One line in IMPLEMENTATIONS for each."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import open_catalog
from dr.catalog.drills import drill_facts
from dr.clock import FixedClock
from dr.errors import Failed
from dr.model.backup import Manifest, Previous
from dr.model.base import HostName, HostPath, RepositoryName, RunId, SetId, SystemName
from dr.model.notice_record import Delivery, Notice, NoticeState
from dr.model.ports import Records
from dr.model.record import Failure, Finding, HostState, ProductionFacts, Severity
from dr.model.redundancy import KeptReading, Reading
from dr.model.summary import SetSummary
from tests.support.catalog_copies import HMIS, NOW, RUN, ago, copy_of, manifest_at, part_of, set_at
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.contract

IMPLEMENTATIONS: list[Callable[[Path], Records]] = [
    lambda place: open_catalog(place / "catalog.db", FixedClock(NOW)),
]
ONLINE, VAULT = RepositoryName("online-disk"), RepositoryName("vault-disk")
NAMES = ["catalog-on-a-file"]


@pytest.fixture(params=IMPLEMENTATIONS, ids=NAMES)
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    opened: Records = request.param(tmp_path)
    yield opened
    opened.close()  # type: ignore[attr-defined]


def stored(
    records: Records, at: datetime, *, tiers: tuple[str, ...] = ("online",), plain: int = 1000, before: SetId | None = None
) -> Manifest:
    """Record a set committed in these tiers."""
    previous = Previous(set=before, manifest=copy_of(manifest_at(at)).manifest) if before else None
    manifest = manifest_at(at, plain=plain, previous=previous)
    for tier in tiers:
        records.record_copy(copy_of(manifest, tier=tier), manifest, RUN)
    return manifest


# ---------------------------------------------------------------- sets, copies, proofs


def test_copies_come_back_as_they_went_in_newest_first(records: Records) -> None:
    """Instants keep their zone and their microseconds."""
    old, new = stored(records, ago(days=1)), stored(records, NOW - timedelta(microseconds=1), tiers=("online", "vault"))
    assert records.copies() == [copy_of(new), copy_of(new, tier="vault"), copy_of(old)]
    assert records.copies(SystemName("payroll")) == []
    assert records.manifest(new.set) == new
    assert records.manifest(set_at(ago(days=9))) is None
    newest = records.newest(HMIS)
    assert newest is not None
    assert newest.set == new.set
    assert records.newest(SystemName("payroll")) is None


def test_a_copy_recorded_twice_keeps_what_it_proved(records: Records) -> None:
    """A step repeated after a crash records its copy again, with a later time."""
    manifest = stored(records, ago(days=1))
    records.raise_proof(manifest.set, ONLINE, "proven", ago(hours=1), RUN, {})
    again = copy_of(manifest).model_copy(update={"committed": NOW})
    records.record_copy(again, manifest, RUN)
    assert [(c.level, c.committed) for c in records.copies()] == [("proven", manifest.created)]


def test_proof_only_rises_and_a_fresh_one_renews_its_age(records: Records) -> None:
    """Verifying a proven copy does not make it merely intact; an older proof recorded late renews nothing."""
    manifest = stored(records, ago(days=3))
    for level, hours in (("intact", 20), ("proven", 10), ("intact", 5), ("restored", 8)):
        records.raise_proof(manifest.set, ONLINE, level, ago(hours=hours), RUN, {})
    copy = records.copies()[0]
    assert (copy.level, copy.proven_at, copy.intact_at) == ("proven", ago(hours=10), ago(hours=5))
    records.raise_proof(manifest.set, ONLINE, "proven", ago(hours=1), RUN, {})
    assert records.copies()[0].proven_at == ago(hours=1)


def test_a_proof_of_an_unknown_copy_is_an_error(records: Records) -> None:
    """It would otherwise vanish."""
    with pytest.raises(Failed) as unknown:
        records.raise_proof(set_at(NOW), ONLINE, "intact", NOW, RUN, {})
    assert str(unknown.value) == (
        f"no copy of set {set_at(NOW)} in repository online-disk is in the catalog\n   HINT: `dr backups list` shows those that are"
    )


def test_damage_marks_every_set_that_shares_the_bytes(records: Records) -> None:
    """One bad sector is in every night that linked it; another repository's copy and unshared sets are not touched."""
    first, second, third = (stored(records, ago(days=d), tiers=("online", "vault")) for d in (3, 2, 1))
    shared = [part_of(copy_of(first)), part_of(copy_of(second), origin=first.set), part_of(copy_of(second), 1), part_of(copy_of(third))]
    records.record_parts([*shared, part_of(copy_of(first, tier="vault"))])
    marked = records.mark_damaged(second.set, ONLINE, ["database-00/000000.zst.age"], NOW, RUN)
    assert sorted(marked) == [first.set, second.set]
    assert {(c.set, c.repository) for c in records.copies() if c.damaged} == {(first.set, ONLINE), (second.set, ONLINE)}
    left = [(p.set, p.number) for p in records.parts(HMIS, ONLINE)]
    assert left == [(third.set, 0), (second.set, 1)], "a damaged part must never be reused"
    assert records.mark_damaged(second.set, ONLINE, ["database-00/000000.zst.age"], NOW, RUN) == marked


def test_damage_of_the_manifest_marks_that_copy_alone(records: Records) -> None:
    """No bytes are shared there."""
    first, second = stored(records, ago(days=2)), stored(records, ago(days=1))
    assert records.mark_damaged(first.set, ONLINE, ["manifest.json"], NOW, RUN) == [first.set]
    assert [c.damaged for c in records.copies()] == [False, True]
    assert not [c for c in records.copies() if c.set == second.set and c.damaged]


def test_a_removed_copy_is_gone_and_may_be_made_again(records: Records) -> None:
    """The set's other copy stays; a copy committed later is a new one without the old one's proof."""
    manifest = stored(records, ago(days=2), tiers=("online", "vault"))
    records.raise_proof(manifest.set, ONLINE, "proven", ago(days=1), RUN, {})
    for _ in range(2):
        records.record_removed(manifest.set, ONLINE, ago(hours=2), RUN, "privacy-limit")
    assert [c.repository for c in records.copies()] == [VAULT]
    records.record_copy(copy_of(manifest), manifest, RUN)
    assert len(records.copies()) == 1, "a late repeat of the first commit is not a new copy"
    records.record_copy(copy_of(manifest).model_copy(update={"committed": ago(hours=1)}), manifest, RUN)
    assert [(c.repository, c.level, c.proven_at) for c in records.copies()] == [(ONLINE, "stored", None), (VAULT, "stored", None)]


def test_a_set_of_less_than_half_the_one_before_is_shrunken(records: Records) -> None:
    """In whichever order they are heard of; the half itself is not."""
    first = manifest_at(ago(days=3))
    small = stored(records, ago(days=2), plain=499, before=first.set)
    assert [c.shrunken for c in records.copies()] == [False], "the one before is not known yet"
    stored(records, ago(days=3))
    stored(records, ago(days=1), plain=500, before=first.set)
    assert [(c.set == small.set, c.shrunken) for c in records.copies()] == [(False, False), (True, True), (False, False)]


def test_what_a_run_made_and_removed_is_known_by_the_run(records: Records) -> None:
    """A step that is taken up again after a kill says all that its run did."""
    old, new = stored(records, ago(days=2), tiers=("online", "vault")), stored(records, ago(days=1))
    records.record_removed(old.set, VAULT, NOW, RunId("pruner"), "no-rule-keeps-it")
    assert records.committed_by(RUN) == [(old.set, ONLINE), (new.set, ONLINE)]
    assert records.removed_by(RunId("pruner")) == [(old.set, VAULT, "no-rule-keeps-it")]
    assert (records.committed_by(RunId("other")), records.removed_by(RUN)) == ([], [])


def test_a_pin_counts_only_while_its_run_is_running(records: Records) -> None:
    """A drill that ended, or was never begun, holds nothing back."""
    manifest = stored(records, ago(days=1))
    records.begin_run(run_at(), plan_of())
    records.pin(manifest.set, RUN)
    records.pin(manifest.set, RUN)
    records.pin(manifest.set, RunId("never-began"))
    assert records.copies()[0].pinned_by == RUN
    records.end_run(RUN, "done", None, NOW)
    assert records.copies()[0].pinned_by is None


def test_an_unpinned_set_is_free_again(records: Records) -> None:
    """Before the run ends."""
    manifest = stored(records, ago(days=1))
    records.begin_run(run_at(), plan_of())
    records.pin(manifest.set, RUN)
    records.unpin(RUN)
    assert records.copies()[0].pinned_by is None


def test_shared_bytes_count_once_as_proven_copies(records: Records) -> None:
    """Three proven sets that share parts on one disk are one copy to a bad disk; the vault's are others; damage counts none."""
    sets = [stored(records, ago(days=d), tiers=("online", "vault")) for d in (3, 2, 1)]
    for manifest in sets:
        for repository in (ONLINE, VAULT):
            records.raise_proof(manifest.set, repository, "proven", NOW, RUN, {})
    assert records.distinct_proven(HMIS) == 6
    first, second, third = sets
    records.record_parts([part_of(copy_of(first)), part_of(copy_of(second), origin=first.set), part_of(copy_of(second), 1)])
    records.record_parts([part_of(copy_of(third), 1, origin=second.set)])
    assert records.distinct_proven(HMIS) == 4
    records.mark_damaged(first.set, VAULT, ["manifest.json"], NOW, RUN)
    assert records.distinct_proven(HMIS) == 3


# ---------------------------------------------------------------- parts


def test_reading_a_part_back_is_known_of_all_that_share_it(records: Records) -> None:
    """Reuse asks when the bytes were last read, whichever set they were read for; an older reading recorded late changes nothing."""
    first, second = stored(records, ago(days=2)), stored(records, ago(days=1))
    own = part_of(copy_of(second), 1)
    records.record_parts([part_of(copy_of(first)), part_of(copy_of(second), origin=first.set), own])
    records.record_parts([own.model_copy(update={"read_back": NOW})])
    records.record_read_back(ONLINE, second.set, [("database-00", 0)], ago(hours=1))
    records.record_read_back(ONLINE, first.set, [("database-00", 0)], ago(hours=9))
    read = {(p.set, p.number): p.read_back for p in records.parts(HMIS, ONLINE)}
    assert read == {(first.set, 0): ago(hours=1), (second.set, 0): ago(hours=1), (second.set, 1): None}
    assert [p.number for p in records.parts(HMIS, ONLINE, second.set)] == [0, 1]


def test_what_was_ever_committed_stays_known(records: Records) -> None:
    """A removed copy is known to have been removed, and why: what is missing is then told from what was pruned."""
    first = stored(records, ago(days=2), tiers=("online", "vault"))
    second = stored(records, ago(days=1), before=first.set)
    records.record_removed(first.set, ONLINE, NOW, RUN, "keep_within")
    known = {(k.set, k.repository): k for k in records.known_copies(HMIS)}
    assert [k.set for k in records.known_copies(HMIS)] == [first.set, first.set, second.set]
    assert (known[first.set, ONLINE].removed, known[first.set, ONLINE].rule) == (NOW, "keep_within")
    assert known[first.set, VAULT].removed is None
    assert known[second.set, ONLINE].previous == second.previous
    assert records.known_copies(SystemName("another")) == []


def test_when_each_part_was_read_is_remembered_damaged_or_not(records: Records) -> None:
    """What is read next is what was read longest ago, and a damaged part has its turn like any other."""
    manifest = stored(records, ago(days=1))
    copy = copy_of(manifest)
    records.record_parts([part_of(copy, 0), part_of(copy, 1)])
    records.record_read_back(ONLINE, manifest.set, [("database-00", 0)], NOW)
    records.mark_damaged(manifest.set, ONLINE, ["database-00/000001.zst.age"], NOW, RUN)
    reads = [(r.number, r.read_back, r.damaged) for r in records.part_reads(HMIS, ONLINE)]
    assert reads == [(0, NOW, False), (1, None, True)]
    assert records.part_reads(HMIS, VAULT) == []
    records.record_removed(manifest.set, ONLINE, NOW, RUN, "lost")
    assert records.part_reads(HMIS, ONLINE) == []


def test_parts_of_a_removed_copy_cannot_be_reused(records: Records) -> None:
    """They are gone from the disk."""
    manifest = stored(records, ago(days=2))
    records.record_parts([part_of(copy_of(manifest))])
    records.record_removed(manifest.set, ONLINE, NOW, RUN, "rule")
    assert records.parts(HMIS, ONLINE) == []


# ---------------------------------------------------------------- findings


def found(key: str, at: datetime, *, severity: Severity = "warning", system: SystemName | None = HMIS, run: RunId = RUN) -> Finding:
    return Finding(key=key, severity=severity, system=system, message=f"{key} at {at:%H:%M}", run=run, at=at)


def test_a_finding_is_one_open_row_however_often_it_is_seen(records: Records) -> None:
    """`at` stays when it was first seen; the words are the latest."""
    for hours in (3, 2, 2, 5):
        records.finding(found("missing-copy:hmis:a", ago(hours=hours)))
    assert records.open_findings() == [found("missing-copy:hmis:a", ago(hours=2)).model_copy(update={"at": ago(hours=3)})]


def test_closing_by_prefix_spares_what_is_still_found(records: Records) -> None:
    """The prefix is text, not a pattern; other runs' newer sightings stay open."""
    for key in ("damaged:hmis:a", "damaged:hmis:b", "damaged_hmis:a", "other:hmis"):
        records.finding(found(key, ago(hours=2)))
    records.finding(found("damaged:hmis:newer", NOW))
    records.close_findings("damaged:", ["damaged:hmis:b"], ago(hours=1), RUN)
    assert [f.key for f in records.open_findings()] == ["damaged:hmis:b", "damaged_hmis:a", "other:hmis", "damaged:hmis:newer"]


def test_one_finding_is_closed_by_its_whole_key(records: Records) -> None:
    """A name may begin another's: what is settled for one of the two is not for the other. What was seen later stays open."""
    for key in ("ping-failed:night", "ping-failed:nightly", "ping-failed:nightly-2"):
        records.finding(found(key, ago(hours=2)))
    records.finding(found("ping-failed:new", NOW))
    for key in ("ping-failed:nightly", "ping-failed:new", "ping-failed:"):
        records.close_finding(key, ago(hours=1), RUN)
    assert [f.key for f in records.open_findings()] == ["ping-failed:night", "ping-failed:nightly-2", "ping-failed:new"]
    records.finding(found("ping-failed:nightly", ago(hours=1)))
    assert "ping-failed:nightly" in [f.key for f in records.open_findings()]


def test_a_closed_finding_opens_again_only_when_it_is_seen_again(records: Records) -> None:
    """A repeat of the step that had found it, after a crash, is no new sighting."""
    records.finding(found("k:1", ago(hours=3)))
    records.close_findings("k:", [], ago(hours=2), RUN)
    records.finding(found("k:1", ago(hours=3)))
    assert records.open_findings() == []
    records.finding(found("k:1", ago(hours=1)))
    assert [f.at for f in records.open_findings()] == [ago(hours=1)]


def test_findings_are_gravest_first_and_a_systems_include_those_of_none(records: Records) -> None:
    """What concerns no system concerns all."""
    records.finding(found("a", ago(hours=3), severity="info"))
    records.finding(found("b", ago(hours=2), severity="critical", system=None))
    records.finding(found("c", ago(hours=1), system=SystemName("payroll")))
    assert [f.key for f in records.open_findings()] == ["b", "c", "a"]
    assert [f.key for f in records.open_findings(HMIS)] == ["b", "a"]


# ---------------------------------------------------------------- hosts


def test_production_is_refreshed_by_place(records: Records) -> None:
    """A re-made data directory replaces its own facts; another place is another row; old news changes nothing."""
    place = ProductionFacts(
        host=HostName("production"), system=HMIS, recorded=ago(days=1), data_directory="/pg", device=1, inode=2, port=5432
    )
    files = ProductionFacts(
        host=HostName("production"), system=HMIS, recorded=ago(days=1), paths=({"path": "/site", "device": 1, "inode": 9},)
    )
    newer = place.model_copy(update={"recorded": NOW, "inode": 3, "system_identifier": "7"})
    for facts in (place, files, newer, place):
        records.record_production(facts)
    assert records.production() == [files, newer]


def test_a_hosts_newest_state_counts(records: Records) -> None:
    """A late repeat of `claimed` does not hide that it was scrubbed."""
    adopted = HostState(host=HostName("standby"), state="adopted", run=RUN, set=set_at(NOW), since=ago(hours=2))
    clean = HostState(host=HostName("standby"), state="clean", run=RUN, since=ago(hours=1))
    for state in (adopted, clean, adopted):
        records.record_host(state)
    assert records.hosts() == [clean]


# ---------------------------------------------------------------- runs


def test_a_resumed_run_begins_once_and_ends_once(records: Records) -> None:
    """The clock of recognition is the first start; the end is the first end."""
    records.begin_run(run_at(ago(hours=2)), plan_of())
    records.begin_run(run_at(NOW), plan_of())
    assert records.run(RUN) == run_at(ago(hours=2))
    assert records.plan(RUN) == plan_of()
    for hours in (1, 0):
        records.end_run(RUN, "failed", "FAIL", ago(hours=hours))
    records.begin_run(run_at(NOW), plan_of())
    ended = records.run(RUN)
    assert ended == run_at(ago(hours=2)).model_copy(update={"state": "failed", "verdict": "FAIL", "ended": ago(hours=1)})
    assert (records.run(RunId("none")), records.plan(RunId("none"))) == (None, None)


def test_an_unknown_run_cannot_end_or_have_steps(records: Records) -> None:
    """Both would be facts about nothing."""
    with pytest.raises(Failed) as end:
        records.end_run(RUN, "done", None, NOW)
    assert str(end.value) == f"run {RUN} is not in the catalog\n   HINT: `dr runs list` shows those that are"
    with pytest.raises(Failed) as step:
        records.record_step(step_of())
    assert str(step.value) == f"run {RUN} is not in the catalog\n   HINT: a run begins before its steps"


def test_runs_are_listed_newest_first_by_what_was_asked(records: Records) -> None:
    """Each filter, and the limit."""
    for number, (runbook, kind) in enumerate((("nightly", "backup"), ("drill-online", "drill"), ("nightly", "backup"))):
        records.begin_run(run_at(ago(hours=9 - number), run=RunId(f"r{number}"), runbook=runbook, kind=kind), plan_of())
    assert [r.run for r in records.runs()] == ["r2", "r1", "r0"]
    assert [r.run for r in records.runs(limit=1)] == ["r2"]
    assert [r.run for r in records.runs(runbook="nightly")] == ["r2", "r0"]
    assert [r.run for r in records.runs(kind="drill", system=HMIS)] == ["r1"]
    assert records.runs(system=SystemName("payroll")) == []


def test_a_later_attempt_replaces_a_step_and_an_earlier_one_does_not(records: Records) -> None:
    """Steps stay in the order in which they began."""
    records.begin_run(run_at(), plan_of())
    failed = step_of(state="failed", failure=Failure(error="Failed", exit_code=1, message="m"))
    for step in (step_of(state="running"), failed, step_of("verify"), step_of(state="running", attempt=2), step_of(attempt=2), failed):
        records.record_step(step)
    assert records.steps(RUN) == [step_of(attempt=2), step_of("verify")]


def test_a_repeat_after_a_crash_does_not_undo_an_end(records: Records) -> None:
    """The same attempt is started again: until it ends again, its recorded end stands, then its new facts."""
    records.begin_run(run_at(), plan_of())
    records.record_step(step_of(facts={"bytes": 1}))
    records.record_step(step_of(state="running"))
    assert records.steps(RUN) == [step_of(facts={"bytes": 1})]
    records.record_step(step_of(facts={"bytes": 2}))
    assert records.steps(RUN) == [step_of(facts={"bytes": 2})]


def test_drills_are_read_from_runs_and_their_steps(records: Records) -> None:
    """Finished ones only; without a verdict a drill is incomplete, without a report it has no RTO."""
    for number, verdict in enumerate(("PASS", None, None)):
        run = RunId(f"drill-{number}")
        records.begin_run(run_at(ago(hours=9 - number), run=run, kind="drill", tier="online"), plan_of("drill-online", "drill"))
        if number < 2:
            records.end_run(run, "done" if verdict else "cancelled", verdict, ago(hours=8 - number))
    for name, facts in (("select-backup", {"set": set_at(NOW)}), ("report", {"rto_seconds": 61.5})):
        records.record_step(step_of(name, run=RunId("drill-0"), facts=facts))
    incomplete, passed = drill_facts(records, HMIS)
    assert (incomplete.run, incomplete.verdict, incomplete.rto) == ("drill-1", "INCOMPLETE", None)
    assert (passed.verdict, passed.rto, passed.set, passed.tier, passed.ended) == ("PASS", 61.5, set_at(NOW), "online", ago(hours=8))


# ---------------------------------------------------------------- notices, audit, settings


def owed(state: NoticeState = "owed") -> Notice:
    return Notice(id="n1", to="admins", template="t", subject="s", body="b", severity="critical", state=state, created=NOW)


def test_a_notice_owed_again_says_how_often(records: Records) -> None:
    """What may have been sent before a crash is a repeat, what was never begun is none; what was delivered is not owed again."""
    assert [records.owe(owed()) for _ in range(2)] == [owed(), owed()]
    records.record_delivery(owed().model_copy(update={"begun": ("anna",)}))
    assert [records.owe(owed()).repeated for _ in range(2)] == [1, 2]
    delivery = Delivery(contact="anna", channel=0, scheme="mailto", state="delivered", attempt=3, at=NOW)
    delivered = owed("delivered").model_copy(update={"repeated": 2, "deliveries": (delivery,)})
    records.record_delivery(delivered)
    assert records.owe(owed()) == delivered
    records.record_delivery(owed("failed"))
    assert records.notices() == [delivered], "a late repeat does not undo a delivery"


def test_notices_come_newest_first(records: Records) -> None:
    """And no more than were asked for."""
    for number in range(3):
        records.owe(owed().model_copy(update={"id": f"n{number}", "created": ago(hours=number)}))
    assert [n.id for n in records.notices(limit=2)] == ["n0", "n1"]


def test_each_audit_entry_follows_the_one_before(records: Records) -> None:
    """The head moves with every entry and depends on all of them."""
    empty = records.audit_head()
    assert (empty.seq, empty.hash) == (0, "0" * 64)
    first = records.audit("copy.committed", "online/x", {"stored": 1}, actor="nightly", at=NOW)
    second = records.audit("copy.committed", "online/x", {"stored": 1}, actor="nightly", at=NOW)
    assert (first.seq, second.seq) == (1, 2)
    assert first.hash != second.hash
    assert records.audit_head() == second
    assert records.audit_hashes([2, 1, 7]) == {1: first.hash, 2: second.hash}, "one that the log does not have is left out"


def test_settings_are_kept_and_replaced(records: Records) -> None:
    """Unset is None."""
    assert records.setting("expiry") is None
    for value in ("off", "on"):
        records.set_setting("expiry", value)
    assert records.setting("expiry") == "on"


def test_a_snapshot_is_whole_and_stays_as_it_was(records: Records, tmp_path: Path) -> None:
    """What is stored with the home: a catalog that opens, of one moment, whatever is written meanwhile."""
    records.audit("before", "x", {}, actor="a test", at=NOW)
    copy = tmp_path / "snapshot.db"
    records.snapshot(HostPath(str(copy)))
    records.audit("after", "x", {}, actor="a test", at=NOW)
    with open_catalog(copy, FixedClock(NOW)) as taken:
        assert [entry.event for entry in taken.audit_entries()] == ["before"]
    assert copy.stat().st_mode & 0o777 == 0o600


def summary_of(manifest: Manifest) -> SetSummary:
    return SetSummary(set=manifest.set, system=HMIS, artifacts=())


def test_what_a_set_held_is_compared_with_the_newest_that_is_good(records: Records) -> None:
    """A marked set is no baseline until a person accepts it; one that was never committed is none; the oldest or the accepted is known."""
    first, second, third, fourth = (stored(records, ago(days=days)) for days in (4, 3, 2, 1))
    for manifest in (first, second, third, fourth, manifest_at(ago(days=2.5))):
        records.record_summary(summary_of(manifest))
    records.mark_shrunken(third.set, ["emptied:db:hmis"], ago(days=2), RUN)
    records.raise_proof(first.set, ONLINE, "proven", ago(days=3), RUN, {})
    found = records.baselines(HMIS, fourth.set)
    assert [s.set if s else "" for s in (found.good, found.proven, found.known)] == [second.set, first.set, first.set]
    assert [c.set for c in records.copies() if c.shrunken] == [third.set]
    records.accept_shrunken(third.set, "rosa", "archived", NOW)
    records.mark_shrunken(third.set, ["emptied:db:hmis"], NOW, RUN)
    found = records.baselines(HMIS, fourth.set)
    assert [s.set if s else "" for s in (found.good, found.known)] == [third.set, third.set]
    assert [c.set for c in records.copies() if c.shrunken] == []
    mark = records.shrinkage(third.set)
    assert mark is not None
    assert (mark.causes, mark.accepted_by, mark.reason) == (("emptied:db:hmis",), "rosa", "archived")


def test_readings_are_kept_and_forgotten_but_never_the_newest(records: Records) -> None:
    """Whoever asks how a thing stands is told by the newest look, however old; one look is on record once."""
    for probe, days, state in (
        ("raid", 40, "whole"),
        ("raid", 2, "degraded"),
        ("raid", 1, "degraded"),
        ("ups", 60, "unknown"),
        ("ups", 50, "absent"),
    ):
        at, one = (
            ago(days=days),
            Reading.from_facts({"state": state, "halves": [{"name": "a", "state": state}], "figures": {"free:/": 1.5}}),
        )
        for _ in range(2):
            records.record_reading(KeptReading(probe=probe, at=at, since=ago(days=60), reading=one, run=RUN))
    assert [(kept.at, kept.reading.state) for kept in records.readings("raid", limit=2)] == [
        (ago(days=1), "degraded"),
        (ago(days=2), "degraded"),
    ]
    assert {probe: kept.at for probe, kept in records.latest_readings().items()} == {"raid": ago(days=1), "ups": ago(days=50)}
    assert records.readings("nothing") == []
    assert records.prune_readings(ago(days=35)) == 2
    assert [len(records.readings(probe)) for probe in ("raid", "ups")] == [2, 1]
    assert records.latest_readings()["ups"].reading.figures == {"free:/": 1.5}
