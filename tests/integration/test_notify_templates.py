"""A message fits a telephone: its first line says what happened, its second what to do; then what failed, since when, what is left."""

from datetime import timedelta
from pathlib import Path

import pytest

from dr.catalog.catalog import open_catalog
from dr.clock import FixedClock
from dr.errors import ConfigError, Failed
from dr.model.base import RunId
from dr.model.record import Failure
from dr.notify.render import Message, render, template_names
from dr.notify.story import tell_story
from tests.support.catalog_copies import NOW, RUN, ago, copy_of, manifest_at
from tests.support.catalog_runs import ZONE, inventory_of, plan_of, run_at, step_of

pytestmark = pytest.mark.integration

NIGHTLY_FAILED = """\
The backup of hmis failed. Mend the cause today, then run `dr run nightly`.

What failed:
- step backup (backup): the database hmis at 127.0.0.1:5432 did not answer
  HINT: is it running? try pg_isready

Since: Fri 20 Nov 2026, 06:00 CST (3 runs in a row).
Last success: Thu 19 Nov 2026, 06:10 CST.

What we still have:
- online: newest proven copy: Thu 19 Nov 2026, 06:00 CST, 3 d old
- vault: no proven copy; newest copy is only stored: Fri 20 Nov 2026, 06:00 CST, 2 d old

What to do next:
1. See it all: dr runs show nightly-20261122T070000Z-1a2b
2. Mend the cause above.
3. Back up again: dr run nightly
4. Until then nothing newer than the above comes back if the system is lost.
"""


def message(tmp_path: Path, template: str, *, note: str = "", failures: int = 1, kind: str = "backup", **report: object) -> Message:
    """As told by a run that came after one success and two failures."""
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        plan = plan_of(kind=kind)
        catalog.begin_run(run_at(ago(days=3), run=RunId("run-3"), state="done", kind=kind), plan)
        for days in (2, 1):
            catalog.begin_run(run_at(ago(days=days), run=RunId(f"run-{days}"), state="failed", kind=kind), plan)
        catalog.begin_run(run_at(kind=kind, tier="online" if kind == "drill" else None), plan)
        cause = Failure(
            error="Unreachable",
            exit_code=5,
            message="the database hmis at 127.0.0.1:5432 did not answer",
            hint="is it running? try pg_isready",
        )
        for number in range(failures):
            catalog.record_step(step_of(f"backup-{number}" if number else "backup", action="backup", state="failed", failure=cause))
        catalog.record_step(step_of("report", facts={"rto_seconds": 723.0, "rpo_seconds": 90000.0, **report}))
        proven, stored = manifest_at(ago(days=3)), manifest_at(ago(days=2))
        catalog.record_copy(copy_of(proven, level="proven"), proven, RUN)
        catalog.record_copy(copy_of(stored, tier="vault"), stored, RUN)
        return render(template, tell_story(inventory_of({"anna": ["ANNA"]}), catalog, RUN, NOW, ZONE, note))


def test_a_failed_nightly_says_what_failed_since_when_what_is_left_and_what_to_do(tmp_path: Path) -> None:
    """The whole text, since a person reads it at five in the morning."""
    told = message(tmp_path, "nightly-failed")
    assert told == Message("hmis: nightly FAILED, 3 runs in a row", NIGHTLY_FAILED)


def test_many_failures_stay_short_and_a_note_comes_last(tmp_path: Path) -> None:
    """Three are told in full, the rest counted."""
    told = message(tmp_path, "nightly-failed", failures=5, note="Call Anna: 608 555 0100")
    assert told.body.count("did not answer") == 3
    assert "- and 2 more\n" in told.body
    assert told.body.endswith("Call Anna: 608 555 0100\n")


def test_a_passed_drill_answers_how_fast_and_how_much(tmp_path: Path) -> None:
    """The subject alone is the answer."""
    told = message(tmp_path, "drill-passed", kind="drill")
    assert told.subject == "hmis: drill nightly (online) passed in 12 min 03 s"
    assert "Back in 12 min 03 s; the objective is 4 h.\nAt most 25 h of work would be lost.\n" in told.body


def test_a_passed_drill_says_what_of_it_was_measured_and_what_declared(tmp_path: Path) -> None:
    said = "measured 12 min 03 s + declared courier 1 h = 1 h 12 min"
    told = message(tmp_path, "drill-passed", kind="drill", rto_total=4323.0, beside=[said])
    assert told.subject.endswith("passed in 1 h 12 min")
    assert "Back in 1 h 12 min; the objective is 4 h.\nMeasured 12 min 03 s + declared courier 1 h = 1 h 12 min.\n" in told.body


def test_a_failed_drill_says_what_is_still_proven(tmp_path: Path) -> None:
    """And how to drill again."""
    told = message(tmp_path, "drill-failed", kind="drill")
    assert told.subject == "hmis: drill nightly (online) FAILED"
    assert "- online: newest proven copy: Thu 19 Nov 2026, 06:00 CST, 3 d old\n" in told.body
    assert "3. Drill again: dr drill hmis --tier online\n" in told.body


def test_a_drill_that_will_be_late_says_what_holds_and_how_to_watch(tmp_path: Path) -> None:
    """While it still goes: whoever reads it can do something yet."""
    told = message(tmp_path, "objective-late", kind="drill", note="the objective of 4 h, which ends Sun 10:00 CST, will be missed")
    assert told.subject == "hmis: nightly (online) will be too late for its objective"
    assert "now: the objective of 4 h, which ends Sun 10:00 CST, will be missed.\n" in told.body
    assert f"1. Watch it: dr runs watch {RUN}\n" in told.body


def test_a_recovered_nightly_says_how_long_it_had_failed(tmp_path: Path) -> None:
    """So that nobody goes on looking for the fault."""
    told = message(tmp_path, "nightly-recovered")
    assert told.subject == "hmis: nightly works again"
    assert "It had failed since Fri 20 Nov 2026, 06:00 CST (2 runs).\n" in told.body


def test_a_system_without_any_copy_is_told_so(tmp_path: Path) -> None:
    """Nothing is a word, not a blank."""
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        catalog.begin_run(run_at(NOW - timedelta(minutes=1)), plan_of())
        told = render("nightly-failed", tell_story(inventory_of({}), catalog, RUN, NOW, ZONE, ""))
    assert told.subject == "hmis: nightly FAILED"
    assert "Last success: never.\n\nWhat we still have:\n- online: nothing\n- vault: nothing\n" in told.body
    assert "- no step says why; the run's record may\n" in told.body


LOST = """\
- internet is LOST: cable lost; fibre lost
- raid (the server's disks) on production is DEGRADED: md0 sdb1 lost (removed)
"""


def test_a_lost_half_says_which_and_what_one_more_failure_means(tmp_path: Path) -> None:
    """The whole text; the gravest is the subject, and the rest is counted."""
    told = message(tmp_path, "redundancy-lost", note=LOST.strip())
    said = "Of what Madison Shelter has two of, this got worse, Sun 22 Nov 2026, 06:00 CST:"
    foot = "DEGRADED: it works on, and one more failure ends it. LOST: no half works now.\nLook: dr redundancy\n"
    assert told == Message("internet is LOST (and 1 more)", f"{said}\n\n{LOST}\n{foot}")


def test_what_is_whole_again_is_told_in_a_line(tmp_path: Path) -> None:
    """Whoever got up for it reads on the telephone that they may lie down."""
    told = message(tmp_path, "redundancy-regained", note="- raid (the server's disks) on production is WHOLE")
    assert told.subject == "Whole again: raid (the server's disks) on production"
    assert "- raid (the server's disks) on production is WHOLE\n" in told.body


def test_an_unknown_template_or_run_is_refused_with_a_hint(tmp_path: Path) -> None:
    """The whole text of both errors."""
    with open_catalog(tmp_path / "catalog.db", FixedClock(NOW)) as catalog:
        with pytest.raises(Failed) as unknown:
            tell_story(inventory_of({}), catalog, RUN, NOW, ZONE, "")
        assert str(unknown.value) == (
            f"run {RUN} is not in the catalog, so nothing can be said of it\n   HINT: `dr runs list` shows those that are"
        )
        catalog.begin_run(run_at(), plan_of())
        story = tell_story(inventory_of({}), catalog, RUN, NOW, ZONE, "")
    with pytest.raises(ConfigError) as missing:
        render("nightly-failled", story)
    assert str(missing.value) == (
        "there is no notice template 'nightly-failled'\n"
        "   HINT: there are: approval-wanted, drill-failed, drill-passed, near-miss, nightly-failed, nightly-found, nightly-recovered, "
        "objective-late, recovered, recovery-begun, recovery-failed, redundancy-lost, redundancy-regained"
    )
    assert all(len(render(name, story).subject) < 80 for name in template_names())
