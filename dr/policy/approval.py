"""Who may approve what: pure. Names are as they are recorded: `ann`, or `ann as root` for somebody who works as another through sudo."""

from dr.model.base import RunId

ASKED = "approval.asked"
"""The event that a question was put: which attempt of which step, and until when it stands."""


def untold(run: RunId) -> str:
    """How the keys of the findings begin that nobody was told of a question of this run. A run that is over waits for nobody."""
    return f"approval-untold:{run}:"


def same_person(one: str, other: str) -> bool:
    """Whether two recorded names may be one person.

    Two who came through sudo to one account (`ann as root`, `bob as root`) are told apart; whoever sits in that account itself (`root`) is
    not told from them. Two who share a login are one: that they are two cannot be shown.
    """
    (person, account), (second, its) = _parts(one), _parts(other)
    return bool({person, account} & {second}) or person == its


def _parts(who: str) -> tuple[str, str]:
    """The person, and the account in whose name they act."""
    person, _, account = who.partition(" as ")
    return person.strip(), account.strip() or person.strip()
