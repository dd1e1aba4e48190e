"""Promise 1: kill it anywhere in a nightly, a drill or a notice, and it resumes to what an undisturbed run would have left.

One run is killed at one point after another, in the order in which they are reached, and taken up again with `dr runs resume`. The
points come from `failpoint_names()`, so a new one fails these tests until it is in a list below.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from dr.app import failpoint_names
from dr.catalog.audit import verify_chain
from dr.demo.homefiles import recall
from dr.policy.still import TAKEN_UP
from tests.support.catalog_mailbox import Mailbox, mailbox
from tests.support.main_job import KILLED, Home, demo_home

pytestmark = [pytest.mark.fault, pytest.mark.slow]

NIGHTLY = (
    "engine.after-begin",
    "engine.before-launch",
    "backup.before-effect",
    "backup.after-part",
    "backup.before-manifest",
    "backup.between-commits",
    "backup.after-effect",
    "backup.after-record",
    "engine.after-step",
    "verify.before-effect",
    "verify.after-effect",
    "verify.after-record",
    "copy.before-effect",
    "copy.after-publish",
    "copy.after-effect",
    "copy.after-record",
    "canary.before-effect",
    "canary.after-effect",
    "canary.after-record",
    "forecast.before-effect",
    "forecast.after-effect",
    "forecast.after-record",
    "prune.before-effect",
    "prune.after-tombstone",
    "prune.after-manifest",
    "prune.after-parts",
    "prune.after-effect",
    "prune.after-record",
    "save-home.before-effect",
    "save-home.after-part",
    "save-home.before-manifest",
    "save-home.after-publish",
    "save-home.after-effect",
    "save-home.after-record",
    "report.before-effect",
    "report.after-effect",
    "report.after-record",
    "engine.before-end",
    "engine.after-end",
)
DRILL = (
    "engine.after-begin",
    "engine.before-launch",
    "select-backup.before-effect",
    "select-backup.after-effect",
    "select-backup.after-record",
    "engine.after-step",
    "restore.before-effect",
    "restore.after-claim",
    "restore.after-source",
    "restore.after-load",
    "restore.after-adopt",
    "restore.after-effect",
    "restore.after-record",
    "check.before-effect",
    "check.after-effect",
    "check.after-record",
    "replay-suppressions.before-effect",
    "replay-suppressions.before-replay",
    "replay-suppressions.after-replay",
    "replay-suppressions.after-effect",
    "replay-suppressions.after-record",
    "scrub.before-effect",
    "scrub.after-removal",
    "scrub.after-effect",
    "scrub.after-record",
    "report.before-effect",
    "report.after-effect",
    "report.after-record",
    "engine.before-end",
    "engine.after-end",
)
TELLING = (
    "command.before-effect",
    "command.after-effect",
    "command.after-record",
    "probe.before-effect",
    "probe.after-effect",
    "probe.after-record",
    "notify.before-effect",
    "notify.after-send",
    "notify.after-effect",
    "notify.after-record",
)
TELLING_RUNBOOK = """\
runbook: telling
title: A run that fails and must tell somebody
kind: maintenance
steps:
  - {id: works, action: command, with: {host: production, argv: ["true"]}}
  - {id: asks, action: probe, with: {checks: [{check: tcp-answers, with: {host: 127.0.0.1, port: PORT}}]}}
  - {id: breaks, action: command, with: {host: production, argv: ["false"]}}
on_failure:
  - {action: notify, with: {to: administrators, template: nightly-failed, severity: critical}}
"""
SUPPRESSION = "suppression: {source: database, database: hmis, erase: inventory/erase.sql}"
REPLAY = """\
  - id: replay
    action: replay-suppressions
    with: {system: "${parameters.system}", host: "${parameters.standby}", set: "${steps.select.set}"}
on_failure:"""
OF_OUTAGES = ("keep-told", *(f"outage-{act}" for act in ("declare", "update", "assign", "resolve", "review", "dismiss")))
OF_WATCHES = ("watch-redundancy", "detect-outages")
OF_DUTIES = ("reassign-duties", "await-acceptances", *(f"office-{act}" for act in ("accept", "refuse", "works", "back", "give")))
OF_INCIDENTS = tuple(f"incident-{act}" for act in ("open", "note", "close"))
ELSEWHERE = (
    *("approve", "home-restore", "keys-rotate", "open", "rebuild", "service", "swap-in"),
    *(*OF_OUTAGES, *OF_INCIDENTS, *OF_WATCHES, *OF_DUTIES),
)
"""What neither a nightly, a drill nor a notice reaches: shot in tests of their own."""
REPOSITORIES = ("bank-vault", "fileserver")


@dataclass(frozen=True)
class Ended:
    """What a run left: what must be equal whether it was killed or not."""

    runbook: str
    verdict: str | None
    steps: list[tuple[str, str]]
    results: list[Any]
    published: dict[str, int]
    removed: dict[str, int]
    audited: Counter[str]
    standby: list[str]
    staging: list[str]
    levels: list[tuple[int, str, str]]


@dataclass
class Before:
    """What was there before a run: what it did is the difference."""

    home: Home
    sets: dict[str, list[str]] = field(init=False)
    tombstones: dict[str, list[str]] = field(init=False)
    seq: int = field(init=False)

    def __post_init__(self) -> None:
        self.sets = {name: self.home.sets(name) for name in REPOSITORIES}
        self.tombstones = {name: self.home.tombstones(name) for name in REPOSITORIES}
        self.seq = len(self.home.audit())

    def published(self, repository: str) -> list[str]:
        return sorted(set(self.home.sets(repository)) - set(self.sets[repository]))

    def removed(self, repository: str) -> list[str]:
        return sorted(set(self.sets[repository]) - set(self.home.sets(repository)))

    def buried(self, repository: str) -> list[str]:
        counted = Counter(self.home.tombstones(repository)) - Counter(self.tombstones[repository])
        return sorted(counted.elements())

    def audited(self, event: str) -> list[str]:
        """Subjects of an event, each once: a step that is taken up again may note it again."""
        return sorted({e.subject for e in self.home.audit()[self.seq :] if e.event == event})

    def ended(self, runbook: str) -> Ended:
        home = self.home
        with home.catalog() as catalog:
            record = catalog.runs(runbook=runbook, limit=1)[0]
            steps = catalog.steps(record.run)
            hosts = [f"{h.host}: {h.state}" for h in catalog.hosts()]
        known = {(event.event, event.subject) for event in home.audit()[self.seq :]}
        order = sorted({s for s, _ in home.levels()})
        return Ended(
            runbook,
            record.verdict,
            sorted((str(s.step), s.state) for s in steps),
            [_result(s.action, s.facts) for s in steps],
            {name: len(self.published(name)) for name in REPOSITORIES},
            {name: len(self.removed(name)) for name in REPOSITORIES},
            Counter(event for event, _ in known if event != TAKEN_UP),  # that it was, is what the undisturbed one lacks
            [*hosts, *home.drills()],
            home.staging(),
            sorted((order.index(s), repository, level) for (s, repository), level in home.levels().items()),
        )


def _result(action: str, facts: dict[str, Any]) -> Any:
    """What a step's facts say, without names, sizes and times that differ from one run to the next."""
    if action == "check":
        kept = ("check", "passed", "examined", "artifacts", "differences", "unproven")
        return [{key: result.get(key) for key in kept} for result in facts["results"]]
    if action == "prune":
        return sorted((r["repository"], r["rule"]) for r in facts["removed"]), facts["frozen"], facts["needs_person"]
    if action == "copy":
        return len(facts["copied"])
    if action == "scrub":
        return facts["certificate"]["found"], facts["certificate"]["canaries"]
    return None


class Gallery:
    """Shoots runs, and keeps count."""

    def __init__(self, home: Home, log: Path) -> None:
        self.home, self.log = home, log
        self.died: list[str] = []

    def shoot(self, runbook: str, points: Sequence[str], *, expect: int = 0) -> Ended:
        """One run, killed at each point in turn, then taken up a last time."""
        before = Before(self.home)
        words = ["run", runbook]
        for point in points:
            done = self.home.dr(*words, env={"DR_FAILPOINT": point, "DR_FAILPOINT_LOG": str(self.log)}, expect=None)
            assert done.returncode == KILLED, f"{runbook} was not killed at {point}: {done}"
            assert self.log.read_text().splitlines()[-1] == point
            self.died.append(point)
            words = ["runs", "resume"]
        self.home.dr(*words, expect=expect)
        assert self.home.dr("runs", "resume").stderr == "no run is interrupted\n"
        return before.ended(runbook)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("killed")) / "home") as made:
        made.rewrite("inventory/systems.yaml", "keep_within: 24h ", "keep_last: 3 ")
        made.rewrite("inventory/systems.yaml", "keep_within: 30d", "keep_last: 3")
        (made.path / "runbooks" / "telling.yaml").write_text(TELLING_RUNBOOK.replace("PORT", str(recall(made.path).production)))
        _with_requests(made)
        for _ in range(3):
            made.dr("run", "nightly")
        made.dr("suppress", "add", "hmis", "--kind", "erase", "--key-file", str(made.path / "request.txt"))
        yield made


def _with_requests(home: Home) -> None:
    """A system that replays what was asked, and a drill that does."""
    home.rewrite("inventory/systems.yaml", "    runbooks:", f"    {SUPPRESSION}\n    runbooks:")
    home.rewrite("runbooks/drill-online.yaml", "on_failure:", REPLAY)
    (home.path / "inventory" / "erase.sql").write_text('UPDATE "Client" SET "SSN" = NULL WHERE "PersonalID" = :key AND "SSN" IS NOT NULL;')
    (home.path / "request.txt").write_text("C0000001\n")
    home.dr("suppress", "begin", "hmis")


@pytest.fixture(scope="module")
def gallery(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    return Gallery(home, tmp_path_factory.mktemp("log") / "fired")


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with mailbox() as opened:
        yield opened


def night_without_the_vault(home: Home) -> str:
    """Leaves a set that has no copy in the vault, so that the next nightly has one to make."""
    vault = home.repository("bank-vault")
    vault.rename(vault.with_name("away"))
    home.dr("run", "nightly", expect=5)
    vault.with_name("away").rename(vault)
    return home.sets("fileserver")[-1]


def test_every_failpoint_is_shot_by_a_test_of_this_file() -> None:
    """A new verb or point brings its name; nobody may forget to shoot it."""
    assert sorted({*NIGHTLY, *DRILL, *TELLING}) == _ours()


def _ours() -> list[str]:
    return sorted(name for name in failpoint_names() if name.split(".")[0] not in ELSEWHERE)


@pytest.mark.campaign
def test_a_nightly_killed_at_every_failpoint_ends_as_an_undisturbed_one(home: Home, gallery: Gallery) -> None:
    """One set published in both tiers, one missing copy made, two sets removed from each tier; none lost, none doubled."""
    missing = night_without_the_vault(home)
    oldest = home.sets("fileserver")[:2]
    before = Before(home)
    shot = gallery.shoot("nightly", NIGHTLY)
    published = before.published("fileserver")

    assert len(published) == 1, f"lost or doubled: {published}"
    assert before.published("bank-vault") == sorted([missing, *published])
    for set_id in (missing, *published):
        both = [home.folder(name, set_id) for name in REPOSITORIES]
        assert [len({(place / file).read_bytes() for place in both}) for file in ("manifest.json", "manifest.sig")] == [1, 1]
    for name in REPOSITORIES:
        assert (before.removed(name), before.buried(name)) == (oldest, oldest)
        assert not any(home.folder(name, set_id).exists() for set_id in oldest)
        assert {s for s, r in home.levels() if r == name} == set(home.sets(name)), "catalog and disk agree"
        assert not [p for p in home.repository(name).rglob("*") if "partial" in p.name and any(p.iterdir())]
    committed = [f"fileserver/{published[0]}", f"bank-vault/{published[0]}", f"bank-vault/{missing}"]
    assert before.audited("copy.committed") == sorted(committed)
    assert before.audited("copy.removed") == sorted(f"{name}/{set_id}" for name in REPOSITORIES for set_id in oldest)
    home.dr("backups", "verify", "hmis")

    night_without_the_vault(home)
    again = Before(home)
    home.dr("run", "nightly")
    assert shot == again.ended("nightly")


@pytest.mark.campaign
def test_a_drill_killed_at_every_failpoint_ends_as_an_undisturbed_one(home: Home, gallery: Gallery) -> None:
    """One adoption, the copy proven, the standby clean."""
    before = Before(home)
    shot = gallery.shoot("drill-online", DRILL)
    run, newest = home.last_run("drill-online"), home.sets("fileserver")[-1]

    assert shot.verdict == "PASS"
    assert before.audited("restore.adopted") == [f"standby/{newest}"]
    assert before.audited("copy.proven") == [f"fileserver/{newest}"]
    assert before.audited("standby.scrubbed") == ["standby"]
    with home.catalog() as catalog:
        assert [r.run for r in catalog.runs(runbook="drill-online")] == [run], "one run, however often it was taken up"
    assert home.levels()[newest, "fileserver"] == "proven"
    assert (home.drills(), home.staging()) == ([], [])
    assert all(line["ok"] for lines in home.json("hosts", "check").values() for line in lines)
    home.dr("report", "verify", str(home.path / "evidence" / f"{run}.json"))

    again = Before(home)
    home.dr("run", "drill-online")
    assert shot == again.ended("drill-online")


def test_a_notice_killed_at_every_failpoint_reaches_everybody_and_marks_its_repeats(home: Home, gallery: Gallery, box: Mailbox) -> None:
    """At least once, and whoever is told twice can see that it is the same."""
    for name in ("system-administrator", "help-desk-lead"):
        (home.path / "keys" / f"notify-{name}.url").write_text(box.url(name) + "\n")
    ended = gallery.shoot("telling", TELLING, expect=1)
    assert ended.verdict == "FAIL"
    told = {name: box.subjects(name) for name in ("system-administrator", "help-desk-lead")}
    first, again = "telling: telling FAILED", "telling: telling FAILED (repeat)"
    for name, subjects in told.items():  # they are told beside each other, so a kill may come before or after either's message left
        assert subjects in ([first], [first, again], [again]), name
    assert any(again in subjects for subjects in told.values()), "whom a kill left in doubt was told once more"
    run = home.last_run("telling")
    assert [notice["state"] for notice in home.json("notices") if notice["run"] == run] == ["delivered"]


@pytest.mark.campaign
def test_the_count(home: Home, gallery: Gallery) -> None:
    """Every point killed a process, by its log and by how the process ended; the audit chain is whole after all of it."""
    assert sorted(set(gallery.died)) == _ours()
    assert set(gallery.log.read_text().split()) >= set(_ours())
    assert len(gallery.died) == len(NIGHTLY) + len(DRILL) + len(TELLING)
    with home.catalog() as catalog:
        assert verify_chain(catalog) is None
    print(f"\n{len(gallery.died)} kills at {len(set(gallery.died))} failpoints: 0 lost, 0 doubled")
