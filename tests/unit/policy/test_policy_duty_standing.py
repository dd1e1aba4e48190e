"""Whoever looks on at a failover reads each change once, in its order, and nothing of what stands still."""

from datetime import timedelta

import pytest

from dr.policy.duty_standing import changes, still_open
from tests.support.duty_rosters import MONDAY, Story

pytestmark = pytest.mark.unit


def told(story: Story, before: object) -> list[tuple[str, str]]:
    return [(one.kind, one.words) for one in changes(story.roster, before, story.board, story.now)]  # type: ignore[arg-type]


def test_each_change_is_a_line_with_why_whoever_was_asked_before_is_not_any_more() -> None:
    story = Story()
    assert told(story, None) == [], "normal times are no news"
    before = story.board
    story.lose("madison")
    assert told(story, before) == [
        ("asked", "Help desk: Milwaukee is asked, until 10:15"),
        ("asked", "Servers: Green Bay is asked, until 11:00"),
    ]
    before = story.board
    assert told(story, before) == []
    story.refuse("milwaukee", 1, why="three of us are ill")
    assert told(story, before) == [
        ("asked", "Help desk: Milwaukee refused (Somebody: three of us are ill); Green Bay is asked, until 10:15")
    ]
    before = story.board
    story.accept("green-bay", 1, "servers")
    assert told(story, before) == [("asked", "Servers: Green Bay accepted, the store of claims has not answered yet")]
    story.claimed("green-bay", 1, "servers")
    assert told(story, before) == [("held", "Servers: Green Bay holds it, by number 1")]


def test_that_nobody_is_left_is_told_with_when_all_are_asked_again() -> None:
    story = Story()
    story.lose("madison")
    story.refuse("milwaukee", 1)
    before = story.board
    story.refuse("green-bay", 2)
    assert told(story, before) == [("nobody", "Help desk: Green Bay refused (Somebody); NOBODY holds it, all are asked again 10:30")]
    assert still_open(story.roster, story.board, MONDAY + timedelta(days=1)) == [
        "Help desk: NOBODY holds it, all are asked again Mon 23 Nov, 10:30",
        "Servers: Green Bay is asked, until Mon 23 Nov, 11:00",
    ]


def test_who_looks_first_when_all_is_open_is_told_what_is_open_only() -> None:
    story = Story()
    story.lose("madison")
    story.takes("milwaukee", 1)
    assert told(story, None) == [("asked", "Servers: Green Bay is asked, until 11:00")]
