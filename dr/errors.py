"""What can go wrong, as one tree, with the exit code that each branch ends in.

DrError
├── ConfigError              what the person wrote: exit 2
├── Refused                  a guard said no, or there is nothing to work with; nothing was changed: exit 3
│   ├── NotProvablyStandby   the host cannot be shown to be the standby
│   ├── StandbyInUse         another run has it: that ends, so it can be waited for
│   └── LastProvenCopy       it would have deleted what still protects us
├── Damaged                  bytes are not what was signed: exit 4
├── Unreachable              a host, repository, server or channel did not answer: exit 5
├── Unknown                  an effect may or may not have happened; says how to find out: exit 6
├── Failed                   a step or a tool failed: exit 1
│   └── Unanswered           a person was asked, and nobody answered in time: they can be asked again
└── Stopped                  cancelled or timed out while working; what it started was ended: exit 1

Exit codes: 0 done or PASS, 1 FAIL, 2-6 as above (2 is also click's own), 7 INCOMPLETE, 130 interrupted and resumable. A run that FAILED
ends with its first failed step's code, and its headline says in words what that is.
Every message says what and where; `hint` says what next. No message carries client data or a secret.
"""

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_INCOMPLETE = 7
EXIT_INTERRUPTED = 130


class DrError(Exception):
    """The root. `message` says what and where, `hint` what to do next (empty when there is nothing to add)."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n   HINT: {self.hint}" if self.hint else self.message


class ConfigError(DrError):
    """What the person wrote cannot be accepted; nothing was run."""

    exit_code = 2


class Refused(DrError):
    """A guard said no; nothing was changed."""

    exit_code = 3


class NotProvablyStandby(Refused):
    """The host cannot be shown to be the standby, so nothing may be written to it."""


class StandbyInUse(Refused):
    """Another run uses the standby. That ends by itself, so it can be waited for."""


class LastProvenCopy(Refused):
    """The copy is the last one that is proven (or newest intact) in its tier."""


class Damaged(DrError):
    """Stored bytes are not the bytes that were signed."""

    exit_code = 4


class Unreachable(DrError):
    """A host, repository, server or channel did not answer."""

    exit_code = 5


class Unknown(DrError):
    """An effect may or may not have happened; the hint says how to find out."""

    exit_code = 6


class Failed(DrError):
    """A step or a tool failed and says why."""


class Unanswered(Failed):
    """A person was asked, and nobody answered in time."""


class Stopped(DrError):
    """Cancelled or timed out while working; everything it had started was ended."""


def place_of(error: BaseException) -> str:
    """`module:line` of the innermost frame that is ours (else of the outermost): all that may be told of a stranger's exception, whose
    text may hold a row or a password."""
    trace, place = error.__traceback__, "?"
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", "?"))
        if place == "?" or module.startswith("dr."):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
