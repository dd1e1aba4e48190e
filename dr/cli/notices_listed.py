"""Notices for a person at a terminal: what each says, what became of it, and the name by which `dr notices show` tells the rest."""

from collections.abc import Iterator, Sequence

from dr.app.retry_notices import what_became
from dr.cli.show import MARKS, Drawn, wrapped
from dr.clock import local
from dr.model.notice_record import Notice

_RED = ("failed", "nobody", "unanswered")
_INDENT = "    "


def state_of(notice: Notice) -> str:
    """How it stands, as one word; who acknowledged it, where somebody did."""
    if notice.answered:
        return "acknowledged: " + ", ".join(dict.fromkeys(one.contact for one in notice.acknowledgements))
    return "gathered" if notice.digest else "waits" if notice.acknowledge and notice.state == "delivered" else notice.state


def listed(notices: Sequence[Notice], zone: str, width: int) -> Iterator[Drawn]:
    """In the order given. No line is wider than `width` but a name that is longer: it is there to be copied."""
    for notice in notices:
        shade = _shade(notice)
        yield from ((line, shade) for line in wrapped(f"{MARKS[shade]} {notice.subject}", width, first="", rest="  "))
        became = f"{local(notice.created, zone)}, to {notice.to}: it {what_became(notice)}{_next(notice, zone)}"
        yield from ((line, "") for line in wrapped(became, width, first=_INDENT, rest=_INDENT))
        yield _INDENT + notice.id, ""


def _next(notice: Notice, zone: str) -> str:
    return f"; it goes on {local(notice.due, zone)}" if notice.due is not None and not notice.answered else ""


def _shade(notice: Notice) -> str:
    if notice.state in _RED and not notice.answered:
        return "red"
    return "green" if notice.answered or (notice.state == "delivered" and not notice.acknowledge) else "amber"
