"""Codes by which a person says that they saw a message: short enough for a telephone, each for one message to one person, once.

Only a keyed digest is kept: neither the catalog nor a message in the ledger can acknowledge anything. Wrong ones are counted, so that
nobody tries them through.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from dr.errors import Refused
from dr.model.notice_record import Notice
from dr.model.ports.notices import Code, Ledger
from dr.notify.proven import address_of

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read for another: I and 1, O and 0."""
_LENGTH = 6
TRIES, WITHIN = 10, timedelta(minutes=15)
"""So many wrong codes in so long; then none is looked at, until the first of them is that old."""
_SETTING = "acknowledge.wrong"


def _drawn() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def used_already(_code: Code) -> Refused:
    return Refused("that code was used already", hint="each can be used once; `dr notices` shows who acknowledged what")


class Codes:
    """Given out and taken back. `key`: the home's digest key; `draw`: six letters by chance."""

    def __init__(self, ledger: Ledger, key: Callable[[], bytes], draw: Callable[[], str] = _drawn) -> None:
        self._ledger, self._key, self._draw = ledger, key, draw

    def make(self, notice: Notice, contact: str, channel: int, url: str, expires: datetime) -> tuple[str, Code]:
        """For a message by the channel at `url`: the code, which nobody keeps, and what is kept of it. It may be another's already."""
        letters = self._draw()
        kept = Code(self._digest(letters), notice.id, contact, expires, channel, notice.outage, notice.round, address_of(url, self._key()))
        return f"{letters[:4]}-{letters[4:]}", kept

    def find(self, typed: str, now: datetime, outage: str | None = None, used: Callable[[Code], Refused] = used_already) -> Code:
        """What a typed code stands for; it is not used up yet. Raises Refused for one that is unknown, used (in the words of `used`),
        expired or of another outage, and for any after too many wrong ones."""
        self._count(now)
        digest = self._digest(_normal(typed))
        found = self._ledger.code(digest)
        if found is None or not hmac.compare_digest(found.digest, digest):
            raise Refused(f"'{_shown(typed)}' is no code of any message", hint="type it as the message has it, such as K7QM-2F")
        self._uncount(now)
        if outage is not None and found.outage != outage:
            about = f"of {found.outage}" if found.outage else "of a message that is about no outage"
            raise Refused(f"that code is not of {outage}, it is {about}", hint="leave --outage out, or take the code of its own message")
        if found.used is not None:
            raise used(found)
        if now >= found.expires:
            raise Refused("that code has expired", hint="the newest message has one that is valid, or: dr notices show NOTICE")
        return found

    def use(self, code: Code, now: datetime, used: Callable[[Code], Refused] = used_already) -> None:
        """Of two at once, one is refused."""
        if not self._ledger.use_code(code.digest, now):
            raise used(code)

    def _digest(self, letters: str) -> str:
        return hmac.new(self._key(), b"dr acknowledgement\0" + letters.encode(), hashlib.sha256).hexdigest()

    def _count(self, now: datetime) -> None:
        """As a wrong one, before it is looked at: whoever types codes in many processes at once has no more tries than in one."""

        def counted(kept: str | None) -> str:
            wrong = _lately(kept, now)
            if len(wrong) >= TRIES:
                hint = f"wait {WITHIN.seconds // 60} minutes; `dr notices` shows what was sent to whom"
                raise Refused(f"{TRIES} wrong codes were typed here lately: none is looked at for now", hint=hint)
            return json.dumps([*wrong, now.isoformat()])

        self._ledger.amend_setting(_SETTING, counted)

    def _uncount(self, now: datetime) -> None:
        """It was one of ours."""

        def without(kept: str | None) -> str:
            wrong = _lately(kept, now)
            if now.isoformat() in wrong:
                wrong.remove(now.isoformat())
            return json.dumps(wrong)

        self._ledger.amend_setting(_SETTING, without)


def _lately(kept: str | None, now: datetime) -> list[str]:
    """When wrong ones were typed; on either side of now, since another process may have looked at the clock a moment later, and none
    counts for longer because a clock ran ahead."""
    return [at for at in json.loads(kept or "[]") if abs(now - datetime.fromisoformat(at)) < WITHIN]


def _normal(typed: str) -> str:
    """As it may be typed on a telephone: in small letters, without the dash, with spaces."""
    return "".join(letter for letter in typed.upper() if letter.isascii() and letter.isalnum())[:40]


def _shown(typed: str) -> str:
    return "".join(letter for letter in typed if letter.isprintable())[:12]
