"""`dr incident` killed where it may be killed, on a real home with a real receiver: nobody is forgotten, nobody hears twice without being
told that it is a repeat, and what is typed again is no second incident.
"""

from pathlib import Path

import pytest

from dr.app import failpoint_names
from tests.support.main_job import Home
from tests.support.told_home import Seen, came, kill, told_home

pytestmark = [pytest.mark.fault]
POINTS = ("after-record", "after-owed", "after-carried")
OPEN = ("incident", "open", "--what", "a bag was stolen", "--key", "drill")
MORE = ("incident", "note", "the other key was in it", "--key", "signing")
NOTE = ("incident", "note", "the police were told")
CLOSE = ("incident", "close", "--text", "reported")
TOLD = 2
"""The administrators of the example organisation."""


@pytest.fixture
def home(tmp_path: Path, heard: tuple[str, Seen]) -> Home:
    return told_home(tmp_path / "home", heard[0])


def acts(home: Home) -> list[str]:
    """What is on record of the newest incident; its trail says the same."""
    with home.catalog() as catalog:
        (one,) = catalog.incidents()
        entries = [entry.act for entry in catalog.incident_entries(one.id)]
        assert [entry.event for entry in catalog.audit_of(one.id)] == [f"incident.{act}" for act in entries]
        return [*entries, one.state]


def test_every_failpoint_of_an_incident_is_in_a_list_here() -> None:
    names = {name for name in failpoint_names() if name.startswith("incident-")}
    assert names == {f"incident-{act}.{point}" for act in ("open", "note", "close") for point in POINTS}


def test_killed_between_record_and_word_people_hear_once(home: Home, heard: tuple[str, Seen]) -> None:
    """Taken up by the same words typed again, and by a timer's round."""
    kill(home, "incident-open.after-record", *OPEN)
    assert "opened already" in home.dr(*OPEN).stdout
    kill(home, "incident-note.after-owed", *MORE)
    home.dr("notices", "carry", "--quiet", expect=None)
    assert len(came(heard[1], "")) == 2 * TOLD, heard[1]
    assert acts(home) == ["opened", "noted", "open"]


@pytest.mark.campaign
@pytest.mark.parametrize("again", ["type", "carry"])
def test_an_incident_killed_at_every_point(home: Home, heard: tuple[str, Seen], again: str) -> None:
    """Each act at each point, typed again or taken up by the timer: as if nothing had happened."""
    for act, words in (("open", OPEN), ("note", MORE), ("note", NOTE), ("close", CLOSE)):
        for point in POINTS if words not in (NOTE, CLOSE) else ("after-record", "after-carried"):
            kill(home, f"incident-{act}.{point}", *words)
        home.dr(*(words if again == "type" else ("notices", "carry", "--quiet")), expect=None)
    assert len(came(heard[1], "")) == 2 * TOLD, heard[1]
    assert acts(home) == ["opened", "noted", "noted", "closed", "closed"]
