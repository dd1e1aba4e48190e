"""Commands of `dr` on a home one folder of which lies on a file system of its own: small, full or read-only.

In a mount namespace, so that no rights are needed and nothing stays mounted. What was written to the small file system is carried back
into the home at the end.
"""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.main_job import Home
from tests.support.patience import LONG

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "--")
_SCRIPT = """
set -eu
folder=$1
dr() { set +e; "$PYTHON" -m dr "$@" 2>&1 </dev/null; echo "=== exit $?"; set -e; }
small() { cp -a "$folder" "$SPARE/kept"; mount -t tmpfs -o "size=$1,mode=0700" none "$folder"; cp -a "$SPARE/kept/." "$folder"; }
full() { dd if=/dev/zero of="$folder/filler" bs=1k status=none 2>/dev/null || true; truncate -s "-${1:-0}" "$folder/filler"; }
room() { rm "$folder/filler"; }
readonly_() { mount --bind "$folder" "$folder"; mount -o remount,bind,ro "$folder"; }
back() {
  rm -rf "$SPARE/kept"; cp -a "$folder" "$SPARE/kept"; cd /; umount "$folder"
  find "$folder" -mindepth 1 -delete; cp -a "$SPARE/kept/." "$folder"
}
"""


@dataclass(frozen=True)
class Said:
    """What one command printed, and its exit code."""

    code: int
    text: str


def told(home: Home, folder: Path, script: str, spare: Path) -> list[Said]:
    """Run a script over `dr`, `small`, `full`, `room`, `readonly_` and `back`; each `dr` in it, in order."""
    spare.mkdir(exist_ok=True)
    argv: Sequence[str] = [*NAMESPACE, "bash", "-c", _SCRIPT + script, "bash", str(folder)]
    environment = home.environment({"PYTHON": sys.executable, "SPARE": str(spare)})
    done = subprocess.run(argv, env=environment, cwd=home.path, capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 0, done.stdout + done.stderr
    pieces = re.split(r"=== exit (\d+)\n", done.stdout)
    return [Said(int(code), text) for text, code in zip(pieces[::2], pieces[1::2], strict=False)]
