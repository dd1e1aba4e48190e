"""Who may approve what: pure. Names are as they are recorded: `ann`, or `ann as root` for somebody who works as another through sudo."""


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
