"""Why a notice did not reach everybody, in plain words."""

from collections.abc import Iterator

from dr.model.notice_record import Delivery, Notice
from dr.policy.gathering import of_runs, waits

_MAIL = ("mailto", "mailtos")
_STATES = {
    "owed": "is still owed",
    "delivered": "was delivered",
    "partial": "reached only some of them",
    "nobody": "reached nobody",
    "unanswered": "was acknowledged by nobody",
}


def what_became(notice: Notice) -> str:
    """`was not delivered: the mail server could not be reached`."""
    if notice.answered:
        return f"was acknowledged by {', '.join(dict.fromkeys(one.contact for one in notice.acknowledgements))}"
    if notice.digest:
        return f"is told as part of {notice.digest}"
    if of_runs(notice) and waits(notice):
        return "waits to be told in one with others"
    state = _STATES.get(notice.state, "was not delivered")
    causes = why(notice)
    if notice.acknowledge and notice.state == "delivered":
        return f"{state}, and nobody acknowledged it yet"
    return f"{state}: {causes}" if causes else state


def why(notice: Notice) -> str:
    """The last cause of each contact whom nothing reached; empty where everybody was."""
    if notice.state == "nobody":
        return "no contact or group has that name"
    return "; ".join(dict.fromkeys(_causes(notice)))


def _causes(notice: Notice) -> Iterator[str]:
    reached = {delivery.contact for delivery in notice.deliveries if delivery.state == "delivered"}
    newest = {(d.contact, d.channel): d for d in notice.deliveries if d.contact not in reached}
    yield from (cause(delivery) for delivery in newest.values())


def cause(delivery: Delivery) -> str:
    """Why this attempt did not deliver; empty where it did."""
    return delivery.detail.replace("the provider", "the mail server") if delivery.scheme in _MAIL else delivery.detail
