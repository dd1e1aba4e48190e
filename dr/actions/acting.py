"""On which handle a program is run: a standby wants the one that passed the guard, every other host the plain one."""

from dr.model.base import HostName
from dr.model.ports import Host, StepContext


def acting_host(name: HostName, ctx: StepContext) -> Host:
    """Raises NotProvablyStandby for a standby that cannot be shown to be one. To the recovery that put it into service it is production;
    to every other run only once the inventory says so: what was written for a standby must not go on there of itself."""
    serves = any((state.host, state.state, state.run) == (name, "in-service", ctx.run) for state in ctx.records.hosts())
    if ctx.inventory.hosts[name].role == "standby" and not serves:
        return ctx.writable_host(name)
    return ctx.host(name)
