"""`service`: start or stop a program that serves, or see that it runs: a systemd unit, or programs of your own. It looks before it acts.

Safe to repeat: what is as it should be already is left alone; but a unit is told to stop in any case, since one that is just being
started, or that systemd does not know by that name, is not active either. Commands are argument lists, never a shell's line, and what they
print is not kept. A unit is asked of systemd on its own host, through `sudo -n` where `sudo` says so. An answer that was not given is none:
what could not be asked is not taken for stopped, or a last backup would be made while people go on working.
"""

import re
import time
from typing import Literal

from pydantic import Field, model_validator

from dr.actions.acting import acting_host
from dr.errors import Failed
from dr.model.base import Duration, HostName, Seconds, StrictModel
from dr.model.ports import Action, Completed, Effect, Host, Outcome, Rehearsal, RehearseContext, StepContext
from dr.units import show_duration

_LOOK_EVERY = 0.2
Argv = tuple[str, ...]


class Params(StrictModel):
    host: HostName
    do: Literal["start", "stop", "status"]
    """`status` changes nothing: it fails if the service does not run."""
    unit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,250}$")
    """A unit of systemd's; without one, `status` and what `do` needs are commands of your own."""
    sudo: bool = False
    status: Argv | None = Field(default=None, min_length=1)
    """Ends with 0 if it runs, with 1 to 125 if not."""
    start: Argv | None = Field(default=None, min_length=1)
    stop: Argv | None = Field(default=None, min_length=1)
    timeout: Duration = Field(default=Seconds(120.0), gt=0)
    """Until it must be as it should."""

    @model_validator(mode="after")
    def _one_way(self) -> "Params":
        own = [self.status, self.start, self.stop]
        if self.unit is not None and any(own):
            raise ValueError("it is either a unit of systemd's or has commands of its own; take one of them out")
        if self.unit is None and (self.status is None or (self.do != "status" and getattr(self, self.do) is None)):
            wanted = "`status`" if self.do == "status" else f"`status` and `{self.do}`"
            raise ValueError(f"nobody knows how; name a `unit`, or write {wanted} as argument lists")
        return self


class Facts(StrictModel):
    ran: bool
    """Before."""
    runs: bool
    """After."""
    seconds: Seconds


def run(params: Params, ctx: StepContext) -> Outcome:
    host = acting_host(params.host, ctx)
    begun = ctx.clock.monotonic()
    ran = _runs(params, host, ctx)
    wanted = params.do != "stop"
    if params.do == "status" and not ran:
        raise Failed(f"{_name(params)} does not run on {params.host}", hint="see its log on that host")
    if ran != wanted or (params.do == "stop" and params.unit is not None):
        ctx.audit(f"service.{params.do}", params.host, {"what": params.unit or _argv(params, params.do)[0]})
        _act(params, host)
        _wait(params, host, ctx, wanted)
    seconds = Seconds(ctx.clock.monotonic() - begun)
    return Outcome(changed=ran != wanted, facts=Facts(ran=ran, runs=wanted, seconds=seconds).to_facts())


def _runs(params: Params, host: Host, ctx: StepContext) -> bool:
    """Raises Failed where that was not answered."""
    ctx.check_stop()
    argv = _argv(params, "status")
    done = host.runner().run(argv, timeout=params.timeout, check=False)
    if not _answered(params, done):
        what = f"'{' '.join(argv[: len(argv) - 2])}'" if params.unit else f"'{argv[0]}'"
        why = "sudo does not let it" if params.sudo and _SUDO.search(done.stderr) else f"{what} ended with {done.returncode}"
        raise Failed(f"nobody can say whether {_name(params)} runs on {params.host}: {why}", hint=_ASK)
    return done.returncode == 0


def _answered(params: Params, done: Completed) -> bool:
    """Whether what it ended with says that it runs or does not: systemd's 3 is `not active`, and 4 that it knows no such unit."""
    if params.unit is not None:
        return done.returncode in (0, 3)
    return 0 <= done.returncode < _NOT_RUN and not (params.sudo and done.returncode == 1 and _SUDO.search(done.stderr))


_NOT_RUN = 126
"""From here on a shell, env and sudo say that a program could not be run, or a signal ended it."""
_SUDO = re.compile(rb"^sudo: (?!unable to resolve host)", re.MULTILINE)
"""It speaks for itself: the program was not run."""
_ASK = "run it by hand on that host, as the user that dr works as there: sudo must let it without a password, and the name must be right"


def _act(params: Params, host: Host) -> None:
    done = host.runner().run(_argv(params, params.do), timeout=params.timeout, check=False)
    if done.returncode != 0:
        what = "systemctl" if params.unit else f"'{_argv(params, params.do)[0]}'"
        raise Failed(f"{_name(params)} on {params.host} did not {params.do}: {what} ended with {done.returncode}", hint=_LOOK)


_LOOK = "run it by hand on that host to see why; `journalctl -u UNIT` shows a unit's log"


def _wait(params: Params, host: Host, ctx: StepContext, wanted: bool) -> None:
    until = ctx.clock.monotonic() + params.timeout
    while _runs(params, host, ctx) != wanted:
        if ctx.clock.monotonic() > until:
            how = "does not run" if wanted else "still runs"
            raise Failed(f"{_name(params)} {how} on {params.host} {show_duration(params.timeout)} after the {params.do}", hint=_LOOK)
        time.sleep(_LOOK_EVERY)


def _argv(params: Params, do: str) -> Argv:
    before = ("sudo", "-n") if params.sudo else ()
    if params.unit is None:
        return (*before, *(getattr(params, do) or ()))
    verb = ("is-active", "--quiet") if do == "status" else (do,)
    return (*before, "systemctl", *verb, "--", params.unit)


def _name(params: Params) -> str:
    return f"unit '{params.unit}'" if params.unit else "the service"


def rehearse(params: Params, ctx: RehearseContext) -> Rehearsal:  # noqa: ARG001 - nothing is asked of the host
    what = {"start": "start", "stop": "stop", "status": "look whether it runs:"}[params.do]
    return Rehearsal((f"would {what} {_name(params)} on {params.host}, if it is not so already",))


ACTION = Action(kind="service", params=Params, facts=Facts, effect=Effect.WRITES, run=run, rehearse=rehearse)
