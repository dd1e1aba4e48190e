"""The exercises that were scored in a home, from their signed cards."""

from collections.abc import Iterator

from dr.app.home import App
from dr.model.exercise import ExerciseEvidence


def exercises(app: App) -> Iterator[ExerciseEvidence]:
    """Those that were scored here, the newest first; what is not as our keys signed it is none."""
    from dr.errors import DrError
    from dr.report.scorecard import PREFIX, read_card

    for file in sorted((app.home / "evidence").glob(f"{PREFIX}*.json"), reverse=True):
        try:
            yield read_card(file.read_bytes(), app.services.keys.verify)
        except (DrError, OSError):
            continue
