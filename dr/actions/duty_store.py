"""What a step does where the store of claims does not answer: it goes on with what needs no store, and says so until it answers again."""

from dr.actions.duty_desk import Desk
from dr.errors import Unreachable
from dr.model.duty_log import REAL
from dr.model.ports import StepContext

UNREAD = "duty-claims-unread"
"""The finding that says that the store of claims does not answer."""


def heed_store(desk: Desk, ctx: StepContext) -> str:
    """Put on record what other machines moved; why that could not be seen, or nothing."""
    try:
        desk.sync()
    except Unreachable as error:
        ctx.progress(f"{error.message}; everybody is asked all the same")
        return error.message
    return ""


def follow_up(desk: Desk, ctx: StepContext, unread: str) -> None:
    """Do what follows from every turn, write to whom it concerns, and say whether the store answers. `unread`: why it did not just now."""
    unread = _answered(desk) or unread
    ctx.post.carry()
    ctx.failpoint("after-carried")
    _tell_store(unread, ctx, rehearsed=desk.log != REAL)


def _answered(desk: Desk) -> str:
    """Do what follows from every turn; why a claim could not be put, or nothing."""
    try:
        desk.heed()
    except Unreachable as error:
        return error.message
    return ""


def _tell_store(unread: str, ctx: StepContext, *, rehearsed: bool) -> None:
    """A store that does not answer is a finding until it does."""
    if unread and not rehearsed:
        hint = "bring it back: nobody holds a duty by a claim that was not stored; dr repositories check"
        ctx.finding(UNREAD, "critical", f"no duty can move: {unread}", hint=hint)
    else:
        ctx.records.close_finding(UNREAD, ctx.clock.now(), ctx.run)
