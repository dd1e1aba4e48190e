"""How a second person gives their word on a run of a home that only one account may enter: through sudo, from their own login. Pure."""

from dr.policy.approval import same_person

_OTHER = "somebody-else"


def through(by: str, owner: str) -> str | None:
    """The account through which somebody other than `by` is told from them; None where there is none. `owner`: the home's.

    Whoever works in an account itself (`dr`, not `ann as dr`) is not told from those who come to it through sudo: then it is root.
    """
    own = by.partition(" as ")[2].strip()
    accounts = filter(None, (own, owner, "root"))
    return next((one for one in accounts if not same_person(f"{_OTHER} as {one}", by)), None)


def way(by: str, owner: str, home: str, run: str) -> str:
    """What they type, or what is to be done where nobody could."""
    account = through(by, owner)
    if account is None:
        return (
            f"nobody who comes through sudo is told from {by}, who begins it in that account itself: begin it from a login of your own "
            "with sudo, so that another's sudo counts, or say --alone and why"
        )
    return f"from their own login they type: sudo {'' if account == 'root' else f'-u {account} '}dr --home {home} runs approve {run}"
