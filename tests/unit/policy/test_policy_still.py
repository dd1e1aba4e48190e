"""When a run lay still: since the last sign of life of who left it, or since what was under way when it was paused was done."""

from datetime import datetime, timedelta

import pytest

from dr.model.base import JsonObject, RunId, StepId, sha256
from dr.model.record import AuditEntry, StepRecord
from dr.policy.still import TAKEN_UP, lay, spoils, still_words, stills, taken_up
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit
RUN = RunId("drill-online-1")


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def entry(event: str, minutes: float, facts: JsonObject | None = None, actor: str = "anna") -> AuditEntry:
    none = sha256(b"")
    return AuditEntry(seq=1, at=after(minutes), actor=actor, event=event, subject=RUN, facts=facts or {}, previous=none, hash=none)


def resumed(since: float, minutes: float) -> AuditEntry:
    return entry(TAKEN_UP, minutes, taken_up(after(since), after(minutes)))


def worked(begins: float, ends: float | None) -> StepRecord:
    return StepRecord(
        run=RUN,
        step=StepId("restore"),
        section="steps",
        action="restore",
        state="done" if ends else "running",
        attempt=1,
        started=after(begins),
        ended=after(ends) if ends else None,
    )


def found(*entries: AuditEntry, steps: tuple[StepRecord, ...] = (), until: float = 100) -> list[tuple[float, float, str]]:
    lying = stills(entries, steps, NOW, after(until))
    return [((s.began - NOW).total_seconds() / 60, (s.ended - NOW).total_seconds() / 60, s.why) for s in lying]


def test_a_run_that_was_left_lay_still_from_its_last_sign_of_life() -> None:
    assert found(resumed(10, 70)) == [(10, 70, "nobody carried it on")]
    assert found(resumed(10, 10.05)) == [], "what died is taken over within seconds: nothing to speak of"
    assert found(resumed(10, 70), until=30) == [(10, 30, "nobody carried it on")], "what came after the first user is not in the clock"


def test_a_pause_begins_when_what_was_under_way_is_done() -> None:
    """A pause lets a step finish: that is no time in which nothing went on."""
    paused, on = entry("run-pause", 10), entry("run-resume", 60)
    assert found(paused, on, steps=(worked(5, 40),)) == [(40, 60, "paused by anna")]
    assert found(paused, on, steps=(worked(5, 9), worked(61, 80))) == [(10, 60, "paused by anna")]
    assert found(paused, on, steps=(worked(5, 75),)) == [], "it worked through all of the pause"
    assert found(paused, until=30) == [(10, 30, "paused by anna")], "still paused"
    assert found(paused, entry("run-cancel", 20)) == [(10, 20, "paused by anna")]


def test_what_was_paused_and_left_as_well_counts_once() -> None:
    lying = found(entry("run-pause", 10), resumed(20, 50), entry("run-resume", 60))
    assert lying == [(10, 60, "paused by anna")]
    later = found(entry("run-pause", 10), resumed(20, 70), entry("run-resume", 60))
    assert sum(ended - began for began, ended, _ in later) == 60


def test_it_is_said_with_its_causes() -> None:
    lying = stills([entry("run-pause", 10), entry("run-resume", 20), resumed(30, 33)], (), NOW, after(100))
    assert still_words(lying) == "lay still for 13 min of it (paused by anna: 10 min; nobody carried it on: 3 min)"
    assert (float(lay(lying)), still_words(())) == (13 * 60, "")


@pytest.mark.positive_control
def test_a_drill_that_ran_through_is_a_measurement() -> None:
    """The twin of what spoils one: seconds of it, or a share of a long one that is nothing."""
    assert spoils(600, 1800)
    assert not spoils(4, 30)
    assert not spoils(60, 4 * 3600)
    assert not spoils(0, 10)
