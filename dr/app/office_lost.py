"""`dr office lost`: what it would do and why, said before it begins; then the runbook, for real or as an exercise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr import plugins
from dr.actions.duty_desk import Desk
from dr.actions.reassign_duties import parts
from dr.app.approvals import how_second
from dr.app.duties import Offices, require_known
from dr.app.engines import FAILOVER
from dr.app.home import App, whoami
from dr.config.plan import compile_plan
from dr.errors import ConfigError, Refused, Unreachable
from dr.model.base import ContactName, OfficeName
from dr.model.duty import Absence, Board
from dr.model.duty_events import Lost
from dr.model.duty_proposal import Proposed
from dr.model.record import RunRecord
from dr.model.runbook import Plan, Runbook
from dr.policy.affected import affected
from dr.policy.claim_stores import said as stores_said
from dr.policy.duty_proposal import proposal
from dr.policy.duty_words import AUDIENCES
from dr.policy.failover import open_board, turn
from dr.policy.roster import Roster, present

RUNBOOK = "office-failover"
_BUILT_IN = {
    "runbook": RUNBOOK,
    "title": "Move the duties of a lost office to others",
    "kind": FAILOVER,
    "parameters": {"office": {"default": ""}, "through": {"default": "all"}, "exercise": {"default": ""}, "confirm": {"default": "one"}},
    "steps": [
        {
            "id": "approval",
            "action": "approve",
            "when": {"value": "${parameters.confirm}", "equals": "two"},
            "with": {
                "second_person": True,
                "timeout": 7200.0,
                "instructions": "Is the office of ${parameters.office} really lost? Try to reach it by another way.",
            },
        },
        {
            "id": "reassign",
            "needs": ["approval"],
            "action": "reassign-duties",
            "with": {"office": "${parameters.office}", "through": "${parameters.through}", "exercise": "${parameters.exercise}"},
        },
        {"id": "accepted", "needs": ["reassign"], "action": "await-acceptances", "with": {"exercise": "${parameters.exercise}"}},
    ],
    "always": [{"action": "report"}],
}
"""For a home that was made before runbooks/office-failover.yaml was: when an office burns is no time to ask for a file. It names no group
of contacts, as the example does: such a home may have none of that name."""


@dataclass(frozen=True)
class Loss:
    """What a person types. `through`: as `reassign-duties` takes it; `alone`: why nobody else confirms it; empty: whoever must, does."""

    office: str
    through: str = "all"
    exercise: bool = False
    alone: str = ""
    away: tuple[str, ...] = ()
    """Of an exercise with a scenario: who is made out not to be there."""
    log: str = ""
    """And its name; by the time, where it has none."""
    at: datetime | None = None
    """And the hour that it plays."""


@dataclass(frozen=True)
class Prepared:
    """A failover that may be begun."""

    plan: Plan
    office: str
    title: str
    """The office's."""
    duties: tuple[Proposed, ...]
    also: tuple[str, ...]
    """Other offices that may hold nothing either, and why."""
    silent: tuple[str, ...]
    """Offices that are asked, and have nobody there who could be told."""
    first: str
    """Who is asked before anybody is told, in words; empty where nobody is."""
    told: str
    """Who is written to, in words."""
    confirm: str
    """Why nobody else must confirm it, in words; empty where somebody must."""
    stores: str
    warnings: tuple[str, ...]
    hints: tuple[str, ...]
    titles: Mapping[str, str]
    """Office to its title."""


def prepare(app: App, loss: Loss) -> Prepared:
    """Look, and begin nothing. Raises ConfigError for what was typed, Refused where it is under way already."""
    desk, now = Offices(app).desk, loss.at or app.clock.now()
    roster = desk.roster
    _require_known(roster, loss)
    if loss.exercise:
        require_settled(app, roster)
    _require_free(app, loss)
    trouble = _store_trouble(desk)
    board = _board(desk, loss, now)
    known = board.loss(loss.office)
    if known is not None and known.through == parts(loss.through):
        hint = "dr duties shows who was asked; an office that answers says: dr office accept DUTY --office OFFICE"
        raise Refused(f"{roster.office_title(loss.office)} is lost already, by the word of {known.by}", hint=hint)
    said = Lost(at=now, office=OfficeName(loss.office), by=desk.by, through=parts(loss.through), exercise=loss.exercise)
    after = turn(roster, board, said).board
    gone = affected(roster, after)
    two = _two(app, loss, roster, gone)
    duties = tuple(proposal(roster, board, said))
    asked = dict.fromkeys(str(each.to) for each in duties if each.to is not None)
    return Prepared(
        plan=plan_of(app, loss, two=two),
        office=loss.office,
        title=roster.office_title(loss.office),
        duties=duties,
        also=tuple(f"{roster.office_title(name)} {why}" for name, why in gone.items() if name != loss.office),
        silent=tuple(roster.office_title(name) for name in asked if not present(roster, after, name)),
        first=_first(app) if two else "",
        told=_told(app, roster, [loss.office, *asked]),
        confirm="" if two else _confirm(loss),
        stores=stores_said(app.inventory),
        warnings=trouble,
        hints=_hints(roster, loss, gone),
        titles={name: office.title for name, office in roster.offices.items()},
    )


def plan_of(app: App, loss: Loss, *, two: bool = False) -> Plan:
    """The runbook for this loss. `two`: a second person must confirm it."""
    given = {
        "office": loss.office,
        "through": loss.through,
        "exercise": (loss.log or exercise_name(app.clock.now())) if loss.exercise else "",
        "confirm": "two" if two else "one",
    }
    written = app.runbooks.get(RUNBOOK)
    runbook = written if written is not None and written.kind == FAILOVER else Runbook.from_facts(_BUILT_IN)
    return compile_plan(runbook, app.inventory, given, plugins.kinds())


def exercise_name(at: datetime) -> str:
    """Of a rehearsal that begins then."""
    return f"exercise-{at:%Y%m%dt%H%M%Sz}"


def carry_out(app: App, prepared: Prepared, loss: Loss) -> RunRecord:
    """For real, or as the exercise that it is."""
    if loss.alone:
        app.records.audit("office.alone", loss.office, {"why": loss.alone}, actor=whoami(), at=app.clock.now())
    return app.carry_out(prepared.plan)


# ---------------------------------------------------------------- what is looked at


def _require_known(roster: Roster, loss: Loss) -> None:
    require_known(roster, loss.office)
    strange = [name for name in parts(loss.through) or () if name not in roster.offices[loss.office].depends]
    if strange:
        depends = ", ".join(roster.offices[loss.office].depends) or "nothing"
        raise ConfigError(f"{roster.office_title(loss.office)} does not depend on '{strange[0]}'", hint=f"it depends on {depends}")


def require_settled(app: App, roster: Roster) -> None:
    """Raises Refused while somebody is asked for a duty for real: what people are asked then must not be taken for a rehearsal."""
    board = app.records.board()
    for each in board.assignments if board is not None else ():
        if each.duty in roster.duties and (each.state != "held" or each.asked is not None):
            title = roster.duty_title(each.duty)
            raise Refused(f"{title} is being asked for, for real: this is no time for a rehearsal", hint="dr duties")


def _require_free(app: App, loss: Loss) -> None:
    """One run for one loss: it goes on where it was."""
    for record in app.records.runs(kind=FAILOVER):
        same = record.parameters.get("office") == loss.office and bool(record.parameters.get("exercise")) == loss.exercise
        if record.state == "running" and same:
            interrupted = record.run in app.interrupted()
            how = f"dr runs resume {record.run}" if interrupted else f"dr runs watch {record.run}"
            state = "was interrupted" if interrupted else "is under way"
            raise Refused(f"the failover of {loss.office} {state}: {record.run}", hint=f"go on with it: {how}" if interrupted else how)


def _store_trouble(desk: Desk) -> tuple[str, ...]:
    try:
        desk.sync()
    except Unreachable as error:
        return (f"{error.message}. Offices can be asked; none holds a duty before it answers again",)
    return ()


def _board(desk: Desk, loss: Loss, now: datetime) -> Board:
    """A rehearsal begins in normal times."""
    if not loss.exercise:
        return desk.board()
    board = open_board(desk.roster, now, exercise=True)
    return board.model_copy(update={"away": tuple(Absence(contact=ContactName(name)) for name in loss.away)})


def _two(app: App, loss: Loss, roster: Roster, gone: Mapping[str, str]) -> bool:
    """Whether a second person must confirm it: where the main office, which would say so itself, is silent."""
    silent = any(office.main and name in gone for name, office in roster.offices.items())
    return silent and not loss.exercise and not loss.alone and app.inventory.failover.confirm > 1


def _first(app: App) -> str:
    by = whoami()
    return f"a second person, other than {by}, confirms it, since the main office is silent; {how_second(app, by, 'RUN')}"


def _confirm(loss: Loss) -> str:
    if loss.exercise:
        return "nobody else: it is a rehearsal, and moves nothing"
    return f"nobody else is asked: {loss.alone}" if loss.alone else "nobody else"


def _told(app: App, roster: Roster, offices: Sequence[str]) -> str:
    groups = {group for contact in app.inventory.contacts.values() for group in contact.groups}
    people = [f"the people of {roster.office_title(name)}" for name in dict.fromkeys(offices)]
    return ", ".join([*(f"the group {name}" for name in AUDIENCES if name in groups), *people])


def _hints(roster: Roster, loss: Loss, gone: Mapping[str, str]) -> tuple[str, ...]:
    """How to say more exactly what failed, where others are taken to be affected because nobody knows."""
    others = [name for name in gone if name != loss.office]
    if loss.through != "all" or not others:
        return ()
    shared, titles = ", ".join(roster.offices[loss.office].depends), ", ".join(roster.office_title(name) for name in others)
    return (f"If it is the office only, and what it depends on works ({shared}), say --only: then {titles} can be asked too.",)
