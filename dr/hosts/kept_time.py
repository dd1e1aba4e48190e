"""Whether somebody keeps this machine's clock right, as its kernel knows it (adjtimex(2)): asked, never set."""

import ctypes
import os

_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of <sys/timex.h>."""
_ERROR = 5
"""TIME_ERROR: what adjtimex gives back for a clock that is not kept."""


class _Timex(ctypes.Structure):
    """The head of `struct timex`; the rest is only room for the kernel to write to."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("most", ctypes.c_long),
        ("estimated", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 512),
    )


def is_kept() -> bool | None:
    """True if a time service disciplines the clock, False if none does, None where that cannot be asked."""
    try:
        asked = ctypes.CDLL(None, use_errno=True).adjtimex
    except (OSError, AttributeError):
        return None
    answer = _Timex(modes=0)
    state = asked(ctypes.byref(answer))
    return None if state < 0 or os.name != "posix" else state != _ERROR and not answer.status & _UNSYNCHRONISED
