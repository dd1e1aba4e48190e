"""What the loss of an office would do to one duty."""

from dataclasses import dataclass

from dr.model.base import Instant, OfficeName
from dr.model.duty import DutyName, PassedOver


@dataclass(frozen=True)
class Proposed:
    """One duty that nobody would hold any more. `to`: who would be asked for it; None: nobody is left."""

    duty: DutyName
    title: str
    holder: str
    """The title of whoever holds it now."""
    why: str
    to: OfficeName | None
    to_title: str
    until: Instant | None
    reasons: tuple[str, ...]
    passed: tuple[PassedOver, ...]

    @property
    def words(self) -> str:
        return f"would ask {self.to_title} for {self.title}" if self.to else f"NOBODY would hold {self.title}: no office is left to ask"
