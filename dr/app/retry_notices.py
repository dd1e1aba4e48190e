"""One notice, and whom it was meant for; send again what did not reach everybody, once its cause is mended."""

from dr.app.home import App
from dr.errors import ConfigError, Refused
from dr.model.record import Notice
from dr.notify.audience import audience
from dr.notify.ledger import LedgerNotifier
from dr.policy.undelivered import cause, what_became, why

__all__ = ["cause", "meant", "named", "retry", "what_became", "why"]

_MANY = 1000


def named(app: App, notice_id: str) -> Notice:
    """The notice of that name. Raises ConfigError."""
    found = next((n for n in app.records.notices(_MANY) if n.id == notice_id), None)
    if found is None:
        raise ConfigError(f"there is no notice '{notice_id}'", hint="`dr notices` shows them")
    return found


def meant(app: App, notice: Notice) -> dict[str, str]:
    """Contacts whom it is meant for, as the inventory is now, with their names in full."""
    return {name: contact.name for name, contact in audience(app.inventory, notice.to).items()}


def retry(app: App, notice_id: str | None) -> list[Notice]:
    """The notices that were sent again, as they are in the ledger now: the one that is named, or all that did not reach everybody.

    Who was reached is not told again. Raises ConfigError for one that is not there, Refused for one that was delivered.
    """
    chosen = app.records.notices(_MANY) if notice_id is None else [named(app, notice_id)]
    open_ones = [n for n in chosen if n.state != "delivered"]
    if notice_id is not None and not open_ones:
        raise Refused(f"{notice_id} was delivered already")
    _require_idle(app, open_ones)

    notifier = LedgerNotifier(app.inventory, app.records, app.clock, app.services.carrier)
    return [notifier.resend(notice, app.services.audit) for notice in reversed(open_ones)]


def _require_idle(app: App, notices: list[Notice]) -> None:
    """A run that lives sends its own: two senders would both tell everybody."""
    busy = {run for run in (*app.services.active(), *app.interrupted()) if any(n.run == run and n.state == "owed" for n in notices)}
    if busy:
        raise Refused(f"{', '.join(sorted(busy))} is sending it", hint="wait for the run to end, or resume it: `dr runs list`")
