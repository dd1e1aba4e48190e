"""How much would have been lost: the worst gap between one backup's instant and the next."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

from dr.model.base import Instant, Seconds, StrictModel
from dr.model.record import RpoMeasured
from dr.policy.words import short

MONTH = timedelta(days=30)


class WorstGap(StrictModel):
    """`seconds` is None when there is nothing to count from; `what` says how it was counted, or why not."""

    seconds: Seconds | None
    began: Instant | None = None
    ended: Instant | None = None
    what: str

    def against(self, objective: Seconds | None) -> RpoMeasured | None:
        """As a run's RPO; None where nothing could be counted."""
        if self.seconds is None:
            return None
        within = None if objective is None else self.seconds <= objective
        return RpoMeasured(seconds=self.seconds, objective=objective, within=within, what=self.what)


def worst_gap(instants: Iterable[datetime], now: datetime, *, over: timedelta = MONTH) -> WorstGap:
    """The longest time between set instants in the last month, the time since the newest included.

    A gap that ended inside the month counts whole, wherever it began: it was the loss that threatened at its end. Instants ahead of now
    are not believed.
    """
    known = sorted({at for at in instants if at <= now})
    month = short(over.total_seconds())
    if not known:
        return WorstGap(seconds=None, what="no backup set: everything would be lost")
    inside = [(began, ended) for began, ended in pairwise([*known, now]) if ended > now - over]
    began, ended = max(inside, key=lambda gap: (gap[1] - gap[0], gap[0]))
    kind = "the newest set's age" if ended == now else f"the worst gap between sets in the last {month}"
    count = len([at for at in known if at > now - over])
    return WorstGap(
        seconds=Seconds((ended - began).total_seconds()),
        began=began,
        ended=ended,
        what=f"{kind}, over {count} set" + ("" if count == 1 else "s"),
    )
