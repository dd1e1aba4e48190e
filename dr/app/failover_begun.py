"""A failover that a person began: carried in the background, so that no terminal keeps it, and looked on at from here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dr.app.background import Begun, begin, pause
from dr.app.engines import FAILOVER
from dr.app.home import App
from dr.app.office_lost import Loss
from dr.app.watching import Watched, look
from dr.errors import Failed
from dr.model.base import RunId
from dr.model.duty import Board
from dr.policy.duty_standing import Change, changes
from dr.policy.roster import roster_of

Begin = Callable[[App, Loss], Begun]


@dataclass(frozen=True)
class Carried:
    """Its run, and the process that has it."""

    run: RunId
    by: Begun


def in_background(app: App, loss: Loss) -> Begun:
    return begin(app.home, FAILOVER, words(loss))


def words(loss: Loss) -> tuple[str, ...]:
    """What that process is told: what the person typed, who has said yes to it already."""
    through = {"all": (), "none": ("--only",)}.get(loss.through, tuple(f"--through={name}" for name in loss.through.split()))
    alone = (f"--alone={loss.alone}",) if loss.alone else ()
    return ("office", "lost", loss.office, *through, *alone, *(("--exercise",) if loss.exercise else ()), "--here", "--yes")


def set_going(app: App, loss: Loss, begin_it: Begin = in_background) -> Carried:
    """Begin it there, and wait until its run is on record. Raises Failed with what it said, where it ended before."""
    known = {one.run for one in app.records.runs(kind=FAILOVER)}
    begun = begin_it(app, loss)
    while True:
        ended = begun.ended  # before the look: a run that was put on record and is over by then is found
        fresh = [one.run for one in app.records.runs(kind=FAILOVER) if one.run not in known and _is(one.parameters, loss)]
        if fresh:
            return Carried(fresh[0], begun)
        if ended is not None:
            raise Failed(f"it was not begun; what was to carry it said:\n{begun.words()}", hint=f"the whole of it: {begun.log}")
        pause()


def _is(parameters: object, loss: Loss) -> bool:
    given = parameters if isinstance(parameters, dict) else {}
    return given.get("office") == loss.office and bool(given.get("exercise")) == loss.exercise


@dataclass
class Onlooker:
    """How a failover comes about, look by look."""

    app: App
    carried: Carried
    _before: Board | None = field(default=None, init=False)

    def seen(self) -> Watched:
        return look(self.app, self.carried.run)

    def fresh(self) -> Iterator[Change]:
        """What is new of each duty since the last look."""
        log = str(self.app.run_record(self.carried.run).parameters.get("exercise") or "")
        board, before = self.app.records.board(log), self._before
        if board is not None and board != before:
            self._before = board
            yield from changes(roster_of(self.app.inventory), before, board, self.app.clock.now())
