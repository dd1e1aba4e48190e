"""What a receiver is told of a message's gravity, by which it colours and routes: an alarm must not look like good news."""

from collections.abc import Iterator

import pytest

from dr.model.record import Severity
from dr.notify.channel import send
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
