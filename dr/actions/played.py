"""An exercise that is under way, as whatever works in this home goes by it: the hour that is played."""

from datetime import datetime
from typing import Protocol

from dr.clock import Clock
from dr.model.exercise import NOW, Playing
from dr.policy.scenario import played_at


class Settings(Protocol):
    def setting(self, key: str) -> str | None: ...


def playing_of(records: Settings, now: datetime) -> Playing | None:
    """The exercise that lasts; None where none does."""
    kept = records.setting(NOW)
    playing = Playing.from_json(kept) if kept else None
    return playing if playing is not None and now < playing.until else None


class PlayedClock:
    """Shows the hour that is played; it runs on as the real one does."""

    def __init__(self, playing: Playing, real: Clock) -> None:
        self._playing, self._real = playing, real

    def now(self) -> datetime:
        return played_at(self._playing.scenario, self._playing.began, self._real.now())

    def monotonic(self) -> float:
        return self._real.monotonic()
