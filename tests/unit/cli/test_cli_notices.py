"""The list of notices at a terminal: it fits, and names each as `dr notices show` wants it."""

from datetime import UTC, datetime, timedelta

import pytest

from dr.cli.notices_listed import listed
from dr.model.notice_record import Acknowledgement, Delivery, Notice

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
NAME = "nightly-20261122T070000Z-1a2b:on-failure-0-notify:nightly-failed:administrators"
LOST = Delivery(contact="anna", channel=0, scheme="mailto", state="failed", attempt=1, at=NOW, detail="the provider could not be reached")
SEEN = Acknowledgement(contact="anna", at=NOW)


def notice(**more: object) -> Notice:
    facts = {"id": NAME, "to": "administrators", "template": "nightly-failed", "subject": "hmis: nightly FAILED", "body": "b"}
    return Notice.from_facts({**facts, "severity": "critical", "state": "delivered", "created": NOW.isoformat(), **more})


@pytest.mark.parametrize(
    ("more", "mark", "became"),
    [
        ({}, "●", "it was delivered"),
        ({"state": "failed", "deliveries": [LOST.to_facts()]}, "✖", "it was not delivered: the mail server could not be reached"),
        ({"acknowledge": True}, "▲", "it was delivered, and nobody acknowledged it yet"),
        ({"acknowledge": True, "acknowledgements": [SEEN.to_facts()]}, "●", "it was acknowledged by anna"),
        ({"digest": "digest-1"}, "●", "it is told as part of digest-1"),
        (
            {"state": "owed", "run": "nightly-1", "due": (NOW + timedelta(minutes=10)).isoformat()},
            "▲",
            "it waits to be told in one with others; it goes on Mon 23 Nov 2026, 01:10 CST",
        ),
    ],
)
def test_each_says_what_became_of_it_and_its_name(more: dict[str, object], mark: str, became: str) -> None:
    """By its shape too, so that nobody needs to see the colour."""
    first, *rest, name = [text for text, _ in listed([notice(**more)], "America/Chicago", 200)]
    assert (first, name) == (f"{mark} hmis: nightly FAILED", f"    {NAME}")
    assert rest == [f"    Mon 23 Nov 2026, 01:00 CST, to administrators: {became}"]


@pytest.mark.parametrize("width", [60, 100])
def test_no_line_is_wider_than_the_screen_and_no_name_is_cut(width: int) -> None:
    """However long a subject is; and what a terminal would obey in it is shown, not obeyed."""
    long = notice(subject="\x1b[2Jhmis: " + "a very long story " * 20, state="failed", deliveries=[LOST.to_facts()])
    lines = [text for text, _ in listed([long, long], "America/Chicago", width)]
    assert [line for line in lines if len(line) > width and NAME not in line] == []
    assert lines.count(f"    {NAME}") == 2
    assert "\x1b" not in "".join(lines)
