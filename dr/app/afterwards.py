"""After an outage's end: who was not reached by "it is over" is tried again. The timer does it; where there is none, the process that kept
people told, for an hour at most. The outage's run is over by then.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from dr.actions.outage_telling import owe_words
from dr.app.carrying import timer_carries
from dr.app.home import App
from dr.model.outage import Outage, OutageId
from dr.policy.outages import lately

AFTERWARDS = timedelta(hours=1)
"""For which a process goes on trying."""
_LONGEST = 20.0
"""Seconds between two looks."""


def tried_again(app: App, outage: Outage) -> datetime | None:
    """When somebody is due to be tried again who has not heard that it is over; None: it is not over, or nobody is left."""
    if outage.ended is None:
        return None
    return min((notice.due for notice in app.records.outage_notices(outage.id) if notice.due is not None), default=None)


def wants_process(app: App, outage: Outage) -> bool:
    """Whether somebody is left whom nobody would try again but a process of the outage's own."""
    if outage.ended is None or not lately([outage], app.clock.now(), AFTERWARDS):
        return False
    return tried_again(app, outage) is not None and not timer_carries(app)


def see_out(app: App, outage: OutageId, say: Callable[[str], None], wait: Callable[[float], object] = time.sleep) -> None:
    """Try again until everybody was reached, or given up; or until the timer does it; or until an hour is over. A Ctrl-C leaves it."""
    try:
        _try_again(app, outage, say, wait)
    except KeyboardInterrupt:
        say("left: who was not reached is not tried again by itself (dr notices carry)")


def _try_again(app: App, outage: OutageId, say: Callable[[str], None], wait: Callable[[float], object]) -> None:
    said = False
    while (one := app.records.outage(outage)) is not None and wants_process(app, one):
        now = app.clock.now()
        owe_words(one, app.services, now)
        due = app.services.post.carry(outage).next
        if due is None:
            return
        if not said:
            say("it is over, and somebody has not been reached yet: tried again here, for an hour at most")
            said = True
        wait(min(_LONGEST, max(1.0, (due - now).total_seconds())))
