"""A program that a controller runs here: an argument list, to its end."""

import threading

from dr.hosts.process import LocalRunner
from dr.model.base import JsonObject


def run(args: JsonObject, stop: threading.Event) -> JsonObject:
    """What it ended with, and what it printed. `stop` ends it."""
    given = args.get("stdin")
    done = LocalRunner(stop).run(
        [str(word) for word in args["argv"]],
        stdin=None if given is None else bytes.fromhex(str(given)),
        env={str(key): str(value) for key, value in dict(args.get("env") or {}).items()},
        cwd=args.get("cwd"),
        timeout=args.get("timeout"),
        check=args.get("check") is not False,
        unprivileged=args.get("unprivileged") is True,
        detached=args.get("detached") is True,
    )
    return {"code": done.returncode, "stdout": done.stdout.hex(), "stderr": done.stderr.hex()}
