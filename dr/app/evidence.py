"""`dr report`: a run's signed evidence, and whether it is as it was signed."""

from pathlib import Path

from dr.app import asked
from dr.app.home import App
from dr.errors import Refused


def evidence_file(app: App, run: str, suffix: str) -> Path:
    """Raises Refused where the run left none."""
    file = app.home / "evidence" / f"{run}{suffix}"
    if not file.is_file():
        raise Refused(f"{run} left no evidence", hint="only a runbook with a report step in `always` writes it")
    return file


def verify_evidence(app: App, file: Path) -> list[str]:
    """What it says, in a few lines. Raises Damaged unless a key that this home trusts signed it."""
    return asked.evidence_lines(file, app.services.keys.verify)


def verify_report(file: str, key: str | None, home: str | None) -> list[str]:
    """Check an evidence file with a public key, or with a home's trusted keys. Raises Damaged."""
    verify = asked.one_key(Path(key)) if key else App.open(home).services.keys.verify
    return asked.evidence_lines(Path(file), verify)
