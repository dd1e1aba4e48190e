"""`dr backups accept`: a person lets pass what is odd about a source, once, and it is normal from then on."""

from pathlib import Path

import pytest

from tests.support.main_job import HMIS, Home, demo_home

pytestmark = [pytest.mark.integration, pytest.mark.slow]


BACKUP_ALONE = """\
runbook: backup-alone
title: The backup, which is what looks beside the file sets
kind: backup
steps:
  - {id: backup, action: backup, with: {system: hmis, to: [online]}}
"""


def odd(home: Home) -> list[tuple[str, str]]:
    with home.catalog() as records:
        return [(f.severity, f.message.partition(": ")[2]) for f in records.open_findings(HMIS) if ":unprotected:" in f.key]


def test_folders_beside_a_file_set_are_told_without_alarm_and_end_when_they_are_accepted_or_gone(tmp_path: Path) -> None:
    """A new folder is worth knowing and no amber; what a person accepted is not told again, and a later one is."""
    with demo_home(tmp_path / "home") as home:
        (home.path / "runbooks" / "backup-alone.yaml").write_text(BACKUP_ALONE)
        home.dr("run", "backup-alone")
        site = home.path / "demo" / "site"
        (site.parent / "second-site").mkdir()
        (site.parent / "second-site" / "file").write_text("x")
        home.dr("run", "backup-alone")
        newest = home.sets("fileserver")[-1]
        ((severity, message),) = odd(home)
        assert severity == "info"
        assert message.startswith("1 new folder lies beside file set")
        assert f"in {site.parent}" in message
        (told,) = [line for line in home.dr("status", expect=None).stdout.splitlines() if "new folder" in line]
        assert not told.strip().startswith(("▲", "✖")), "to know, and no alarm"
        assert "a reason is needed" in home.dr("backups", "accept", newest, "--reason", " ", expect=2).stderr
        assert "is accepted as it is" in home.dr("backups", "accept", newest, "--reason", "it is the vendor's own").stdout
        assert odd(home) == []
        assert home.audit()[-1].event == "set.accepted"
        home.dr("run", "backup-alone")
        assert odd(home) == []
        (site.parent / "third-site").mkdir()
        home.dr("run", "backup-alone")
        assert len(odd(home)) == 1
        (site.parent / "third-site").rmdir()
        home.dr("run", "backup-alone")
        assert odd(home) == []
        assert "nothing odd is known" in home.dr("backups", "accept", newest, "--reason", "again", expect=3).stderr
