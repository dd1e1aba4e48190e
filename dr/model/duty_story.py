"""What the notices about offices and duties may say. Times are the organisation's; no client's data belongs in any of it."""

from dr.model.base import StrictModel


class DutyLine(StrictModel):
    """One duty, as a message tells of it."""

    name: str
    """As it is typed: `help-desk`."""
    title: str
    number: int
    """The fencing number by which it is asked for, or held."""
    office: str
    """Who is asked, or holds it; empty: nobody."""
    before: str
    """Who held it last; empty where that is the same, or not known."""
    until: str
    """By when who is asked must have answered; empty where nobody is."""
    why: str
    reasons: tuple[str, ...]
    """Why that office."""
    passed: tuple[str, ...]
    """`Green Bay: refused (anna: three of us are ill)`: who is not asked, and why."""


class DutyStory(StrictModel):
    organisation: str
    exercise: bool
    at: str
    by: str
    """Who said what it is about."""
    office: str
    """The office that it is about: lost, back, or asked."""
    office_name: str
    """As it is typed."""
    duties: tuple[DutyLine, ...]
    flag: str
    """What stands behind every command of a rehearsal: ` --exercise`; empty otherwise."""
