"""Who counts as one person where two are wanted."""

import pytest

from dr.policy.approval import same_person

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ann", "ann", True),
        ("ann", "bob", False),
        ("ann as root", "ann", True),
        ("ann", "ann as root", True),
        ("ann as root", "ann as backup", True),
        ("ann as root", "bob as root", False),
        ("root", "ann as root", True),
        ("ann as root", "root", True),
    ],
)
def test_one_person_behind_two_accounts_is_one(one: str, other: str, same: bool) -> None:
    """Promise of the second person: whoever came through sudo is told apart from others, never from himself or the bare account."""
    assert same_person(one, other) is same
