"""People: would a notice reach them; and would anybody notice if this machine fell silent."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from dr.app.contacts import proven_ago
from dr.app.home import App
from dr.app.keys import Line
from dr.model.exercise import MADE_OUT
from dr.policy.words import spoken

STALE = timedelta(days=90)
"""A channel that took no message for longer is not known to work."""
_LOOKED_AT = 1000
_ASK = "send them a test that asks for an answer: dr contacts check"


def people(app: App) -> Iterator[Line]:
    """When each contact last answered, or was at least reached: what was handed to a channel is not yet read by a person."""
    now = app.clock.now()
    reached: dict[str, datetime] = {}
    failed: dict[str, datetime] = {}
    for notice in app.records.notices(_LOOKED_AT):
        for delivery in (one for one in notice.deliveries if one.detail != MADE_OUT):
            kept = reached if delivery.state == "delivered" else failed
            kept[delivery.contact] = max(delivery.at, kept.get(delivery.contact, delivery.at))
    if not app.inventory.contacts:
        yield Line("red", "there is nobody to tell", "write contacts into inventory/contacts.yaml")
    for name in app.inventory.contacts:
        last, ago = reached.get(name), proven_ago(app, name)
        if name in failed and (last is None or failed[name] > last):
            yield Line("red", f"the last message to {name} did not get through", "dr notices; mend the channel, then dr notices retry")
        elif ago:
            yield Line("green", f"{name} acknowledged a message {ago} ago")
        elif last is None:
            yield Line("amber", f"{name} was never reached by a notice from here", f"{_ASK} {name}")
        elif now - last > STALE:
            yield Line("amber", f"{name} was last reached {spoken((now - last).total_seconds())} ago", f"{_ASK} {name}")
        else:
            yield Line("green", f"{name} was last reached {spoken((now - last).total_seconds())} ago")


def outside(app: App) -> Iterator[Line]:
    """A machine that is off sends no notice: somebody else must miss it."""
    for name, system in app.inventory.systems.items():
        nightly = system.runbooks.nightly
        if nightly is None:
            continue
        if nightly in app.inventory.pings:
            yield Line("green", f"each '{nightly}' that passes is told to an outside watch")
        else:
            yield Line(
                "amber",
                f"nobody outside would notice if '{nightly}' of {name} never ran again",
                f"in inventory/: pings: {{{nightly}: !secret {{file: keys/ping-{nightly}.url}}}}, a URL of Healthchecks or the like",
            )
