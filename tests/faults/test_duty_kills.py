"""A failover killed wherever it may be killed, on a real home with a real store and a real receiver: each duty has one holder, each number
is given once, nobody is told twice without being told that it is a repeat.

Every kind of kill in one process, point by point, is in tests/unit/actions/test_duty_desk.py.
"""

import json
from pathlib import Path

import pytest

from dr.app import failpoint_names
from tests.support.main_job import KILLED, Home
from tests.support.told_home import Seen, came, kill, told_home

pytestmark = pytest.mark.fault
REASSIGN = ("before-effect", "after-turn", "after-owed", "after-carried", "after-effect", "after-record", "after-claimed")
AWAIT = ("before-effect", "after-carried", "after-claimed", "after-turn", "after-owed", "after-effect", "after-record")
VERBS = {
    "office-accept": ("after-turn", "after-claimed", "after-owed", "after-carried"),
    "office-give": ("after-turn", "after-claimed", "after-owed", "after-carried"),
    "office-refuse": ("after-turn", "after-owed", "after-carried"),
    "office-works": ("after-turn", "after-carried"),
    "office-back": ("after-turn", "after-wanted", "after-owed", "after-carried"),
}
LOST = ("office", "lost", "madison", "--only", "--alone", "a test", "--yes", "--here")


@pytest.fixture
def home(tmp_path: Path, heard: tuple[str, Seen]) -> Home:
    """With its repositories."""
    made = told_home(tmp_path / "home", heard[0])
    for repository in ("fileserver", "bank-vault"):
        made.dr("repositories", "init", repository)
    return made


def resumed(home: Home, point: str = "") -> None:
    """The newest failover goes on, to its end or to where it is killed."""
    with home.catalog() as catalog:
        run = catalog.runs(kind="failover")[0].run
    home.dr("runs", "resume", run, env={"DR_FAILPOINT": point} if point else None, expect=KILLED if point else 0)


def accept(duty: str, office: str) -> tuple[str, ...]:
    return ("office", "accept", duty, "--office", office)


def claims(home: Home) -> dict[str, list[tuple[str, int]]]:
    """Duty to who claimed it, by which number, oldest first: from the store itself."""
    found = sorted((home.path / "repositories" / "bank-vault" / "duties").glob("*/*.json"))
    read = [json.loads(file.read_text())["claim"] for file in found]
    return {duty: [(one["office"], one["number"]) for one in read if one["duty"] == duty] for duty in {one["duty"] for one in read}}


def holders(home: Home) -> dict[str, tuple[str, int]]:
    listed = home.json("duties", expect=None)["duties"]
    return {line["duty"]: (line["office"], line["number"]) for line in listed if line["number"]}


def test_every_failpoint_of_a_failover_is_in_a_list_here() -> None:
    listed = {
        *(f"reassign-duties.{point}" for point in REASSIGN),
        *(f"await-acceptances.{point}" for point in AWAIT),
        *(f"{verb}.{point}" for verb, points in VERBS.items() for point in points),
    }
    kinds = ("reassign-duties.", "await-acceptances.", "office-")
    assert listed == {name for name in failpoint_names() if name.startswith(kinds)}


def test_a_failover_killed_on_its_way_moves_each_duty_once(home: Home, heard: tuple[str, Seen]) -> None:
    """After the loss is on record; after a yes is; after the store has its claim: three kills, and one holder for each duty."""
    kill(home, "reassign-duties.after-turn", *LOST)
    resumed(home, "await-acceptances.after-carried")
    kill(home, "office-accept.after-turn", *accept("system-administration", "milwaukee"))
    resumed(home, "await-acceptances.after-claimed")
    for duty in ("privacy", "data-quality"):
        home.dr(*accept(duty, "green-bay"))
    assert "goes on in the background, since it waits for people" in home.dr("runs", "resume").stderr, "no run need be named"
    assert "✔ PASS" in home.dr("runs", "watch", home.last_run("office-failover")).stdout
    assert holders(home) == {"system-administration": ("milwaukee", 1), "privacy": ("green-bay", 1), "data-quality": ("green-bay", 1)}
    assert claims(home) == {duty: [holder] for duty, holder in holders(home).items()}
    assert (
        len(came(heard[1], "The Madison office is lost")) == 2
    )  # the director as management, and the administrator, who is of that office
    assert len(came(heard[1], "is asked to take")) == 2
    assert home.dr(*accept("privacy", "milwaukee"), expect=3).stderr.startswith("error: Milwaukee is not asked for Privacy officer")
    with home.catalog() as catalog:
        assert [(run.state, run.verdict) for run in catalog.runs(kind="failover")] == [("done", "PASS")]


@pytest.mark.campaign
def test_a_failover_and_the_way_back_killed_at_every_point(home: Home, heard: tuple[str, Seen]) -> None:
    """Every point of both steps and of every command, in one story; each is typed or resumed again, as a person would."""
    kill(home, "reassign-duties.before-effect", *LOST)
    for point in ("after-turn", "after-owed", "after-carried", "after-effect", "after-record"):
        resumed(home, f"reassign-duties.{point}")
    for point in ("before-effect", "after-carried"):
        resumed(home, f"await-acceptances.{point}")
    kill(home, "office-accept.after-turn", *accept("system-administration", "milwaukee"))
    for point in ("after-claimed", "after-turn", "after-owed"):
        resumed(home, f"await-acceptances.{point}")
    for point in ("after-claimed", "after-owed"):
        kill(home, f"office-accept.{point}", *accept("privacy", "green-bay"))
    kill(home, "office-accept.after-carried", *accept("data-quality", "green-bay"))
    for point in ("after-effect", "after-record"):
        resumed(home, f"await-acceptances.{point}")
    resumed(home)
    moved = {"system-administration": ("milwaukee", 1), "privacy": ("green-bay", 1), "data-quality": ("green-bay", 1)}
    assert holders(home) == moved
    assert claims(home) == {duty: [holder] for duty, holder in moved.items()}
    assert len(came(heard[1], "System administration: Milwaukee has it")) == 3

    for point in VERBS["office-back"]:
        kill(home, f"office-back.{point}", "office", "back", "madison")
    home.dr("office", "back", "madison")
    give = ("office", "give", "system-administration", "--to", "madison", "--alone", "a test")
    for point in ("after-turn", "after-claimed", "after-owed"):
        kill(home, f"office-give.{point}", *give)
    home.dr(*give)
    kill(home, "office-give.after-carried", "office", "give", "privacy", "--to", "madison", "--alone", "a test")
    back = {"system-administration": ("madison", 2), "privacy": ("madison", 2), "data-quality": ("green-bay", 1)}
    home.dr("notices", "carry")  # as a timer does: what a kill left is done by whoever comes by
    assert holders(home) == back
    with home.catalog() as catalog:
        told = [notice for notice in catalog.notices(500) if notice.template == "duty-moved" and "privacy" in notice.id]
    assert len(told) == 6  # three by the move, three by the way back; in a flood some are gathered into one message
    assert all(notice.state == "delivered" or notice.due or notice.digest for notice in told), told
    assert len(came(heard[1], "The Madison office works again")) == 4

    kill(home, "reassign-duties.after-turn", "office", "lost", "madison", "--alone", "a test", "--yes", "--here")
    for point in VERBS["office-works"]:
        kill(home, f"office-works.{point}", "office", "works", "eau-claire")
    refuse = ("office", "refuse", "system-administration", "--office", "milwaukee", "--because", "a test")
    kill(home, "office-refuse.after-turn", *refuse)
    kill(home, "office-refuse.after-owed", "office", "refuse", "privacy", "--office", "green-bay", "--because", "a test")
    kill(home, "office-accept.after-turn", *accept("system-administration", "eau-claire"))
    resumed(home, "reassign-duties.after-claimed")
    kill(home, "office-refuse.after-carried", "office", "refuse", "data-quality", "--office", "green-bay", "--because", "a test")
    assert claims(home)["system-administration"] == [("milwaukee", 1), ("madison", 2), ("eau-claire", 4)]
    assert holders(home)["system-administration"] == ("eau-claire", 4)
