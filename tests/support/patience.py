"""How long a test waits for what must come, before it says that it hangs."""

from typing import Final

LONG: Final = 180.0
"""Seconds. Nobody waits so long for what works; a machine on which ten others are at work must not make a test fail."""
