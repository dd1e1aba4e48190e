"""Notices outside of runs: owed, gathered where they would be a flood, carried by whoever comes by, acknowledged, or loudly unanswered."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dr.clock import Clock, local
from dr.model.base import JsonObject, RunId
from dr.model.inventory import Inventory
from dr.model.notice_record import Notice
from dr.model.ports.notices import Ledger
from dr.model.ports.people import Carried, Word
from dr.model.record import Finding, Severity
from dr.notify.carrier import Carrier
from dr.notify.render import Message, render
from dr.notify.stories import DigestStory, Said
from dr.notify.wording import marked, unmarked
from dr.policy.gathering import OF_RUNS, RANK, Gathering, gatherings, is_untouched, of_runs, worst

SHOWN = 20
"""Subjects that a digest names."""
_FAILED = "-failed"
Audit = Callable[[str, str, JsonObject], None]
"""Event, subject and facts."""


class LedgerPost:
    """`dr.model.ports.Post` over the ledger."""

    def __init__(self, inventory: Inventory, ledger: Ledger, clock: Clock, carrier: Carrier, audit: Audit) -> None:
        self._inventory, self._ledger, self._clock, self._carrier, self.audit = inventory, ledger, clock, carrier, audit

    def owe(self, word: Word) -> Notice:
        """Into the ledger, sent to nobody yet. The same word again is what is there, unless it is more severe now: then it breaks through,
        and is told anew to everybody. Raises ConfigError for an unknown template."""
        message = render(word.template, word.story)
        known = self._ledger.notice(word.id)
        if known is None:
            notice = self._ledger.owe(self._notice(word, message))
            self.audit("notice.owed", notice.id, {"to": notice.to, "template": notice.template, "severity": notice.severity})
            return notice
        if RANK[word.severity] <= RANK[known.severity]:
            return known
        return self._ledger.amend(word.id, lambda notice: self._raised(notice, word, message))

    def carry(self, outage: str | None = None) -> Carried:
        """Send what is due now, until nothing is; see `dr.policy.escalation` for what that is."""
        before = self._gathered(self._ledger.due_notices(self._clock.now(), outage))
        self._carrier.carry([notice.id for notice in before])
        after = [self._settled(notice) for notice in before]
        return Carried(tuple(after), self._ledger.next_due(outage))

    # ------------------------------------------------------------ owed

    def _notice(self, word: Word, message: Message) -> Notice:
        now = self._clock.now()
        return Notice(
            id=word.id,
            to=word.to,
            template=word.template,
            subject=marked(message.subject, exercise=word.exercise),
            body=message.body,
            form=message.form,
            severity=word.severity,
            state="owed",
            created=now,
            due=now,
            outage=word.outage,
            acknowledge=word.acknowledge,
            exercise=word.exercise,
            channel=word.channel,
        )

    def _raised(self, known: Notice, word: Word, message: Message) -> Notice:
        """What was told of it so far was told of something lesser."""
        if RANK[word.severity] <= RANK[known.severity]:
            return known  # another process was first
        told = self._notice(word, message)
        anew = known.round + 1
        update = {"state": "owed", "due": told.due, "round": anew, "raised": anew, "digest": "", "subject": told.subject, "body": told.body}
        return known.model_copy(update={**update, "severity": told.severity, "acknowledge": known.acknowledge or told.acknowledge})

    # ------------------------------------------------------------ gathered

    def _gathered(self, due: Sequence[Notice]) -> list[Notice]:
        """What is to be carried now, many in one where they are many."""
        now = self._clock.now()
        fresh = [notice for notice in due if self._may_be_gathered(notice)]
        since = now - timedelta(seconds=self._inventory.notices.gather)
        recent = self._ledger.notices_since(since) if fresh else []
        left = {notice.id: notice for notice in due}
        for gathering in gatherings(fresh, recent, self._inventory.notices, now):
            for notice in gathering.notices:
                del left[notice.id]
            if gathering.until is not None:
                self._ledger.postpone([notice.id for notice in gathering.notices], gathering.until)
                continue
            digest = self._ledger.gather(self._digest(gathering, now), [notice.id for notice in gathering.notices])
            left.update({digest.id: digest} if digest.gathered else {})
        return sorted(left.values(), key=lambda notice: -RANK[notice.severity])

    @staticmethod
    def _may_be_gathered(notice: Notice) -> bool:
        mine = notice.run is None or of_runs(notice)
        return mine and is_untouched(notice) and not notice.gathered and notice.raised is None and notice.channel is None

    def _digest(self, gathering: Gathering, now: datetime) -> Notice:
        members = gathering.notices
        one = members[0]
        story = self._digest_story(members)
        word = Word(
            id=f"digest-{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            to=one.to,
            template=OF_RUNS if of_runs(one) else "digest",
            story=story,
            severity=worst(members),
            outage=one.outage,
            acknowledge=any(notice.acknowledge for notice in members),
            exercise=one.exercise,
        )
        return self._notice(word, render(word.template, story))

    def _digest_story(self, members: Sequence[Notice]) -> DigestStory:
        zone = self._inventory.organisation.zone
        said: dict[tuple[Severity, str], list[Notice]] = {}
        for notice in sorted(members, key=lambda notice: (-RANK[notice.severity], notice.created, notice.id)):
            said.setdefault((notice.severity, unmarked(notice.subject)), []).append(notice)
        shown = list(said.items())[:SHOWN]

        def count(severity: Severity) -> int:
            return sum(notice.severity == severity for notice in members)

        return DigestStory(
            organisation=self._inventory.organisation.name,
            count=len(members),
            critical=count("critical"),
            warnings=count("warning"),
            failed=sum(notice.template.endswith(_FAILED) for notice in members),
            since=local(min(notice.created for notice in members), zone),
            shown=tuple(Said(severity=s, subject=text, at=local(same[0].created, zone), times=len(same)) for (s, text), same in shown),
            more=len(members) - sum(len(same) for _, same in shown),
        )

    # ------------------------------------------------------------ what became of it

    def _settled(self, before: Notice) -> Notice:
        """As it is now; a change of its state is audited, told to what it gathered, and where nobody answered it is a finding."""
        after = self._ledger.notice(before.id) or before
        if after.state != before.state:
            facts = {"to": after.to, "template": after.template, "round": after.round, "deliveries": len(after.deliveries)}
            self.audit(f"notice.{after.state}", after.id, facts)
            if after.gathered:
                self._ledger.amend_gathered(after.id, lambda notice: notice.model_copy(update={"state": after.state}))
        if after.acknowledge and after.channel is None:
            return self._say_unanswered(after)
        return after

    def _say_unanswered(self, notice: Notice) -> Notice:
        key, now = f"unanswered:{notice.id}", self._clock.now()
        if notice.answered or notice.state not in ("unanswered", "nobody"):
            self._ledger.close_finding(key, now, RunId(""))
            return notice
        since = local(notice.created, self._inventory.organisation.zone)
        severity: Severity = "info" if notice.exercise else "critical" if notice.severity == "critical" else "warning"
        nobody = "no contact or group has that name" if notice.state == "nobody" else "everybody was told by every channel"
        message = f"nobody acknowledged '{notice.subject}', owed to {notice.to} since {since}: {nobody}"
        hint = f"tell them by telephone now; dr notices show {notice.id}"
        self._ledger.finding(Finding(key=key, severity=severity, message=message, hint=hint, at=now))
        return self._ledger.amend(notice.id, _said) if _is_at_its_end(notice) else notice


def _is_at_its_end(notice: Notice) -> bool:
    """Nothing more is done about it; due until it is a finding, so that a kill in between hides nothing."""
    return notice.state in ("unanswered", "nobody") and notice.due == notice.created


def _said(notice: Notice) -> Notice:
    return notice.model_copy(update={"due": None}) if _is_at_its_end(notice) else notice
