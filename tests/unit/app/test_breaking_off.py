"""What must be ended properly is, also where a person leaves it by Ctrl-C, or closes the terminal."""

import os
import signal
import threading

import pytest

from dr.app.breaking_off import breaking_off

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGTERM])
def test_the_first_ends_nothing_and_is_acted_upon_once_and_the_second_ends_it(number: signal.Signals) -> None:
    before, acted = signal.getsignal(number), threading.Event()
    with breaking_off(acted.set) as broken:
        assert not broken.is_set()
        os.kill(os.getpid(), number)
        assert broken.wait(10) and acted.wait(10)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_where_nobody_breaks_it_off_nothing_is_acted_upon() -> None:
    acted = threading.Event()
    with breaking_off(acted.set) as broken:
        pass
    assert not broken.is_set() and not acted.is_set()
