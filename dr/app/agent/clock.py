"""What time it is, as the controller says."""

from datetime import datetime, timedelta

from dr.clock import SystemClock


class ControllersClock:
    """The controller's time, told once and counted on: a machine whose own clock is wrong dates nothing wrongly."""

    def __init__(self, told: datetime) -> None:
        self._own = SystemClock()
        self._told, self._at = told, self._own.monotonic()

    def now(self) -> datetime:
        return self._told + timedelta(seconds=self._own.monotonic() - self._at)

    def monotonic(self) -> float:
        return self._own.monotonic()
