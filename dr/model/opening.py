"""When a place can be entered: `Mon-Fri 09:00-17:00`, as the inventory writes it, on the clock of the organisation's zone."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import AfterValidator

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MIDNIGHT = 24 * 60
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_TIME = r"(?:[01][0-9]|2[0-4]):[0-5][0-9]"
_PIECE = f"{_DAY}(?:-{_DAY})?"
FORM = rf"^{_PIECE}(?:,{_PIECE})* {_TIME}-{_TIME}$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_SHOW = "write days and hours such as Mon-Fri 09:00-17:00 or Sat,Sun 10:00-12:00; midnight at the end of a day is 24:00"


@dataclass(frozen=True)
class Span:
    """Open from `begins` to `ends` (minutes after midnight) on each of `days` (0: Monday)."""

    days: frozenset[int]
    begins: int
    ends: int


@dataclass(frozen=True)
class Form:
    """How a text is written; an editor's schema has it from here. What it must mean besides is for a validator to say."""

    pattern: str


def parse_span(text: str) -> Span:
    """Raises ValueError: what is wrong, and what to write."""
    if not re.match(FORM, text):
        raise ValueError(f"'{text}' is no opening hours; {_SHOW}")
    days, hours = text.split(" ")
    begins, ends = (int(at[:2]) * 60 + int(at[3:]) for at in hours.split("-"))
    if begins >= ends or ends > MIDNIGHT:
        over = begins >= ends > 0
        hint = "hours over midnight are two entries: Fri 22:00-24:00 and Sat 00:00-02:00" if over else _SHOW
        raise ValueError(f"'{text}' does not end after it begins, on the same day; {hint}")
    return Span(frozenset(day for piece in days.split(",") for day in _days(piece)), begins, ends)


def _days(piece: str) -> list[int]:
    """`Fri-Mon` goes round the week's end."""
    first, _, last = piece.partition("-")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]


def _opening(text: str) -> str:
    parse_span(text)
    return text


def _day(text: str) -> str:
    try:
        if re.match(_DATE, text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise ValueError(f"'{text}' is no date; write 2026-12-25")


def _apart(written: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Hours that overlap are a slip of the pen; a list without any would never be open."""
    if written is not None and not written:
        raise ValueError(f"it would never be open; {_SHOW}, or take `open` out")
    spans = [(text, parse_span(text)) for text in written or ()]
    for number, (text, span) in enumerate(spans):
        for other, before in spans[:number]:
            if span.days & before.days and span.begins < before.ends and before.begins < span.ends:
                raise ValueError(f"'{text}' overlaps '{other}'; name each hour of the week once")
    return written


Opening = Annotated[str, AfterValidator(_opening), Form(FORM)]
Day = Annotated[str, AfterValidator(_day), Form(_DATE)]
"""`2026-12-25`, on the calendar of whoever wrote it."""
OpeningHours = Annotated[tuple[Opening, ...] | None, AfterValidator(_apart)]


def spans_of(written: Sequence[str]) -> tuple[Span, ...]:
    return tuple(parse_span(text) for text in written)
