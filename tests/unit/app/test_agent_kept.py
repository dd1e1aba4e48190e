"""What a standby keeps of encrypted parts: what it gives back is what was asked, and what is not wanted goes."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dr.app.agent.kept import KeptParts
from dr.hosts.places import KEPT

pytestmark = pytest.mark.unit
MOST = 1000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@given(st.lists(st.binary(max_size=300), max_size=6, unique=True))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_given_back_is_what_was_kept_or_nothing(tmp_path: Path, parts: list[bytes]) -> None:
    kept = KeptParts(str(tmp_path), MOST)
    for part in parts:
        kept.put(digest(part), part)
    assert all(kept.get(digest(part)) == part for part in parts)
    kept.tidy({digest(part) for part in parts})
    assert sum(len(kept.get(digest(part)) or b"") for part in parts) <= MOST
    kept.tidy(set())
    assert kept.names() == []


def test_changed_bytes_are_not_believed(tmp_path: Path) -> None:
    """Else a standby's bad disk would pass for a damaged backup."""
    kept = KeptParts(str(tmp_path), MOST)
    kept.put(digest(b"part"), b"part")
    (tmp_path / KEPT / digest(b"part")).write_bytes(b"trap")
    assert kept.get(digest(b"part")) is None
    assert kept.names() == []


def test_nothing_is_kept_where_nothing_may_be_or_under_another_name(tmp_path: Path) -> None:
    KeptParts(str(tmp_path), 0).put(digest(b"part"), b"part")
    kept = KeptParts(str(tmp_path), MOST)
    kept.put(digest(b"another"), b"part")
    kept.put("../escape", b"part")
    assert not (tmp_path / KEPT).exists()
    assert kept.get("../escape") is None


def test_the_least_used_goes_over_the_limit(tmp_path: Path) -> None:
    kept = KeptParts(str(tmp_path), 500)
    parts = [bytes([number]) * 300 for number in range(2)]
    for part in parts:
        kept.put(digest(part), part)
    os.utime(tmp_path / KEPT / digest(parts[0]), (1, 1))
    assert kept.tidy({digest(part) for part in parts}) == 1
    assert kept.names() == [digest(parts[1])]


def test_what_a_crash_left_half_is_gone_with_the_next_tidying(tmp_path: Path) -> None:
    kept = KeptParts(str(tmp_path), MOST)
    kept.put(digest(b"part"), b"part")
    (tmp_path / KEPT / ".half.1234").write_bytes(b"ha")
    kept.tidy({digest(b"part")})
    assert sorted(entry.name for entry in (tmp_path / KEPT).iterdir()) == [digest(b"part")]
