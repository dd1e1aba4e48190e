"""Who counts as one person where two are wanted."""

import pytest

from dr.policy.approval import same_person
from dr.policy.second_person import through, typed, way

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


@pytest.mark.parametrize(
    ("by", "owner", "account"),
    [
        ("ann as dr", "dr", "dr"),
        ("ann as root", "root", "root"),
        ("ann as root", "dr", "root"),
        ("dr", "dr", "root"),
        ("ann", "ann", "root"),
        ("root", "dr", "dr"),
        ("root", "root", None),
    ],
)
def test_a_second_person_is_told_a_way_on_which_they_are_told_from_the_first(by: str, owner: str, account: str | None) -> None:
    """A home is its owner's alone: whoever else comes, comes through sudo; where that tells nobody apart, it is said at the beginning."""
    assert through(by, owner) == account
    dr = "/opt/dr/bin/dr --home /srv/dr"
    said = way(dr, "RUN", by=by, owner=owner)
    if account is None:
        assert said == (
            "you are root itself, so dr cannot tell you from a second person: begin it with sudo from a login of your own, then a "
            "colleague approves with sudo from theirs. Nobody there? Begin it with --alone and why"
        )
        late = way(dr, "RUN", by=by, owner=owner, begun=True)
        assert late.startswith("it was begun as root, so dr cannot tell a second person from whoever began it: begin it again with sudo ")
        assert late.endswith("Nobody there? Begin it again with --alone and why")
        assert same_person("bob as root", by) is True and same_person("bob as root", "ann as root") is False, "and that is the way out"
    else:
        assert same_person(f"bob as {account}", by) is False
        sudo = "sudo" if account == "root" else f"sudo -u {account}"
        assert said.endswith(f"{sudo} {dr} runs approve RUN")
        assert typed(dr, "RUN", "go", by=by, owner=owner) == f"{sudo} {dr} runs approve RUN go"
    assert typed(dr, "RUN", "go", by="", owner=owner) == f"{dr} runs approve RUN go", "anybody's word will do"
