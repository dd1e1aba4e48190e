"""What a receiver is told of a message's gravity, by which it colours and routes: an alarm must not look like good news."""

from collections.abc import Iterator

import pytest

from dr.model.record import Severity
from dr.notify.channel import send, send_worded
from dr.notify.wording import Wording
from tests.support.receiver import receiving

pytestmark = pytest.mark.integration


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    with receiving() as received:
        yield received


@pytest.mark.parametrize(("severity", "kind"), [("critical", "failure"), ("warning", "warning"), ("info", "info")])
def test_the_gravity_goes_with_the_message(receiver: tuple[str, list[dict[str, str]]], severity: Severity, kind: str) -> None:
    url, seen = receiver
    assert send(url, "hmis: nightly", "text", severity=severity).delivered
    assert [one["type"] for one in seen] == [kind]


def test_good_news_is_not_shown_as_an_alarm_however_urgent(receiver: tuple[str, list[dict[str, str]]]) -> None:
    """`hmis is back` goes out at night as its loss did; on a phone it must not be red."""
    url, seen = receiver
    assert send_worded(url, Wording("hmis is back", "text"), severity="critical", good=True).delivered
    assert [one["type"] for one in seen] == ["success"]
