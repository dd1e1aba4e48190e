"""The notifier of runs: a notice is in the ledger before it is sent, and its state is never better than what was delivered.

Where very many runs tell the same people the same within minutes, the first is told at once and the others wait, to be told in one: see
`policy.gathering`. They wait only where a timer comes by that carries them.

At least once: a run resumed after a crash finds its notice by the step's own id. Contacts that are recorded as reached are not told
again; who had been begun with is told with "(repeat)", since a message may have left just before the crash. The way itself, shared with
every other notice, is `carrier`'s; what did not reach everybody stays due there, and is tried again by whoever comes by.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from dr.clock import Clock, clock, iso
from dr.errors import Failed
from dr.model.inventory import Inventory
from dr.model.notice_record import Notice
from dr.model.ports import StepContext, Telling
from dr.model.ports.notices import Ledger
from dr.notify.audience import audience
from dr.notify.carrier import Carrier
from dr.notify.post import Audit
from dr.notify.render import render
from dr.notify.story import tell_story
from dr.policy.gathering import of_runs, told_at, waits

_LOOK = 0.2
"""Seconds between two looks at what another process is sending."""


def _no_failpoint(_ctx: StepContext) -> None:
    """Outside of tests nothing happens between a message's sending and its record."""


class LedgerNotifier:
    """`dr.model.ports.Notifier`. `after_send` is where a test kills the process."""

    def __init__(
        self,
        inventory: Inventory,
        ledger: Ledger,
        clock: Clock,
        carrier: Carrier,
        *,
        after_send: Callable[[StepContext], None] = _no_failpoint,
        carried: Callable[[], bool] = lambda: False,
    ) -> None:
        """`carried`: whether somebody will come by who carries what waits."""
        self._inventory, self._ledger, self._clock, self._carrier = inventory, ledger, clock, carrier
        self._after_send, self._carried = after_send, carried

    def tell(self, telling: Telling, ctx: StepContext) -> Notice:
        """Tell everybody who is meant, by each of their channels; gives back the notice as it is in the ledger.

        `delivered`: every contact confirmed by one channel at least; `partial`: some; `failed`: none; `owed`: it waits to be told in one
        with others. Raises Failed if `to` is nobody (which is in the ledger too, and red), ConfigError for an unknown template.
        """
        notice = self._owe(self._notice(telling, ctx), ctx)
        if notice.state == "delivered" or notice.digest:
            return notice
        if not audience(self._inventory, telling.to):
            self._reached_nobody(notice, ctx)
        if waits(notice) and self._carried():
            return notice
        return self._send(notice, ctx.audit, lambda: self._after_send(ctx), ctx.check_stop)

    def resend(self, known: Notice, audit: Audit) -> Notice:
        """Tell those whom a notice of the ledger has not reached, as at a repeated step; gives it back as it is then."""
        notice = self._ledger.owe(known)
        if not audience(self._inventory, notice.to):
            return notice
        return self._send(notice, audit, lambda: None, lambda: None)

    def _owe(self, new: Notice, ctx: StepContext) -> Notice:
        """Into the ledger. Of many at once, one is the first; the others are put off there and then."""
        if not (of_runs(new) and audience(self._inventory, new.to) and self._carried()):
            return self._ledger.owe(new)
        now, rules = self._clock.now(), self._inventory.notices
        lately = now - timedelta(seconds=2 * rules.gather)  # who waits may be carried a little after it was due

        def put_off(others: Sequence[Notice]) -> Notice:
            return new.model_copy(update={"due": told_at(new, others, rules, now)})

        notice = self._ledger.owe_beside(new, lately, put_off)
        if notice.due is not None and waits(notice):
            ctx.audit("notice.waits", notice.id, {"to": notice.to, "template": notice.template, "until": iso(notice.due)})
        return notice

    def _notice(self, telling: Telling, ctx: StepContext) -> Notice:
        now = self._clock.now()
        zone = self._inventory.organisation.zone
        story = tell_story(self._inventory, self._ledger, ctx.run, now, zone, telling.note)
        until = clock(telling.until, now, zone) if telling.until else ""
        message = render(telling.template, story.model_copy(update={"question": telling.question, "until": until}))
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
            acknowledge=telling.acknowledge,
        )

    def _reached_nobody(self, notice: Notice, ctx: StepContext) -> None:
        self._ledger.record_delivery(notice.model_copy(update={"state": "nobody"}))
        ctx.audit("notice.nobody", notice.id, {"to": notice.to, "template": notice.template})
        raise Failed(
            f"the notice '{notice.template}' to '{notice.to}' reached nobody: no contact or group has that name",
            hint=f"name a contact in inventory/contacts.yaml, or add the group '{notice.to}' to one; then tell them by hand now",
        )

    def _send(self, notice: Notice, audit: Audit, after_send: Callable[[], None], stop: Callable[[], None]) -> Notice:
        """By the carrier, until nobody sends any of it; what had been tried before is tried anew, now."""
        if notice.begun or notice.deliveries:
            self._ledger.amend(notice.id, lambda known: known.model_copy(update={"round": known.round + 1}))
        self._carrier.carry([notice.id], after_send, stop)
        while (sent := self._ledger.notice(notice.id) or notice).claims:
            stop()
            time.sleep(_LOOK)
            self._carrier.carry([notice.id], after_send, stop)
        people = len(audience(self._inventory, sent.to))
        reached = len({delivery.contact for delivery in sent.deliveries if delivery.state == "delivered"})
        facts = {"to": sent.to, "template": sent.template, "people": people, "reached": reached, "repeated": sent.repeated}
        audit(f"notice.{sent.state}", sent.id, facts)
        return sent
