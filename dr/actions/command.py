"""`command`: run one program on a host: an argument list, never a shell line.

Not safe to repeat by itself: the runbook's author answers for that. What it prints is counted, not kept, since it may hold client data.
On a standby it needs the writable handle, because nobody can know what a program writes. A standby that this recovery put into service is
production, and is treated as such; another run is refused there until the inventory says so (`dr reprotect`).
"""

from pydantic import Field

from dr.actions.acting import acting_host
from dr.errors import Failed
from dr.model.base import ByteCount, Duration, HostName, Seconds, StrictModel
from dr.model.ports import Action, Effect, Outcome, StepContext


class Params(StrictModel):
    host: HostName
    argv: tuple[str, ...] = Field(min_length=1)
    timeout: Duration = Seconds(600.0)
    succeeds_with: tuple[int, ...] = (0,)


class Facts(StrictModel):
    exit_code: int
    seconds: Seconds
    output: ByteCount


def run(params: Params, ctx: StepContext) -> Outcome:
    host = acting_host(params.host, ctx)
    begun = ctx.clock.monotonic()
    ctx.audit("command.run", params.host, {"program": params.argv[0], "arguments": len(params.argv) - 1})
    done = host.runner().run(params.argv, timeout=params.timeout, check=False)
    if done.returncode not in params.succeeds_with:
        raise Failed(
            f"'{params.argv[0]}' on {params.host} ended with exit code {done.returncode}", hint="run it by hand on that host to see why"
        )
    seconds = Seconds(ctx.clock.monotonic() - begun)
    return Outcome(changed=True, facts=Facts(exit_code=done.returncode, seconds=seconds, output=ByteCount(len(done.stdout))).to_facts())


ACTION = Action(kind="command", params=Params, facts=Facts, effect=Effect.WRITES, run=run)
