"""One home, opened: a method for each thing a person can ask of it."""

import os
import pwd
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import NoReturn

from dr import plugins
from dr.app import asked, engines
from dr.app.binding import bind
from dr.app.farewell import farewell
from dr.app.forecasts import forecasts
from dr.app.in_service import require_fit
from dr.app.opening import only_people, read
from dr.app.services import HomeServices
from dr.app.trail import Verified, verify_trail
from dr.app.unrecorded import lost_catalog, require_catalog
from dr.catalog.catalog import Catalog, open_catalog
from dr.catalog.drills import drill_facts
from dr.catalog.nights import last_night
from dr.clock import Clock, SystemClock
from dr.config.home import find_home
from dr.config.key_files import check_keys
from dr.config.plan import compile_plan
from dr.config.problems import ConfigProblems
from dr.config.secrets import check_secrets, every_secret, used_by
from dr.engine.control import Command, send_control
from dr.engine.failpoints import Failpoints
from dr.engine.runner import Engine, new_run_id
from dr.errors import ConfigError, Refused
from dr.model.backup import Copy, Manifest
from dr.model.base import JsonObject, RunId, SetId, Sha256, SystemName
from dr.model.inventory import Inventory
from dr.model.ports import Repository
from dr.model.readiness import Readiness
from dr.model.record import AuditEntry, Progress, RunRecord
from dr.model.runbook import Plan, Runbook, RunKind
from dr.model.written import rests_on
from dr.policy.agreements import with_agreements
from dr.policy.readiness import readiness


def _nobody(_: Progress) -> None:
    """Nobody watches."""


def _unheeded(_: RunId) -> None:
    """Nobody wants to know."""


SCHEDULE = "schedule"
"""Who asks for a run that no person asks for."""


class App:
    """A home and everything that can be asked of it. Made by `open`, which reads and checks every file first."""

    def __init__(self, home: Path, clock: Clock, watch: Callable[[Progress], None], looking: bool = False, enduring: bool = False) -> None:
        self.home, self.clock, self._watch = home, clock, watch
        opened = read(home, looking=looking, enduring=enduring)
        self._loaded, self.lapse, self.files = opened.loaded, opened.lapse, opened.loaded.files
        self.inventory: Inventory = self._loaded.inventory
        self.runbooks: dict[str, Runbook] = self._loaded.runbooks
        if (home / "state").is_dir():
            bind(home)
            opened.keep(home, clock.now())
        self.own_key = True
        """Whether backups are read with the home's own key; False: with one that a person brought."""

    @classmethod
    def open(
        cls,
        home: str | None,
        watch: Callable[[Progress], None] = _nobody,
        clock: Clock | None = None,
        looking: bool = False,
        enduring: bool = False,
    ) -> "App":
        """Find and check a home. Raises ConfigError with every problem; nothing was run. `looking`, `enduring`: see `dr.app.opening`."""
        return cls(find_home(home, os.environ, Path.cwd()), clock or SystemClock(), watch, looking, enduring)

    @cached_property
    def records(self) -> Catalog:
        return open_catalog(self.state / "catalog.db", self.clock)

    @cached_property
    def services(self) -> HomeServices:
        return HomeServices(self.home, self._loaded, self.records, self.clock, self._watch)

    @property
    def state(self) -> Path:
        """The state folder, which is this home's and no other's. Raises Refused."""
        folder = self.home / "state"
        folder.mkdir(mode=0o700, exist_ok=True)
        bind(self.home)
        return folder

    def require_secrets(self, plan: Plan | None = None) -> None:
        """Raises ConfigProblems for every secret (that `plan` needs) that is not there, every key that is none: no run finds it late.

        While the files are wrong nobody can tell which they name: what still goes on does so without.
        """
        if self.lapse is not None:
            return
        actions = {step.action for step in plan.steps} if plan else set()
        wanted = used_by(actions, self.own_key) if plan else every_secret
        unset = [problem for look in (check_secrets, check_keys) for problem in look(self.inventory, self.home, wanted=wanted)]
        if unset:
            raise ConfigProblems(unset)

    # ------------------------------------------------------------ runs

    def run(self, runbook: str, parameters: Mapping[str, str]) -> RunRecord:
        """Run a runbook of the home to its end."""
        if runbook not in self.runbooks:
            raise ConfigError(f"there is no runbook '{runbook}'", hint=f"runbooks/ has {', '.join(sorted(self.runbooks)) or 'none'}")
        return self.carry_out(self._plan(self.runbooks[runbook], parameters))

    def run_scheduled(self, runbook: str, begin: Callable[[RunId], None]) -> RunRecord:
        """As `run`, for a schedule: `begin` is told the run's name once nothing keeps it from beginning, before it does."""
        return self.carry_out(self._plan(self.runbooks[runbook], {}), begin, SCHEDULE)

    def _plan(self, runbook: Runbook, parameters: Mapping[str, str], kind: RunKind | None = None) -> Plan:
        if runbook.kind == engines.FAILOVER:
            raise Refused(
                f"'{runbook.runbook}' moves duties: who begins it sees first which, and who confirms it", hint="dr office lost OFFICE"
            )
        return compile_plan(runbook, self.inventory, parameters, plugins.kinds(), kind)

    def carry_out(self, plan: Plan, begin: Callable[[RunId], None] = _unheeded, by: str = "") -> RunRecord:
        """Carry a compiled plan to its end. Raises Refused for one that may not be begun now."""
        self.require_whole(plan)
        require_fit(plan, self.records, self.inventory)
        self.require_secrets(plan)
        with self._engine(plan.kind) as engine:
            run = new_run_id(plan.runbook, self.clock.now())
            begin(run)
            return engine.run(plan, run, by or whoami())

    def require_whole(self, plan: Plan | None) -> None:
        """Raises ConfigProblems while the files are wrong, but for what happens among people."""
        if self.lapse is not None and (plan is None or not only_people(plan)):
            raise self.lapse.problems

    def _engine(self, kind: str) -> Engine:
        failpoints, words = (
            Failpoints.from_environment(plugins.ACTIONS.values()),
            farewell(self.records.hosts, lambda run: self.run_record(run).kind),
        )
        return Engine(self.services, engines.place(self.state, kind), failpoints, farewell=words, ours=partial(engines.ours, kind))

    def resume(self, run: str | None) -> RunRecord:
        """Go on with one interrupted run, or with all but those that last (`lasting.take_up`); the record of the one, or of the last."""
        interrupted = self.interrupted()
        if run is not None and run not in interrupted:
            raise Refused(f"{run} is not interrupted", hint="`dr runs list` shows the state of each run")
        for one in [RunId(run)] if run else interrupted:
            plan = self.records.plan(one)
            self.require_whole(plan)
            self.require_secrets(plan)
        with self._engine(self.run_record(run).kind if run else "") as engine:
            ended = engine.resume(RunId(run) if run else None)
        return ended[-1] if ended else self.run_record(interrupted[-1])

    def control(self, run: RunId, command: Command) -> bool:
        """Tell a run something; False if nobody carries it now, so that it heeds it when it is resumed."""
        record = self.records.run(run)
        return send_control(engines.place(self.state, record.kind if record else ""), run, command, whoami())

    def interrupted(self) -> list[RunId]:
        """Runs that nobody carries on now."""
        return engines.all_resumable(self.state)

    def drill(self, system: str, tier: str, select: str | None, named: str | None = None) -> RunRecord:
        """`named`: another runbook than the tier's own, such as the recovery's, as a drill."""
        runbook, parameters = asked.drill(self.inventory, self.runbooks, self.system(system), tier, select, named)
        require_catalog(self.records, self.repositories(), self.clock.now(), self.system(system))
        return self.carry_out(self._plan(runbook, parameters, "drill"))

    def verify(self, system: str | None, tiers: Sequence[str], set_id: str | None, how: JsonObject) -> RunRecord:
        """`how`: further parameters of the `verify` action (depth, budget, decode)."""
        wanted = {**how, **({"set": set_id} if set_id else {})}
        return self.carry_out(self._plan(asked.verify(self.inventory, self.system(system), tiers, wanted), {}))

    def prune(self, system: str, confirmed: bool) -> RunRecord:
        return self.carry_out(self._plan(asked.prune(self.system(system), confirmed), {}))

    def run_record(self, run: str) -> RunRecord:
        record = self.records.run(RunId(run))
        if record is None:
            raise ConfigError(f"there is no run '{run}'", hint="`dr runs list` shows them")
        return record

    def run_facts(self, run: RunId) -> JsonObject:
        steps = [asked.without_tokens(s) for s in self.records.steps(run)]
        return {**self.run_record(run).to_facts(), "steps": steps}

    def exit_code(self, record: RunRecord) -> int:
        return asked.exit_code(record, self.records.steps(record.run))

    def summary(self, record: RunRecord) -> list[str]:
        return asked.summary(record, self.records.steps(record.run), self.inventory.organisation.zone)

    # ------------------------------------------------------------ evidence

    def evidence(self, run: str) -> Path | None:
        """The page of a run, if there is one."""
        page = self.home / "evidence" / f"{run}.html"
        return page if page.is_file() else None

    # ------------------------------------------------------------ what there is

    def system(self, name: str | None) -> SystemName:
        """The system of that name; the only one where none is named."""
        names = list(self.inventory.systems)
        if name is None and len(names) == 1:
            return SystemName(names[0])
        if name not in names:
            raise ConfigError(f"'{name}' is not a system" if name else "which system?", hint=f"there are {', '.join(names)}")
        return SystemName(name)

    def copies(self, system: str | None = None) -> list[Copy]:
        return self.records.copies(self.system(system) if system else None)

    def backup(self, set_id: str) -> tuple[Manifest, list[Copy]]:
        manifest = self.records.manifest(SetId(set_id))
        if manifest is None:
            raise ConfigError(f"there is no set '{set_id}'", hint="`dr backups list` shows them")
        return manifest, [c for c in self.records.copies(manifest.system) if c.set == set_id]

    @cached_property
    def written(self) -> dict[str, Sha256]:
        """Every runbook and host, as readiness compares them with those that the last drills went by."""
        return rests_on({name: one.to_facts() for name, one in self.runbooks.items()}, self.inventory.to_facts()["hosts"])

    def readiness(self, system: str) -> Readiness:
        name, now = self.system(system), self.clock.now()
        lost = lost_catalog(self.records, self.repositories(), now, name)
        return readiness(
            name,
            self.inventory.systems[name],
            self.records.copies(name),
            drill_facts(self.records, name),
            [*with_agreements(self.records.open_findings(name), self.inventory, now), *lost],
            self.records.notices(),
            now,
            last_night(self.records, name, self.inventory.systems[name].runbooks.nightly),
            forecasts(name, self.inventory, self.records, self.clock),
            self.written,
        )

    # ------------------------------------------------------------ repositories

    def repositories(self) -> list[Repository]:
        return self.services.repositories()

    # ------------------------------------------------------------ audit

    def audit_entries(self, limit: int) -> list[AuditEntry]:
        head = self.records.audit_head()
        return self.records.audit_entries(max(0, head.seq - limit), limit)

    def verify_audit(self) -> Verified:
        """Raises Damaged if the chain is broken, gone, or not the one that sets and evidence bear witness to."""
        return verify_trail(self.records, self.repositories(), self.home / "evidence", self.services.keys)


def whoami() -> str:
    """Who asks: the login name, and the one behind sudo."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name  # not by LOGNAME, which anybody may set to another's
    except KeyError:
        name = str(os.getuid())
    behind = os.environ.get("SUDO_USER")
    return f"{behind} as {name}" if behind and behind != name else name


def init_home(path: str, name: str, zone: str, system: str = "hmis") -> list[str]:
    from dr.config.init import init_home as write

    return write(Path(path).resolve(), name, zone, system, plugins.kinds())


def leave(code: int) -> NoReturn:
    """End the process at once: the engine's threads may hang at interpreter exit, and nothing is left to be done."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
