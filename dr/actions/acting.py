"""On which handle a program is run: a standby wants the one that passed the guard, every other host the plain one."""

from dr.model.base import HostName
from dr.model.ports import Host, StepContext


def acting_host(name: HostName, ctx: StepContext) -> Host:
    """Raises NotProvablyStandby for a standby that cannot be shown to be one. What a recovery put into service is production."""
    serves = any(state.host == name and state.state == "in-service" for state in ctx.records.hosts())
    if ctx.inventory.hosts[name].role == "standby" and not serves:
        return ctx.writable_host(name)
    return ctx.host(name)
