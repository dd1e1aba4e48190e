"""A dry run shows what the prune that follows does: it looks at the disks first, as that does, and writes nowhere."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.main_job import Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with demo_home(Path(tmp_path_factory.mktemp("dry")) / "home") as made:
        made.rewrite("inventory/systems.yaml", "keep_within: 24h ", "keep_last: 2 ")
        for _ in range(3):
            made.dr("run", "nightly")
        yield made


def decided(facts: dict[str, list[dict[str, str]]]) -> list[tuple[str, ...]]:
    return sorted((d["set"], d["repository"], str(d["keep"]), d["rule"]) for d in facts["decisions"])


def files(home: Home) -> dict[str, int]:
    return {str(p): p.lstat().st_ctime_ns for name in ("fileserver", "bank-vault") for p in home.repository(name).rglob("*")}


def test_a_dry_run_after_somebody_deleted_a_set_equals_the_prune_that_follows(home: Home) -> None:
    """The catalog believes in a copy that is gone: a dry run that believed it too would let another go for it."""
    newest = home.sets("fileserver")[-1]
    shutil.rmtree(home.folder("fileserver", newest))
    before, audited = files(home), len(home.audit())
    rehearsed = home.dr("run", "nightly", "--rehearse", expect=None).stdout
    assert "would delete nothing: expiry is off" in rehearsed, "the rehearsal looks at the disks too: it was the newest, as in a rollback"
    shown = home.json("retention", "--dry-run")
    assert "decision" in home.dr("retention", "--dry-run").stdout.splitlines()[0], "every column says what it is"
    assert (files(home), len(home.audit())) == (before, audited), "nothing was written, neither there nor in the catalog"
    home.dr("retention", "hmis", expect=None)
    assert decided(shown) == decided(home.facts("retention", "prune"))
    assert [d for d in shown["decisions"] if (d["set"], d["repository"]) == (newest, "fileserver") and d["rule"] == "newest-intact"] == []
