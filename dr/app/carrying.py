"""Who sends what is due when nobody types anything: the timer that comes by each minute, where there is one; see `dr.notify.rounds`."""

from dr.app.home import App
from dr.notify import rounds


def note_timer(app: App) -> None:
    """It is here now."""
    rounds.note_timer(app.records, app.clock.now())


def timer_carries(app: App) -> bool:
    """Whether it came by lately."""
    return rounds.timer_carries(app.records, app.clock.now())
