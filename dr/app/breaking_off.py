"""What must be ended properly also where a person leaves it: a Ctrl-C, the end of a session, a terminal that is closed."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_LOOK_EVERY = 0.1
_ENDS = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM)


@contextmanager
def breaking_off(act: Callable[[], None]) -> Iterator[threading.Event]:
    """Inside, the first of them ends no process: the event is set, and `act` is called, in a thread of its own. The second does, as ever.

    Outside of the main thread, where no signal arrives, nothing is other than it was.
    """
    broken, over = threading.Event(), threading.Event()

    def heard(number: int, frame: FrameType | None) -> None:
        if broken.is_set():
            signal.default_int_handler(number, frame)
        broken.set()

    def wait() -> None:
        while not over.is_set():
            if broken.wait(_LOOK_EVERY):
                act()
                return

    ours = threading.current_thread() is threading.main_thread()
    before = {one: signal.signal(one, heard) for one in _ENDS} if ours else {}
    waiter = threading.Thread(target=wait, name="breaking-off", daemon=True)
    waiter.start()
    try:
        yield broken
    finally:
        over.set()
        waiter.join()
        for one, handler in before.items():
            signal.signal(one, handler)
