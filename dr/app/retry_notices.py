"""One notice, and whom it was meant for; send again what did not reach everybody, once its cause is mended."""

from collections.abc import Callable, Iterator

from dr.actions.outage_telling import is_past
from dr.app.carrying import note_timer
from dr.app.contacts import note
from dr.app.duties import heed_all
from dr.app.home import App
from dr.app.incidents import owe_incidents
from dr.app.outages import owe_all
from dr.errors import ConfigError, DrError, Refused
from dr.model.notice_record import Notice
from dr.model.ports import Carried
from dr.notify.audience import audience
from dr.notify.ledger import LedgerNotifier
from dr.policy.escalation import Waiting, decide
from dr.policy.gathering import waits
from dr.policy.quiet import person
from dr.policy.undelivered import cause, what_became, why

__all__ = ["Waiting", "carry", "cause", "meant", "named", "put_off", "retry", "waiting", "what_became", "why"]

_MANY = 1000


def named(app: App, notice_id: str) -> Notice:
    """The notice of that name. Raises ConfigError."""
    found = app.records.notice(notice_id)
    if found is None:
        raise ConfigError(f"there is no notice '{notice_id}'", hint="`dr notices` shows them")
    return found


def meant(app: App, notice: Notice) -> dict[str, str]:
    """Contacts whom it is meant for, as the inventory is now, with their names in full."""
    return {name: contact.name for name, contact in audience(app.inventory, notice.to).items()}


def retry(app: App, notice_id: str | None) -> list[Notice]:
    """The notices that were sent again, as they are in the ledger now: the one that is named, or all that did not reach everybody.

    Who was reached is not told again, nor anybody what is over by now; what only waits its turn is sent if it is named. Raises ConfigError
    for one that is not there, Refused for one that was delivered, or is past.
    """
    chosen = [n for n in app.records.notices(_MANY) if not waits(n)] if notice_id is None else [named(app, notice_id)]
    open_ones = [n for n in chosen if n.state != "delivered" and not n.digest and not n.answered]
    past = [n for n in open_ones if is_past(n, app.services)]
    if notice_id is not None and past:
        raise Refused(f"{notice_id} says that something is out which is over", hint=f"dr outage show {past[0].outage}")
    open_ones = [n for n in open_ones if n not in past]
    if notice_id is not None and not open_ones:
        raise Refused(f"{notice_id} was delivered already")
    _require_idle(app, open_ones)

    notifier = LedgerNotifier(app.inventory, app.records, app.clock, app.services.carrier)
    return [notifier.resend(notice, app.services.audit) for notice in reversed(open_ones)]


def put_off(app: App) -> int:
    """How many of the newest wait to be told in one with others, or for the quiet hours to end."""
    return sum(map(waits, app.records.notices(_MANY)))


def carry(app: App, *, by_timer: bool = False) -> Carried:
    """One round: what outages and duties owe is owed, what is due is sent, what nobody acknowledged goes to the next channel or person.

    Who is not proven any more is noted. `by_timer`: so that nobody else goes on with what it does each minute. What one part of it meets
    (a key that cannot be read, a claim that cannot be believed) keeps none of the others, and no message, back; the first is raised then.
    """
    if by_timer:
        note_timer(app)
    troubles = list(_troubles(app))
    carried = app.services.post.carry()
    if troubles:
        raise troubles[0]
    return carried


def _troubles(app: App) -> Iterator[DrError]:
    """What was met where the ledger is brought up to what is owed."""
    parts: tuple[Callable[[App], object], ...] = (note, owe_all, owe_incidents, heed_all)
    for part in parts:
        try:
            part(app)
        except DrError as error:
            yield error


def waiting(app: App, notice: Notice) -> list[Waiting]:
    """For whom one waits, until when, and why."""
    people = {name: person(app.inventory, name, contact) for name, contact in app.inventory.contacts.items()}
    meant_for = [people[name] for name in audience(app.inventory, notice.to)]
    return list(decide(notice, meant_for, people, app.inventory.notices, app.clock.now()).waiting)


def _require_idle(app: App, notices: list[Notice]) -> None:
    """A run that lives sends its own: two senders would both tell everybody."""
    busy = {run for run in (*app.services.active(), *app.interrupted()) if any(n.run == run and n.state == "owed" for n in notices)}
    if busy:
        raise Refused(f"{', '.join(sorted(busy))} is sending it", hint="wait for the run to end, or resume it: `dr runs list`")
