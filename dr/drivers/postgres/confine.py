"""Run a program so that neither it nor anything it starts can reach out: it may listen and answer, but not connect, nor leave a core dump.

What was restored runs code: a materialized view reads another server while it is loaded, a trigger calls `dblink`, a function starts a
program. On the machine of a drill that other server may be production. So the server of a restore is started through this file, run as
`python -I confine.py PROGRAM ARGUMENT ...`; the kernel's filter (seccomp) is inherited by every process below and cannot be taken off.
It stands alone: nothing of `dr` is imported.
"""

import ctypes
import errno
import os
import platform
import resource
import struct
import sys

CANNOT = 126
"""Exit code where the kernel does not let us: the program was not started."""
_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ADDRESS = 0, 4, 16 + 8 * 4
"""Offsets of the kernel's `seccomp_data`; the last is the fifth argument, which is where `sendto` is told an address."""
_OTHER_ABI = 0x40000000
"""Numbers from here on are x86's x32, where the same calls have other numbers."""
_MACHINES = {
    # audit's name of the machine; sendto; connect, sendmsg, sendmmsg, io_uring_setup (which could make any of them unseen)
    "x86_64": (0xC000003E, 44, (42, 46, 307, 425)),
    "aarch64": (0xC00000B7, 206, (203, 211, 269, 425)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def instructions(machine: str) -> bytes:
    """The filter for a machine. Raises KeyError for one whose numbers are not known here."""
    architecture, send_to, refused = _MACHINES[machine]
    refuse = [(_RETURN, 0, 0, _REFUSE)]
    code = [(_LOAD, 0, 0, _ARCHITECTURE), (_EQUAL, 1, 0, architecture), *refuse, (_LOAD, 0, 0, _NUMBER)]
    code += [(_AT_LEAST, 0, 1, _OTHER_ABI), *refuse]
    for number in refused:
        code += [(_EQUAL, 0, 1, number), *refuse]
    code += [(_EQUAL, 1, 0, send_to), (_RETURN, 0, 0, _ALLOW)]
    for half in (_ADDRESS, _ADDRESS + 4):  # `send` is a `sendto` without an address
        code += [(_LOAD, 0, 0, half), (_EQUAL, 1, 0, 0), *refuse]
    code += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *one) for one in code)


def confine() -> None:
    """From now on, for this process and all below it. Raises OSError or KeyError where that cannot be."""
    filtered = instructions(platform.machine())
    program = _Program(len(filtered) // 8, filtered)
    libc = ctypes.CDLL(None, use_errno=True)
    for words in ((_NO_NEW_PRIVS, 1, 0, 0, 0), (_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would be client data outside the place that is scrubbed


def main(argv: list[str]) -> None:
    try:
        confine()
    except (OSError, KeyError):
        sys.exit(CANNOT)
    os.execvp(argv[0], argv)  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
