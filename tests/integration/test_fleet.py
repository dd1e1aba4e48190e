"""Judging every system at once is judging each: the statements that read for all leave out nothing that a judgement rests on."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import click
import pytest

from dr.app import App
from dr.app.fleet import judge
from dr.app.glance import of_app
from dr.cli import fleet
from dr.config.init import init_home
from dr.config.inventory import read_folder
from dr.model.backup import LEVELS
from dr.model.base import JsonObject, RunId, SystemName, sha256
from dr.model.readiness import COLOURS, Readiness, Reason
from dr.model.record import Finding, Verdict
from dr.policy.readiness import newest_good
from tests.support.catalog_copies import copy_at, manifest_at
from tests.support.catalog_runs import plan_of, run_at, step_of

pytestmark = pytest.mark.integration
SYSTEMS = 12
TIERS = {"online": "fileserver", "vault": "bank-vault"}
RUNS: tuple[tuple[str, str, str | None], ...] = (
    ("nightly", "backup", None),
    ("drill-online", "drill", "online"),
    ("drill-vault", "drill", "vault"),
)
VERDICTS: tuple[Verdict, ...] = ("PASS", "PASS", "FAIL", "INCOMPLETE")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A home with several systems, spread over two files, and a catalog in which chance wrote what befell each."""
    home = tmp_path_factory.mktemp("fleet") / "home"
    init_home(home, "Many", "America/Chicago")
    written = (home / "inventory" / "systems.yaml").read_text().partition("systems:\n")[2]
    for half in (0, 1):
        names = [f"system-{number}" for number in range(SYSTEMS) if number % 2 == half]
        entries = [written.replace("  hmis:", f"  {name}:").replace("/srv/hmis/site", f"/srv/{name}") for name in names]
        (home / "inventory" / f"systems-{half}.yaml").write_text("systems:\n" + "".join(entries))
    (home / "inventory" / "systems.yaml").unlink()
    for runbook in (home / "runbooks").glob("*.yaml"):
        runbook.write_text(runbook.read_text().replace("default: hmis", "default: system-0"))
    opened = App.open(str(home))
    for number in range(SYSTEMS):
        _befall(opened, SystemName(f"system-{number}"), random.Random(number))
    yield opened
    opened.records.close()


def _befall(app: App, system: SystemName, dice: random.Random) -> None:
    """Some nights with copies of every fate, drills and nightlies of every verdict; the last system has nothing at all."""
    if system == f"system-{SYSTEMS - 1}":
        return
    now, records = app.clock.now(), app.records
    for _ in range(dice.randrange(1, 9)):
        at = now - timedelta(hours=dice.randrange(-1, 24 * 40), seconds=dice.randrange(3000))
        plain = dice.choice((1000, 1000, 400))
        for tier, repository in TIERS.items():
            if dice.random() < 0.8:
                level = dice.choice(LEVELS)
                copy = copy_at(at, level=level, tier=tier, repository=repository, system=system, damaged=dice.random() < 0.2)
                records.record_copy(copy, manifest_at(at, plain=plain, system=system), RunId("r"))
                if dice.random() < 0.15:
                    records.record_removed(copy.set, copy.repository, now, RunId("r"), "no-rule-keeps-it")
    for number in range(dice.randrange(6)):
        for name, kind, of in RUNS:
            run = RunId(f"{name}-{system}-{number}")
            at = now - timedelta(hours=dice.randrange(1, 24 * 40))
            begun = run_at(at, run=run, runbook=name, kind=kind, tier=of, system=system)
            rested = {name: digest for name, digest in app.written.items() if dice.random() < 0.3}
            changed = {name: sha256(b"another") for name in rested if dice.random() < 0.2}
            records.begin_run(begun, plan_of(name, kind).model_copy(update={"rests_on": rested | changed}))
            records.record_step(step_of("backup", run=run, state=dice.choice(("done", "failed"))))
            measured: JsonObject = {"rto_seconds": float(dice.randrange(100, 40_000))} if dice.random() < 0.8 else {"page": "x"}
            if "rto_seconds" in measured and dice.random() < 0.5:  # of a tier that declares something
                measured["rto_total"] = measured["rto_seconds"] + 3600.0
            records.record_step(step_of("report", run=run, action="report", facts=measured))
            if dice.random() < 0.9:
                records.end_run(run, "done", dice.choice(VERDICTS), at + timedelta(minutes=dice.randrange(1, 900)))
    if dice.random() < 0.4:
        records.finding(Finding(key=f"x:{system}", severity="critical", system=system, message=f"of {system}", at=now))


def _judgement(one: Readiness) -> object:
    """All but the words that count seconds, the number of copies and the forecasts."""
    tiers = [(t.tier, t.colour, t.newest, t.level, t.instant, t.proven, t.proven_at, t.drill, _said(t.reasons)) for t in one.tiers]
    return one.colour, _said(one.reasons), tiers


def _said(reasons: Sequence[Reason]) -> list[tuple[str, str]]:
    return [(reason.colour, reason.text.partition(",")[0].partition(" old")[0].partition(" ago")[0]) for reason in reasons]


def test_all_at_once_are_judged_as_each_is(app: App) -> None:
    """Nobody is told READY by the short way whom the long way would warn."""
    many = of_app(app).many
    together = list(judge(many, many.systems, app.clock.now()).values())
    assert [_judgement(one) for one in together] == [_judgement(app.readiness(one.system)) for one in together]
    assert len(together) == SYSTEMS
    assert len({repr(_judgement(one)) for one in together}) > SYSTEMS / 2, "chance made them all alike, which would show nothing"


def test_the_screen_of_many_counts_all_and_names_who_is_not_ready(app: App) -> None:
    """Nobody is missing from the counts, and whoever is at risk is named with a reason, before whoever only needs attention."""
    seen = of_app(app).fleet
    text = [click.unstyle(line) for line in fleet.lines(seen, "UTC", 100)]
    counts = [int(word) for word in text[1].split() if word.isdigit()]
    assert sum(counts) == SYSTEMS
    named = [line.split()[1] for line in text if line.startswith(("  ✖", "  ▲"))]
    colours = {name: app.readiness(name).colour for name in app.inventory.systems}
    assert set(named) == {name for name, colour in colours.items() if colour != "green"}
    shown = [colours[name] for name in named]
    assert shown == sorted(shown, key=COLOURS.index, reverse=True)
    assert f"✖ system-{SYSTEMS - 1}" in "\n".join(text)


def test_few_asked_for_by_name_have_the_facts_that_all_have(app: App) -> None:
    """The statements that read for some leave out nothing that those for all read, and add nobody else's."""
    records, now = app.records, app.clock.now()
    tiers = {(name, tier) for name, entry in app.inventory.systems.items() for tier in (*entry.objectives.tiers, *entry.retention)}
    copies, some = records.judged_copies(tiers, now, now - timedelta(days=2)), sorted(app.inventory.systems)[3:9]
    newest = {name: (newest_good(of, now), {c.set for c in of if c.level == "proven" or c.damaged}) for name, of in copies.items()}
    named = records.judged_copies_of(some, now)
    assert {name: (newest_good(of, now), {c.set for c in of if c.level == "proven" or c.damaged}) for name, of in named.items()} == {
        name: found for name, found in newest.items() if name in some
    }
    assert records.last_drills(some) == {name: found for name, found in records.last_drills().items() if name in some}
    assert records.last_nights(some) == {key: found for key, found in records.last_nights().items() if key[0] in some}


def test_a_name_that_two_files_of_systems_give_is_refused(tmp_path: Path) -> None:
    """Systems may be spread over files; a copy of such a file that was left lying there is still noticed."""
    (tmp_path / "inventory").mkdir()
    for name in ("a", "b"):
        (tmp_path / "inventory" / f"{name}.yaml").write_text("systems:\n  hmis: {title: One}\n")
    _, problems = read_folder(tmp_path)
    assert [str(problem).splitlines()[0] for problem in problems] == ["inventory/b.yaml:2:3: 'hmis' is given by two files"]
