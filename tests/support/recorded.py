"""`dr`, with every process that it starts written down: arguments and environment, in full, in the file that DR_TEST_SPAWNED names.

Run as `python -m tests.support.recorded WORDS`: the interpreter's own audit events are what is written, so nothing of `dr` is replaced.
"""

import json
import os
import sys
from typing import Any


def _record(event: str, args: tuple[Any, ...]) -> None:
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        argv, env = (args[1], args[3]) if event == "subprocess.Popen" else (args[1], args[2])
        shown = {str(k): str(v) for k, v in (os.environ if env is None else env).items()}
        line = json.dumps({"argv": [os.fsdecode(a) for a in argv] if not isinstance(argv, str) else [argv], "env": shown})
        descriptor = os.open(os.environ["DR_TEST_SPAWNED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(descriptor, line.encode() + b"\n")
        os.close(descriptor)


if __name__ == "__main__":
    sys.addaudithook(_record)
    from dr.cli import main

    sys.argv = ["dr", *sys.argv[1:]]
    main()
