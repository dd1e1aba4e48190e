"""A recovery's runbook is told what is wrong with it at `dr check`; a plan says what it leaves out; the examples are whole."""

import re
from pathlib import Path

import pytest

from dr.config.init import examples, init_home
from dr.config.load import load
from dr.config.loader import read_text
from dr.config.plan import compile_plan
from dr.config.problems import ConfigProblems
from dr.config.recovery import recovery_problems, replay_problems
from dr.config.steps import read_steps
from dr.model.base import Instant
from dr.model.runbook import Declaration, Plan, RunKind
from dr.plugins import kinds
from dr.policy.recovery import unfit
from tests.support.catalog_copies import NOW

pytestmark = pytest.mark.unit
WHOLE = (examples() / "runbooks" / "recover.yaml").read_text()


def told(text: str) -> list[str]:
    root, problems = read_text(text, "runbooks/recover.yaml")
    assert root is not None and not problems
    return [problem.message for problem in recovery_problems(root, read_steps(root))]


@pytest.mark.positive_control
def test_control_the_example_has_nothing_wrong() -> None:
    """Each refusal below is this very text with one thing changed."""
    assert told(WHOLE) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: recovery\n", 'kind: recovery\nschedule: "0 3 * * *"\n', "a recovery is begun by a person, not by a schedule"),
        (
            "{action: scrub, only: drill,",
            "{action: scrub,",
            "step 'always-1-scrub': a recovery must not remove what it brings back",
        ),
        ("second_person: true ", "second_person: false ", "step 'open': opens the system without a second person's word"),
        ("needs: [replay, approval]", "needs: [replay]", "step 'open': opens the system without a second person's word"),
        ("needs: [replay, approval]", "needs: [restore, approval]", "step 'open': opens what nobody has looked at"),
        (
            "  - id: usable  ",
            "  - id: usable\n    needs: [prove]\n    #",
            "step 'open': no probe after it says when a user can work",
        ),
        ("    action: open\n", "    action: command\n", "a recovery that opens nothing brings nothing back"),
        ("kind: recovery\n", "kind: maintenance\n", None),
    ],
)
def test_what_would_go_wrong_on_the_day_is_told_now(old: str, new: str, message: str | None) -> None:
    """One change, one problem; where it is no recovery, `open` is marked for one and is left alone."""
    assert WHOLE.count(old) == 1
    assert told(WHOLE.replace(old, new)) == ([message] if message else [])


def forgotten(text: str, *systems: str) -> list[str]:
    root, problems = read_text(text, "runbooks/recover.yaml")
    assert root is not None and not problems
    return [problem.message for problem in replay_problems(read_steps(root), systems)]


def test_a_system_that_says_how_to_forget_is_not_opened_without_it() -> None:
    """The step stands in the examples; taken out, or not waited for, it is missed at `dr check` as soon as `suppression` is there."""
    bare = WHOLE.replace("needs: [replay, approval]", "needs: [prove, approval]")
    assert forgotten(WHOLE, "hmis") == []
    assert forgotten(bare) == [], "a system that declares nothing may do without"
    assert forgotten(bare, "hmis") == ["step 'open': opens hmis without what was asked to be forgotten since the backup"]
    early = WHOLE.replace("    needs: [prove]                 # of", "    needs: [restore]  # of")
    assert forgotten(early) == ["step 'replay': replays requests on what was not compared with its source yet"]


def test_dr_check_knows_whom_a_runbook_brings_back(home: Path) -> None:
    """The system that names it as its recovery, and the one of its defaults, as of the way back."""
    systems, recover, failback = (
        home / "inventory" / "systems.yaml",
        home / "runbooks" / "recover.yaml",
        home / "runbooks" / "failback.yaml",
    )
    before = {file: file.read_text() for file in (systems, recover, failback)}
    try:
        systems.write_text(before[systems].replace("    # suppression: {", "    suppression: {"))
        load(home, kinds())
        recover.write_text(before[recover].replace("needs: [replay, approval]", "needs: [prove, approval]"))
        failback.write_text(before[failback].replace("  - id: open\n", "  - id: open\n    needs: [prove]\n"))
        with pytest.raises(ConfigProblems) as wrong:
            load(home, kinds())
    finally:
        for file, text in before.items():
            file.write_text(text)
    assert [(p.file, p.message.partition(":")[0]) for p in wrong.value.problems] == [
        ("runbooks/failback.yaml", "step 'open'"),
        ("runbooks/recover.yaml", "step 'open'"),
    ]


def test_only_a_recovery_opens() -> None:
    drill = WHOLE.replace("kind: recovery\n", "kind: drill\n").replace("    action: open\n    only: recovery\n", "    action: open\n")
    assert told(drill) == ["step 'open': opens a system, which only a recovery does"]


_COMMENTED = re.search(r"(?:^  # .*\n)*?(?=^  # - id: move-address)", WHOLE[WHOLE.index("  # - id: files ") :], re.MULTILINE)
assert _COMMENTED is not None
SWAP = re.sub("^  # ", "  ", _COMMENTED[0], flags=re.MULTILINE)
WITH_SWAP = WHOLE.replace(_COMMENTED[0], SWAP)


@pytest.mark.positive_control
def test_control_the_example_of_a_swap_is_right_as_soon_as_it_is_no_comment(home: Path) -> None:
    """Also for the reader of all of its words."""
    assert told(WITH_SWAP) == []
    recover = home / "runbooks" / "recover.yaml"
    before = recover.read_text()
    try:
        recover.write_text(WITH_SWAP)
        assert plan(home, "recovery").steps[-3].action == "swap-in"
        recover.write_text(WITH_SWAP.replace("{site: /srv/hmis/site}", "{site: srv/../site}"))
        with pytest.raises(ConfigProblems, match=r"'srv/\.\./site' is not absolute"):
            load(home, kinds())
    finally:
        recover.write_text(before)


def test_file_sets_take_their_places_in_a_recovery_that_was_opened_and_never_else() -> None:
    """Before that what was restored may yet be scrubbed, and what stands there is somebody's."""
    assert WHOLE.count("  - id: open ") == 1
    early = WHOLE.replace("  - id: open ", f"{SWAP}  - id: open ")
    assert told(early) == ["step 'files': puts file sets in place before the system is opened"]
    drill = WITH_SWAP.replace("kind: recovery\n", "kind: drill\n").replace(SWAP, SWAP.replace("    only: recovery\n", ""))
    assert told(drill) == ["step 'files': puts file sets where applications look for them, which only a recovery does"]


def plan(home: Path, kind: RunKind, alone: str | None = None, runbook: str = "recover") -> Plan:
    loaded = load(home, kinds())
    at: Instant = NOW
    declaration = Declaration(declared=at, reason="it burnt", by="ann", alone=alone or "") if kind == "recovery" else None
    return compile_plan(loaded.runbooks[runbook], loaded.inventory, {}, kinds(), kind, declaration)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("recovery") / "home"
    init_home(place, "Example", "UTC", kinds=kinds())
    return place


def test_one_runbook_is_a_recovery_and_a_drill_and_says_what_it_leaves_out(home: Path) -> None:
    """The same main job: for real without the scrub, as an exercise without all that cannot be taken back."""
    recovery, drill = plan(home, "recovery"), plan(home, "drill")
    assert [(one.id, one.why) for one in recovery.left_out] == [("always-1-scrub", "only in a drill")]
    assert [one.id for one in drill.left_out] == ["tell", "approval", "open", "usable", "back"]
    assert {one.why for one in drill.left_out} == {"only in a recovery"}
    assert (unfit(recovery), unfit(drill)) == (None, None)
    assert "scrub" in [s.action for s in drill.always] and "scrub" not in [s.action for s in recovery.always]
    assert Plan.from_facts(recovery.to_facts()) == recovery
    assert plan(home, "recovery").digest() != plan(home, "recovery", alone="it is night").digest(), "who is asked is part of the plan"


def test_who_recovers_alone_is_asked_nothing_and_that_is_said(home: Path) -> None:
    """What waited for the approval waits for what that one waited for."""
    alone = plan(home, "recovery", alone="it is night")
    assert [one.why for one in alone.left_out if one.id == "approval"] == ["nobody else is asked: the recovery is carried out alone"]
    opened = next(s for s in alone.steps if s.id == "open")
    assert opened.needs == ("replay", "select")
    assert unfit(alone) is None


def test_what_breaks_off_in_open_is_taken_up_whatever_the_runbook_says_of_it(home: Path) -> None:
    """Once the host is production no other run can open it: so this one does not give up at the first try, unless it was told to."""
    recover = home / "runbooks" / "recover.yaml"
    before = recover.read_text()
    tries = {}
    try:
        for written in ("retry: {attempts: 60, wait: 5s, most: 1m}", "", "retry: {attempts: 2}"):
            recover.write_text(before.replace("retry: {attempts: 60, wait: 5s, most: 1m}", written or "#"))
            tries[written] = next(s.retry.attempts for s in plan(home, "recovery").steps if s.id == "open")
    finally:
        recover.write_text(before)
    assert list(tries.values()) == [60, 60, 2]


def test_the_way_back_is_a_recovery_that_takes_its_own_backup(home: Path) -> None:
    """So nothing is lost by it: what is restored is what was backed up once people had stopped."""
    back = plan(home, "recovery", runbook="failback")
    names = [s.id for s in back.steps]
    assert names.index("approval") < names.index("backup") < names.index("select") < names.index("open")
    assert next(s for s in back.steps if s.id == "select").with_["which"] == "${steps.backup.set}"
    assert unfit(back) is None
