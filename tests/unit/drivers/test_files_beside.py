"""What lies beside a file set and is nobody's: not what a recovery of ours put aside there."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr.drivers.files.beside import uncovered
from dr.engine.runner import new_run_id
from dr.model.swapping import kept_name

pytestmark = pytest.mark.unit


def test_what_a_recovery_put_aside_is_no_new_folder(tmp_path: Path) -> None:
    site, run = tmp_path / "site", new_run_id("recover", datetime(2026, 11, 23, 13, 0, tzinfo=UTC))
    for folder in (site, Path(kept_name(str(site), run))):
        folder.mkdir()
    assert uncovered(str(site), (), b"key") == ()
    (tmp_path / "site.before-we-moved").mkdir()
    assert len(uncovered(str(site), (), b"key")) == 1, "somebody's own, whatever it is called"
