"""Standbys that belong to somebody else, and the agreements by which sets may be restored on them."""

import re
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dr.model.base import StrictModel
from dr.model.opening import Form

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def _day(text: str) -> str:
    try:
        if re.match(_DATE, text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError(f"'{text}' is no date; write it as 2026-01-15")


Day = Annotated[str, AfterValidator(_day), Form(_DATE)]
"""`2026-01-15`, on the organisation's calendar."""


class Agreement(StrictModel):
    """What was signed, so that client data may lie on their machine."""

    document: str = Field(min_length=1)
    """Where a person finds it: its title, or its number in your files."""
    signed: Day
    """The first day on which it is in force."""
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
