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


def typed(dr: str, run: str, step: str, *, by: str, owner: str) -> str:
    """What somebody types who gives their word on a step (on what waits, without one); it can be pasted as it is.

    `dr`: this program with its home (`dr.program.this_dr`). `by`: whoever else it must be than this one; empty: anybody.
    """
    account = through(by, owner) if by else None
    return f"{_sudo(account)}{dr} runs approve {run}" + (f" {step}" if step else "")


def _sudo(account: str | None) -> str:
    return "" if account is None else "sudo " if account == "root" else f"sudo -u {account} "


def way(dr: str, run: str, *, by: str, owner: str, begun: bool = False) -> str:
    """As `typed`, in a sentence; or what is to be done where nobody could. `begun`: it is under way, and whoever reads it may be either."""
    if through(by, owner) is None:
        if begun:
            return (
                f"it was begun as {by}, so dr cannot tell a second person from whoever began it: begin it again with sudo from a login of "
                "one's own, then a colleague approves with sudo from theirs. Nobody there? Begin it again with --alone and why"
            )
        return (
            f"you are {by} itself, so dr cannot tell you from a second person: begin it with sudo from a login of your own, then a "
            "colleague approves with sudo from theirs. Nobody there? Begin it with --alone and why"
        )
    return f"from their own login they type: {typed(dr, run, '', by=by, owner=owner)}"
