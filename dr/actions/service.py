"""`service`: start or stop a program that serves, or see that it runs: a systemd unit, or programs of your own. It looks before it acts.

Safe to repeat: what is as it should be already is left alone. Commands are argument lists, never a shell's line, and what they print is
not kept. A unit is asked of systemd on its own host, through `sudo -n` where `sudo` says so.
"""

import time
from typing import Literal

from pydantic import Field, model_validator

from dr.actions.acting import acting_host
from dr.errors import Failed
from dr.model.base import Duration, HostName, Seconds, StrictModel
from dr.model.ports import Action, Effect, Host, Outcome, Rehearsal, RehearseContext, StepContext
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
    """Ends with 0 if it runs, with anything else if not."""
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
    if ran != wanted:
        ctx.audit(f"service.{params.do}", params.host, {"what": params.unit or _argv(params, params.do)[0]})
        _act(params, host)
        _wait(params, host, ctx, wanted)
    seconds = Seconds(ctx.clock.monotonic() - begun)
    return Outcome(changed=ran != wanted, facts=Facts(ran=ran, runs=wanted, seconds=seconds).to_facts())


def _runs(params: Params, host: Host, ctx: StepContext) -> bool:
    ctx.check_stop()
    return host.runner().run(_argv(params, "status"), timeout=params.timeout, check=False).returncode == 0


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
