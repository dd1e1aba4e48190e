"""People are told while a run still goes that it will miss its objective: once a run, beside its steps and never in their way.

A step's own signs of life foresee it (`burndown`); where they stay away, since a step hangs, a person is waited for or the run is paused,
the rounds made here look at the clock all the same. The ledger of notices keeps it to one a run, killed and resumed included.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dr.engine.burndown import Burndown
from dr.engine.context import Context
from dr.engine.failpoints import Failpoints
from dr.engine.services import Services
from dr.errors import DrError
from dr.model.base import RunId, StepId
from dr.model.ports import Telling
from dr.model.record import Progress, Severity
from dr.model.runbook import Plan, PlannedStep
from dr.policy.burndown import CLOCKED, burns
from dr.policy.undelivered import what_became

TEMPLATE = "objective-late"
STEP = "objective-late"
"""The step that such a notice is told by: none of the plan's, so that it has one id a run, whichever step foresaw it."""
USUAL = "administrators"
_ROUND = 2.0
"""Seconds between two looks at the clock."""
_PATIENCE = 60.0
"""Seconds that a run's end waits for a notice that is being sent."""
_log = logging.getLogger("dr.engine")


def audience(plan: Plan) -> list[str]:
    """Whom the runbook tells when it fails; else whom it tells at its end; else the administrators."""
    for section in (plan.on_failure, plan.always):
        found = [str(step.with_["to"]) for step in section if step.action == "notify" and "${" not in str(step.with_.get("to", "${"))]
        if found:
            return list(dict.fromkeys(found))
    return [USUAL]


@dataclass
class _Accompanied:
    plan: Plan
    requested_by: str
    idle: dict[str, Burndown] = field(default_factory=dict)
    """Of the step that is waited for."""
    telling: threading.Thread | None = None
    told: bool = False


class Herald:
    """One a process. `live`: the contexts of a run's attempts that work now. Any thread may call it."""

    def __init__(self, services: Services, failpoints: Failpoints, live: Callable[[RunId], Sequence[Context]]) -> None:
        self._services, self._failpoints, self._live = services, failpoints, live
        self._runs: dict[RunId, _Accompanied] = {}
        self._lock = threading.Lock()
        self._rounds: threading.Thread | None = None

    def accompany(self, run: RunId, plan: Plan, requested_by: str) -> None:
        """From now until `finish`; does nothing for a run that has no clock."""
        if plan.kind not in CLOCKED or plan.objective is None:
            return
        with self._lock:
            self._runs.setdefault(run, _Accompanied(plan, requested_by))
            if self._rounds is None:
                self._rounds = threading.Thread(target=self._make_rounds, name="engine-herald", daemon=True)
                self._rounds.start()

    def foretell(self, run: RunId, said: str) -> None:
        """Tell whom it concerns, in a thread of its own; nothing where that is done, or being done."""
        with self._lock:
            about = self._runs.get(run)
            if about is None or about.told or (about.telling and about.telling.is_alive()):
                return
            about.telling = threading.Thread(target=self._tell, args=(run, about, said), name="engine-late-notice", daemon=True)
            about.telling.start()

    def finish(self, run: RunId) -> None:
        """The run is over: what is being sent is waited for, for a while. What did not arrive is the ledger's to say from then on."""
        with self._lock:
            about = self._runs.pop(run, None)
        if about and about.telling:
            about.telling.join(_PATIENCE)
            self._services.records.close_findings(f"late-untold:{run}:", (), self._services.clock.now(), run)

    def look(self, run: RunId) -> None:
        """At the clock of one run, whether or not a step of it works."""
        with self._lock:
            about = self._runs.get(run)
        if about is None:
            return
        working = self._live(run)
        for context in working:
            context.look()
        if not working:
            self._look_at_idle(run, about)

    # ------------------------------------------------------------ inside

    def _make_rounds(self) -> None:
        """For as long as there is a run to accompany."""
        rest = threading.Event()
        while not rest.wait(_ROUND):
            with self._lock:
                runs = list(self._runs)
                self._rounds = self._rounds if runs else None
            if not runs:
                return
            for run in runs:
                self._look_patiently(run)

    def _look_patiently(self, run: RunId) -> None:
        try:
            self.look(run)
        except Exception as error:  # noqa: BLE001 the next round looks again; what the catalog's trouble is, others say
            _log.debug("the clock of %s could not be looked at: %s", run, type(error).__name__)

    def _look_at_idle(self, run: RunId, about: _Accompanied) -> None:
        """A person is waited for, a retry, or the end of a pause: the clock runs on until a check has been reached."""
        waits = self._waits_for(run, about.plan)
        if waits is None:
            return
        zone = self._services.inventory.organisation.zone
        burndown = about.idle.setdefault(waits.id, Burndown(run, about.plan, waits, self._services.records, zone))
        now = self._services.clock.now()
        _, said = burndown.see(now, now, None, None)
        if said:
            self._services.watch(Progress(run=run, step=StepId(waits.id), at=now, event="late", what=said))
            self.foretell(run, said)

    def _waits_for(self, run: RunId, plan: Plan) -> PlannedStep | None:
        ended = {record.step for record in self._services.records.steps(run) if record.state != "running"}
        todo = [step for step in plan.steps if step.id not in ended]
        return todo[0] if todo and burns(plan, todo[0].id) else None

    def _tell(self, run: RunId, about: _Accompanied, said: str) -> None:
        try:
            reached = [self._told(run, about, to, said) for to in audience(about.plan)]  # each is told, whatever became of another
            about.told = all(reached)
        except Exception as error:  # noqa: BLE001 a run does not fail because of it; the next warning tries again
            _log.error("the notice that %s will be late was not sent: %s", run, type(error).__name__)

    def _told(self, run: RunId, about: _Accompanied, to: str, said: str) -> bool:
        """Whether everybody has it. Where not, a finding says so."""
        context = self._context(run, about, to)
        severity: Severity = "critical" if about.plan.kind == "recovery" else "warning"
        try:
            notice = context.notifier.tell(Telling(to, TEMPLATE, severity, said), context)
            trouble = "" if notice.state == "delivered" else f"the notice that says so {what_became(notice)}"
        except DrError as error:
            trouble = error.message
        if trouble:
            context.finding(f"late-untold:{run}:{to}", "critical", f"{run}: {said}; {trouble}", hint="tell them by hand now")
        return not trouble

    def _context(self, run: RunId, about: _Accompanied, to: str) -> Context:
        planned = PlannedStep.from_facts(
            {"id": STEP, "section": "on_failure", "action": "notify", "with": {"to": to, "template": TEMPLATE}}
        )
        return Context(
            run=run,
            plan=about.plan,
            planned=planned,
            attempt=1,
            facts={},
            requested_by=about.requested_by,
            services=self._services,
            failpoints=self._failpoints,
            action=self._services.action("notify"),
        )
