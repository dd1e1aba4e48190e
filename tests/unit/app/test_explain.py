"""`dr explain`: the plan in words and as a picture, from the files alone."""

from xml.etree import ElementTree

import click
import pytest

from dr.app.explain import Explained, explain
from dr.app.home import App, init_home
from dr.cli.explain import lines
from dr.errors import ConfigError
from dr.model.runbook import Plan, PlannedStep
from dr.report.plan_picture import BOX_HEIGHT, BOX_WIDTH, as_svg, picture, ranks

pytestmark = pytest.mark.unit
BRANCHES = """
runbook: branches
title: Two tiers beside each other & <more>
kind: backup
steps:
  - {id: backup, action: backup, with: {system: hmis, to: [online, vault]}, retry: {attempts: 3, wait: 5m}, timeout: 2h}
  - {id: one, action: verify, with: {system: hmis, tiers: [online], set: "${steps.backup.set}"}, on_error: continue}
  - {id: two, action: verify, needs: [backup], with: {system: hmis, tiers: [vault]}}
  - {id: last, action: prune, needs: [one, two], with: {system: hmis}, when: {value: "${steps.backup.adopted}", equals: false}}
on_failure:
  - {action: notify, with: {to: nobody-yet, template: nightly-failed}}
always:
  - {action: report}
  - {action: notify, only: recovery, with: {to: administrators, template: nightly-failed}}
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    """A home just made: no secret that its inventory names is there."""
    home = tmp_path_factory.mktemp("explain") / "home"
    init_home(str(home), "Harbor", "America/Chicago")
    contacts = home / "inventory" / "contacts.yaml"
    contacts.write_text(contacts.read_text().replace("groups: [management]", "groups: [management, nobody-yet]"))
    (home / "runbooks" / "branches.yaml").write_text(BRANCHES)
    return App.open(str(home))


def said(found: Explained, columns: int = 100) -> list[str]:
    return [click.unstyle(line) for line in lines(found, columns)]


def test_a_drill_in_words(app: App) -> None:
    """Objective, schedule, parameters, budgets; each step with what it is given, in words for what is known only later."""
    text = "\n".join(said(explain(app, "drill-online", {"select": "at 2026-11-01T12:00"})))
    for words in (
        "A drill of hmis from online. Objective: back within 4 h, meant to be 3 h.",
        "Meant for '0 3 * * SUN' (minute hour day month weekday) in America/Chicago.",
        "select=at 2026-11-01T12:00",
        "Its budgets add up to 2 h 30 min, 62 % of the objective.",
        "● restore  restore, writes",
        "set: the set of 'select'; from: the repository of 'select'; onto: standby",
        "budget 2 h, 50 % of the objective",
        "told: System administrator, Help desk lead",
        "In any case, at the end:",
        "● always-1-scrub  scrub, deletes",
    ):
        assert words in text, words


def test_branches_conditions_and_what_is_left_out(app: App) -> None:
    found = explain(app, "branches", {})
    assert [(step.step, step.rank, step.beside) for step in found.steps if step.section == "steps"] == [
        ("backup", 0, False),
        ("one", 1, True),
        ("two", 1, True),
        ("last", 2, False),
    ]
    notes = {step.step: step.notes for step in found.steps}
    assert notes["backup"] == ("tried 3 times at most, 5 min before the second, then doubled, up to 10 min", "ended after 2 h")
    assert notes["one"] == ("if it fails, the rest goes on",)
    assert notes["last"] == ("after one, two", "skipped unless the adopted of 'backup' is false")
    assert notes["on-failure-1-notify"] == ("told: Executive director",)
    assert found.left_out == ("notify (notify): only in a recovery",)
    assert "  ├─● one  verify, changes nothing" in said(found)


@pytest.mark.parametrize("columns", [60, 100])
def test_it_fits_the_screen(app: App, columns: int) -> None:
    for name in app.runbooks:
        assert all(len(part) <= columns for line in said(explain(app, name, {}), columns) for part in line.split("\n"))


def test_programs_get_the_same_as_json(app: App) -> None:
    facts = explain(app, "nightly", {}).to_facts()
    assert facts["runbook"] == "nightly" and facts["steps"][0]["given"] == "system: hmis; to: online, vault" and "svg" not in facts


def test_it_runs_nothing_and_records_nothing(app: App) -> None:
    """No secret is read (none is there), no catalog is begun."""
    before = sorted(app.home.rglob("*"))
    explain(app, "nightly", {})
    assert sorted(app.home.rglob("*")) == before and not (app.home / "state" / "catalog.db").exists()


def test_what_is_unknown_is_said(app: App) -> None:
    with pytest.raises(ConfigError, match="there is no runbook 'nightli'"):
        explain(app, "nightli", {})
    with pytest.raises(ConfigError, match="has no parameter 'x'"):
        explain(app, "nightly", {"x": "1"})


def test_the_picture_is_one_file_with_every_step(app: App) -> None:
    """Well-formed, nothing from elsewhere, text stays text, and the same in words for who cannot see it."""
    svg = explain(app, "branches", {}).svg
    tree = ElementTree.fromstring(svg)
    texts = [element.text or "" for element in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert "Two tiers beside each other & <more>" in texts and {"backup", "one", "two", "last", "always-1-report"} <= set(texts)
    assert "in this order: backup, one, two, last" in (tree.findtext("{http://www.w3.org/2000/svg}desc") or "")
    assert "href" not in svg and "url(" not in svg.replace("url(#tip)", "") and "<script" not in svg


def planned(name: str, *needs: str) -> PlannedStep:
    return PlannedStep.from_facts({"id": name, "section": "steps", "action": "report", "needs": list(needs)})


def plan(*steps: PlannedStep) -> Plan:
    return Plan.from_facts(
        {"runbook": "x", "title": "x", "kind": "backup", "inventory": "0" * 64, "steps": [step.to_facts() for step in steps]}
    )


def test_no_two_boxes_lie_on_each_other_and_arrows_lead_down() -> None:
    """Also where many branches meet."""
    drawn = picture(plan(planned("a"), *(planned(f"b{n}", "a") for n in range(4)), planned("c", "b0", "b3"), planned("d")))
    (band,) = drawn.bands
    assert [[step.id for step in row] for row in ranks((planned("a"), planned("b", "a"), planned("c")))] == [["a", "c"], ["b"]]
    for one in band.boxes:
        assert one.x >= 0 and one.x + BOX_WIDTH <= drawn.width and one.y + BOX_HEIGHT <= drawn.height
        others = [box for box in band.boxes if box is not one]
        assert all(abs(one.x - box.x) >= BOX_WIDTH or abs(one.y - box.y) >= BOX_HEIGHT for box in others)
    assert len(band.arrows) == 6 and all(arrow.y2 > arrow.y1 for arrow in band.arrows)


def test_notes_that_do_not_fit_a_box_are_not_drawn_over_its_edge() -> None:
    """The words have them all; the picture has as many as fit."""
    much = planned("a").model_copy(update={"phase": "the-longest-phase-that-a-plan-can-name", "budget": 60.0, "timeout": 60.0})
    (box,) = picture(plan(much)).bands[0].boxes
    assert box.notes == ("phase the-longest-phase-that-a-plan-can-name", "…")


def test_a_hostile_title_is_text_in_the_picture() -> None:
    """No element, and no character that would make the file unreadable."""
    hostile = plan(planned("a")).model_copy(update={"title": "<script>alert(1)</script> & \x07 \"'"})
    tree = ElementTree.fromstring(as_svg(picture(hostile)))
    assert not list(tree.iter("{http://www.w3.org/2000/svg}script"))
    assert "<script>alert(1)</script> & \\u0007 \"'" in [element.text for element in tree.iter("{http://www.w3.org/2000/svg}text")]


def test_a_circle_does_not_hang_the_drawing() -> None:
    """The loader refuses one; a picture of an old plan must end all the same."""
    drawn = as_svg(picture(plan(planned("a", "b"), planned("b", "a"))))
    assert drawn.count("<rect") == 4


def test_an_empty_list_is_said(app: App) -> None:
    """`allow: ;` is no word: nobody is let in from the network. Who must agree names both ways."""
    text = " ".join(" ".join(said(explain(app, "recover", {}), 300)).split())
    assert "allow: none;" in text
    assert "with a second person's word, or `--alone` and why" in text
