"""An exercise that is under way, as whatever works in this home goes by it: the hour that is played."""

from datetime import datetime
from typing import Protocol

from dr.clock import Clock
from dr.model.exercise import NOW, Playing
from dr.model.ports import Records
from dr.policy.scenario import played_at


class Settings(Protocol):
    def setting(self, key: str) -> str | None: ...


def playing_of(records: Settings, now: datetime) -> Playing | None:
    """The exercise that lasts; None where none does."""
    kept = records.setting(NOW)
    playing = Playing.from_json(kept) if kept else None
    return playing if playing is not None and now < playing.until else None


def lasts(records: Records, log: str, now: datetime) -> bool:
    """Whether a rehearsal of duties goes on: an exercise is over with its own end, a failover that is rehearsed with its run. From then on
    it asks nobody, also when the hour comes that it had played."""
    playing = playing_of(records, now)
    runs = [run for run in records.runs(kind="failover") if run.state == "running"]
    return (playing is not None and playing.id == log) or any(run.parameters.get("exercise") == log for run in runs)


class PlayedClock:
    """Shows the hour that is played; it runs on as the real one does."""

    def __init__(self, playing: Playing, real: Clock) -> None:
        self._playing, self._real = playing, real

    def now(self) -> datetime:
        return played_at(self._playing.scenario, self._playing.began, self._real.now())

    def monotonic(self) -> float:
        return self._real.monotonic()
