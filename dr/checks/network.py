"""What the checks over the network share: how a host is written, and that no answer is something found, not a failure to look."""

from collections.abc import Callable
from pathlib import Path

from dr.drivers.net.named import PATIENCE, NetworkHost, Patience, Port
from dr.errors import DrError, Refused, Stopped
from dr.model.base import JsonObject
from dr.model.ports import StepContext
from dr.model.record import CheckResult, Difference

__all__ = ["PATIENCE", "NetworkHost", "Patience", "Port", "Seen", "asked", "authority"]

FILES = ("ca",)
"""The parameters that name a file of the home: a check that asks from another machine takes its text along (`dr/hosts/sent`)."""
Seen = tuple[str, str, JsonObject]
"""What is wrong (empty: nothing), what was seen, and the details of it for the evidence."""


def asked(kind: str, about: str, look: Callable[[], Seen], ctx: StepContext, *, user_level: bool = False) -> CheckResult:
    """The result of a look at `about`. Raises Refused and Stopped, which say nothing of the other side."""
    started = ctx.clock.now()
    ctx.check_stop()
    details: JsonObject = {}
    try:
        wrong, said, details = look()
    except (Stopped, Refused):
        raise
    except DrError as error:
        wrong, said = error.message + (f" ({error.hint})" if error.hint else ""), ""
    return CheckResult(
        check=kind,
        passed=not wrong,
        examined=1,
        summary=wrong or said,
        started=started,
        ended=ctx.clock.now(),
        user_level=user_level,
        differences=(Difference(kind="network", name=about, detail=wrong),) if wrong else (),
        details=details,
    )


def authority(ca: str | None, ctx: StepContext) -> Path | None:
    """Where the authority's certificate lies; a relative path begins at the home."""
    return None if ca is None else Path(ctx.home) / ca
