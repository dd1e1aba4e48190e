"""What holds for every test: one that lacks a program of the machine is left out and named, never passed over in silence."""

import signal

pytest_plugins = ["tests.support.needs", "tests.support.workers"]
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background: what tests start must hear Ctrl-C all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)
