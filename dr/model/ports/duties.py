"""What is on record of duties, as the other rooms use it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from dr.model.base import RunId
from dr.model.duty import Board
from dr.model.duty_log import Decide, DutyTurn, Wanted


class DutyLedger(Protocol):
    """Part of the catalog. Every write is idempotent, and in the audit trail in the same breath. `log`: a rehearsal's, or empty."""

    def take_turn(self, log: str, decide: Decide, *, by: str, home: str, run: RunId | None, at: datetime) -> DutyTurn | None:
        """Let `decide` (without effects) say what follows from how everything stands, and put it on record; None: nothing worth it."""
        ...

    def board(self, log: str = "") -> Board | None:
        """How everything stands; None where nothing was ever recorded."""
        ...

    def duty_turns(self, log: str = "") -> list[DutyTurn]:
        """Oldest first."""
        ...

    def uncarried_turns(self, log: str = "") -> list[DutyTurn]:
        """Those of which not everything that follows was done yet, oldest first."""
        ...

    def carried_turn(self, log: str, number: int, at: datetime) -> None:
        """Everything that follows from a turn was done."""
        ...

    def want_duty(self, wanted: Wanted) -> bool:
        """An office would take a duty back. False where that is on record already."""
        ...

    def wanted_duties(self, log: str = "") -> list[Wanted]: ...
    def duty_exercises(self) -> list[str]:
        """The rehearsals that there were, the newest last."""
        ...

    def call_off(self, prefix: str, over: Callable[[str], bool]) -> list[str]:
        """Nothing more is sent, or asked, by the notices whose name begins so and of whose name `over` says so; those that it stopped."""
        ...
