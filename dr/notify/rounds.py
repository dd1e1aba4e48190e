"""Who sends what is due when nobody types anything: the timer that comes by each minute, where there is one. Where there is none, nothing
may be left to wait for it."""

from datetime import datetime, timedelta

from dr.model.ports import Records

_SETTING = "carried-by-timer"
_FRESH = timedelta(seconds=150)
"""A timer that came by so lately comes by again: it does each minute, and one round may be missed."""


def note_timer(records: Records, now: datetime) -> None:
    """It is here now."""
    records.set_setting(_SETTING, now.isoformat())


def timer_carries(records: Records, now: datetime) -> bool:
    """Whether it came by lately: seen, not believed, since a timer may be installed and switched off."""
    seen = records.setting(_SETTING)
    return seen is not None and abs(now - datetime.fromisoformat(seen)) < _FRESH
