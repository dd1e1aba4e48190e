"""The notifier: a notice is in the ledger before it is sent, and its state is never better than what was delivered.

At least once: a run resumed after a crash finds its notice by the step's own id. Contacts that are recorded as reached are not told
again; who had been begun with is told with "(repeat)", since a message may have left just before the crash.
"""

from collections.abc import Callable, Mapping

from dr.clock import Clock
from dr.errors import DrError, Failed
from dr.model.base import JsonObject
from dr.model.inventory import Contact, Inventory, SecretRef
from dr.model.ports import Records, StepContext, Telling
from dr.model.record import Delivery, Notice, NoticeState
from dr.notify.audience import audience
from dr.notify.channel import Sent, scheme_of, send
from dr.notify.render import render
from dr.notify.story import tell_story

REPEAT = "(repeat)"
Audit = Callable[[str, str, JsonObject], None]
"""Event, subject and facts."""


def _no_failpoint(_ctx: StepContext) -> None:
    """Outside of tests nothing happens between a message's sending and its record."""


class LedgerNotifier:
    """`dr.model.ports.Notifier`. `secret` reads a channel's URL when it is used; `after_send` is where a test kills the process."""

    def __init__(
        self,
        inventory: Inventory,
        records: Records,
        clock: Clock,
        secret: Callable[[SecretRef], str],
        zone: str,
        *,
        after_send: Callable[[StepContext], None] = _no_failpoint,
    ) -> None:
        self._inventory = inventory
        self._records = records
        self._clock = clock
        self._secret = secret
        self._zone = zone
        self._after_send = after_send

    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        """Tell everybody who is meant, by each of their channels; gives back the notice as it is in the ledger.

        `delivered`: every contact confirmed by one channel at least; `partial`: some; `failed`: none. Raises Failed if `to` is nobody
        (which is in the ledger too, and red), ConfigError for an unknown template.
        """
        notice = self._records.owe(self._notice(telling, ctx))
        if notice.state == "delivered":
            return notice
        people = audience(self._inventory, telling.to)
        if not people:
            self._reached_nobody(notice, ctx)
        for name, contact in people.items():
            ctx.check_stop()
            if name not in _reached(notice):
                notice = self._tell_one(notice, name, contact, lambda: self._after_send(ctx))
        return self._settle(notice, people, ctx.audit)

    def resend(self, known: Notice, audit: Audit) -> Notice:
        """Tell those whom a notice of the ledger has not reached, as at a repeated step; gives it back as it is then."""
        notice = self._records.owe(known)
        people = audience(self._inventory, notice.to)
        if not people:
            return notice
        for name, contact in people.items():
            if name not in _reached(notice):
                notice = self._tell_one(notice, name, contact, lambda: None)
        return self._settle(notice, people, audit)

    def _notice(self, telling: Telling, ctx: StepContext) -> Notice:
        now = self._clock.now()
        story = tell_story(self._inventory, self._records, ctx.run, now, self._zone, telling.note)
        message = render(telling.template, story)
        return Notice(
            id=f"{ctx.run}:{ctx.step}:{telling.template}:{telling.to}",
            to=telling.to,
            template=telling.template,
            subject=message.subject,
            body=message.body,
            severity=telling.severity,
            state="owed",
            run=ctx.run,
            step=ctx.step,
            created=now,
        )

    def _reached_nobody(self, notice: Notice, ctx: StepContext) -> None:
        self._records.record_delivery(notice.model_copy(update={"state": "nobody"}))
        ctx.audit("notice.nobody", notice.id, {"to": notice.to, "template": notice.template})
        raise Failed(
            f"the notice '{notice.template}' to '{notice.to}' reached nobody: no contact or group has that name",
            hint=f"name a contact in inventory/contacts.yaml, or add the group '{notice.to}' to one; then tell them by hand now",
        )

    def _tell_one(self, notice: Notice, name: str, contact: Contact, after_send: Callable[[], None]) -> Notice:
        """Every channel, whatever the one before it did; each result is recorded before the next is tried.

        That it is begun is recorded first: only who may have had it already is told that it is a repeat.
        """
        repeat = name in notice.begun
        notice = notice.model_copy(update={"state": "owed", "begun": (*(n for n in notice.begun if n != name), name)})
        self._records.record_delivery(notice)
        for place, reference in enumerate(contact.channels):
            delivery = self._try(notice, name, place, reference, repeat=repeat)
            after_send()
            notice = notice.model_copy(update={"state": "owed", "deliveries": (*notice.deliveries, delivery)})
            self._records.record_delivery(notice)
        return notice

    def _try(self, notice: Notice, name: str, place: int, reference: SecretRef, *, repeat: bool) -> Delivery:
        subject = f"{notice.subject} {REPEAT}" if repeat else notice.subject
        try:
            url = self._secret(reference)
        except DrError:
            scheme, sent = "unknown", Sent(False, "its address is a secret that could not be read")
        else:
            scheme, sent = scheme_of(url), send(url, subject, notice.body, severity=notice.severity)
        return Delivery(
            contact=name,
            channel=place,
            scheme=scheme,
            state="delivered" if sent.delivered else "failed",
            attempt=notice.repeated + 1,
            at=self._clock.now(),
            detail=sent.detail,
        )

    def _settle(self, notice: Notice, people: Mapping[str, Contact], audit: Audit) -> Notice:
        reached = _reached(notice) & set(people)
        state: NoticeState = "delivered" if reached == set(people) else "partial" if reached else "failed"
        settled = notice.model_copy(update={"state": state})
        self._records.record_delivery(settled)
        facts = {"to": notice.to, "template": notice.template, "people": len(people), "reached": len(reached), "repeated": notice.repeated}
        audit(f"notice.{state}", notice.id, facts)
        return settled


def _reached(notice: Notice) -> set[str]:
    return {delivery.contact for delivery in notice.deliveries if delivery.state == "delivered"}
