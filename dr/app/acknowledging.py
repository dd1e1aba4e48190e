"""A code is brought back by whoever read the message; the others who had it are told at once that somebody saw it."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

from dr.actions.outage_telling import owe_words
from dr.app.binding import bind
from dr.app.home import App, whoami
from dr.app.opening import WRONG, ConfigProblems, facts_of
from dr.catalog.catalog import open_catalog
from dr.clock import Clock, SystemClock
from dr.config.home import find_home
from dr.config.keys import digest_key
from dr.model.base import JsonObject
from dr.model.notice_record import Notice
from dr.model.outage import Outage, OutageId
from dr.notify.acknowledge import Book, Desk, Seen
from dr.notify.codes import Codes

__all__ = ["Seen", "about", "acknowledge", "take_down"]


def acknowledge(app: App, code: str, comment: str, outage: str | None) -> Seen:
    """Of an outage that is over nobody else is told any more. Raises Refused for a code that acknowledges nothing (any more)."""
    services = app.services
    seen = Desk(app.inventory, app.records, app.clock, services.codes, services.post).acknowledge(code, comment, outage)
    known = about(app, seen.notice)
    if known is not None and known.ended is not None:
        owe_words(known, services, app.clock.now())  # who saw it is dropped with the rest: "hmis is out" is not what they must read now
        return replace(seen, others=(), owed=())
    services.carrier.carry(seen.owed)
    return seen


def about(app: App, notice: Notice) -> Outage | None:
    """The outage that a notice is about, if it is about one."""
    return app.records.outage(OutageId(notice.outage)) if notice.outage is not None else None


def take_down(home: str | None, wrong: ConfigProblems, said: tuple[str, str, str | None], clock: Clock | None = None) -> Seen:
    """The same without any inventory: nobody else is asked any more, and nobody is told who saw it. A code is its own permission; what
    it opens is in the catalog. `wrong`: why; `said`: code, comment and outage. Raises as `acknowledge`."""
    place, clock = find_home(home, os.environ, Path.cwd()), clock or SystemClock()
    bind(place)
    with open_catalog(place / "state" / "catalog.db", clock) as records:

        def audit(event: str, subject: str, facts: JsonObject) -> None:
            records.audit(event, subject, facts, actor=whoami(), at=clock.now())

        audit(WRONG, "ack", facts_of(wrong))
        return Book(records, clock, Codes(records, partial(digest_key, place)), audit).acknowledge(*said)
