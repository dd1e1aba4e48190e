"""The ledger of notices, as those who carry them use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dr.model.notice_record import Notice
from dr.model.ports.records import Records


@dataclass(frozen=True)
class Code:
    """What a person types to acknowledge a message; of the code itself, only a keyed digest."""

    digest: str
    notice: str
    contact: str
    expires: datetime
    channel: int = 0
    outage: str | None = None
    round: int = 0
    address: str = ""
    """A keyed digest of the channel's address, which this code proves."""
    used: datetime | None = None


class Ledger(Records, Protocol):
    """Records, and what a pursued notice needs beside them."""

    def notice(self, notice: str) -> Notice | None: ...

    def owe_beside(self, notice: Notice, since: datetime, decide: Callable[[Sequence[Notice]], Notice]) -> Notice:
        """As `owe`; where it is new, as it was decided in view of what else was owed to the same since then, oldest first.

        Nobody writes in between: of two at once, one is the first.
        """
        ...

    def amend(self, notice: str, change: Callable[[Notice], Notice]) -> Notice:
        """Read it, change it and keep it, with nobody writing in between. Raises Failed where it is not there."""
        ...

    def amend_gathered(self, digest: str, change: Callable[[Notice], Notice]) -> int:
        """As `amend`, each notice that was gathered into that one; how many."""
        ...

    def gather(self, digest: Notice, members: Sequence[str]) -> Notice:
        """Into the ledger, with those of its members that nobody has begun to send: all of it, or nothing."""
        ...

    def postpone(self, notices: Sequence[str], until: datetime) -> None:
        """Nobody looks at these before then."""
        ...

    def due_notices(self, until: datetime, outage: str | None = None) -> list[Notice]:
        """Whose `due` has come, the most severe first; and what a clock that ran ahead of `until` has put off."""
        ...

    def next_due(self, outage: str | None = None) -> datetime | None: ...

    def notices_since(self, since: datetime) -> list[Notice]:
        """Those that were owed since then, oldest first."""
        ...

    def record_codes(self, codes: Sequence[Code]) -> list[str]:
        """The digests of those that are another message's already, now or long ago: they stay what they were."""
        ...

    def code(self, digest: str) -> Code | None: ...

    def use_code(self, digest: str, at: datetime) -> bool:
        """Whether it was not used before: of two at once, one is told True."""
        ...

    def amend_setting(self, key: str, change: Callable[[str | None], str]) -> str:
        """Read it, change it and keep it, with nobody writing in between. What `change` raises leaves it as it was."""
        ...
