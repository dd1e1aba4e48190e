"""Which offices a loss takes with it. Pure.

A building takes all that are in it: they are lost, each until it returns. What an office depends on (a provider, a power region) takes all
that share it, as far as the loss is a loss of that, which nobody knows unless the declarer says so: until then they are taken to be
affected. An affected office that works may say so, and is spared.
"""

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from dr.model.base import OfficeName
from dr.model.duty import Board, LostOffice
from dr.policy.roster import Roster


def neighbours(roster: Roster, office: str) -> tuple[OfficeName, ...]:
    """The other offices of its building."""
    building = roster.offices[office].building
    return tuple(OfficeName(name) for name, each in roster.offices.items() if building and name != office and each.building == building)


def shared(roster: Roster, loss: LostOffice, office: str) -> tuple[str, ...]:
    """What of the things that failed with a lost office another one depends on as well."""
    if loss.office not in roster.offices or office not in roster.offices:
        return ()
    failed = roster.offices[loss.office].depends if loss.through is None else loss.through
    return tuple(name for name in failed if name in roster.offices[office].depends)


def touched(roster: Roster, board: Board, office: str) -> str:
    """By which loss an office is affected that is not lost itself, in words; nothing where it is by none."""
    for loss in board.lost:
        through = shared(roster, loss, office)
        if through and loss.office != office:
            return f"shares {' and '.join(through)} with {roster.office_title(loss.office)}, which is lost"
    return ""


def affected(roster: Roster, board: Board) -> Mapping[str, str]:
    """Every office that may hold nothing now, and why: the lost ones, and whoever shares what failed with them and was not spared."""
    found = {str(each.office): f"is lost since {each.since.astimezone(ZoneInfo(roster.zone)):%Y-%m-%d %H:%M}" for each in board.lost}
    for office in roster.offices:
        why = touched(roster, board, office)
        if why and office not in found and office not in board.spared:
            found[office] = why
    return found
