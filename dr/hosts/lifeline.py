"""What ends a command's whole process group when this process dies, however it dies.

The kernel's parent-death signal reaches the direct child only, not what that child started. So one small watcher reads a pipe that only
this process holds open: each group is written into it, and when the pipe closes the watcher ends the groups that are still listed.
A command says its group itself before it becomes the program (`address`), so that there is no moment in which the program runs and the
watcher does not know; we say it once more, for a machine whose /proc does not let it.
"""

import contextlib
import os
import subprocess
import threading

_WATCHER = """
trap '' HUP INT TERM
live=' '
while read -r op group; do
    case $op in
        +) case $live in *" $group "*) ;; *) live="$live$group " ;; esac ;;
        -) case $live in *" $group "*) live="${live%% $group *} ${live#* $group }" ;; esac ;;
    esac
done
for group in $live; do kill -9 "-$group"; done
"""
# A line of 10 characters is far below PIPE_BUF, so lines of several threads never mix.


class Lifeline:
    """The watcher of one process; started with the first group. A forked child of ours must make its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._owner = 0

    def address(self) -> str:
        """A path into which a child of ours writes `+ <its group>`; gone when we are. Nothing that holds the pipe open is inherited."""
        with self._lock:
            return f"/proc/{os.getpid()}/fd/{self._opened()}"

    def hold(self, group: int) -> None:
        """End this process group if we die from now on."""
        self._say(f"+ {group}\n")

    def release(self, group: int) -> None:
        """The group has ended."""
        self._say(f"- {group}\n")

    def close(self) -> None:
        """End what is still held, as our death would."""
        with self._lock:
            if self._pipe is not None:
                os.close(self._pipe)
            self._pipe = None

    def _say(self, line: str) -> None:
        with self._lock:
            pipe = self._opened()
            with contextlib.suppress(BrokenPipeError):  # somebody ended the watcher; the parent-death signal remains
                os.write(pipe, line.encode())

    def _opened(self) -> int:
        if self._pipe is None or self._owner != os.getpid():
            self._start()
        assert self._pipe is not None
        return self._pipe

    def _start(self) -> None:
        watcher = subprocess.Popen(
            ["sh", "-c", _WATCHER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd="/",
            start_new_session=True,
        )
        assert watcher.stdin is not None
        self._pipe, self._owner = os.dup(watcher.stdin.fileno()), os.getpid()  # not inheritable: only we hold it
        watcher.stdin.close()
        watcher.returncode = 0  # it outlives us by a moment, which is its purpose: nobody waits for it


LIFELINE = Lifeline()
"""Of this process."""
