"""Standbys that belong to somebody else, and the agreements by which sets may be restored on them."""

from typing import Self

from pydantic import Field, model_validator

from dr.model.base import StrictModel
from dr.model.opening import Day


class Agreement(StrictModel):
    """What was signed, so that client data may lie on their machine."""

    document: str = Field(min_length=1)
    """Where a person finds it: its title, or its number in your files."""
    signed: Day
    """The first day on which it is in force, on the organisation's calendar."""
    until: Day | None = None
    """The last day; none: until it is taken out here."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until < self.signed:
            raise ValueError("'until' is before 'signed'; an agreement ends after it begins")
        return self


class ThirdParty(StrictModel):
    """A standby that is not ours."""

    owner: str = Field(min_length=1)
    """Whose machine it is, in words."""
    agreement: Agreement | None = None
    """None: nothing may be restored there."""
