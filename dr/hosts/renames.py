"""Renames that lose nothing: two names exchanged at once, or a name that must be free. See renameat2(2)."""

import ctypes
import errno
import os

_NOREPLACE, _EXCHANGE = 1, 2
_CANNOT = {errno.EINVAL, errno.ENOSYS}
"""What a kernel or a file system says that does not know these flags."""


def exchange(folder: int, one: str, other: str) -> bool:
    """Give each of two names of an open folder what the other has, at once. False where that cannot be done here. Raises OSError."""
    failed = _renameat2(folder, one, folder, other, _EXCHANGE)
    if failed in _CANNOT:
        return False
    _raise(failed, other)
    return True


def rename_new(within: int, name: str, into: int, new: str) -> None:
    """Rename between two open folders. Raises FileExistsError where the new name is taken, even by an empty folder; OSError."""
    failed = _renameat2(within, name, into, new, _NOREPLACE)
    if failed in _CANNOT:
        if _is_there(into, new):
            failed = errno.EEXIST
        else:
            os.rename(name, new, src_dir_fd=within, dst_dir_fd=into)
            return
    _raise(failed, new)


def _raise(failed: int, name: str) -> None:
    if failed:
        raise OSError(failed, os.strerror(failed), name)


def _is_there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _renameat2(within: int, name: str, into: int, new: str, flags: int) -> int:
    """The error number; 0 for none."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return errno.ENOSYS
    done = call(ctypes.c_int(within), os.fsencode(name), ctypes.c_int(into), os.fsencode(new), ctypes.c_uint(flags))
    return ctypes.get_errno() if done else 0
