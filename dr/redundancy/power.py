"""An uninterruptible supply in words that its two programs share: mains and battery are the halves of power."""

from collections.abc import Set
from dataclasses import dataclass, field

from dr.model.redundancy import Half, Reading, RedundancyState, judged, unseen


@dataclass(frozen=True)
class Flags:
    """Words of a status line, by what they mean. What is in none of them is not understood."""

    mains: Set[str]
    on_battery: Set[str]
    no_battery: Set[str] = field(default_factory=frozenset)
    """The battery holds nothing, or is to be replaced."""
    worse: Set[str] = field(default_factory=frozenset)
    """It works, and not as it should."""
    charging: Set[str] = field(default_factory=frozenset)
    silent: Set[str] = field(default_factory=frozenset)
    """The program does not hear the supply."""
    harmless: Set[str] = field(default_factory=frozenset)

    @property
    def known(self) -> Set[str]:
        return self.mains | self.on_battery | self.no_battery | self.worse | self.charging | self.silent | self.harmless


def power(words: Set[str], flags: Flags, charge: float | None, least: float) -> Reading:
    """`charge`, `least`: of the battery, in percent. A flag that nobody knows makes it unknown, never whole."""
    strange = sorted(words - flags.known)
    if words & flags.silent:
        return unseen("its supply does not answer the program that watches it")
    if not words or not words & (flags.mains | flags.on_battery | flags.no_battery):
        return unseen("the supply does not say whether it has mains" + (f" ({', '.join(strange)})" if strange else ""))
    mains: RedundancyState = "lost" if words & flags.on_battery or not words & flags.mains else "whole"
    halves = [
        Half(name="mains", state=mains, words="it runs on its battery" if mains == "lost" else ""),
        _battery(words, flags, charge, least),
    ]
    halves += [Half(name=word, state="unknown", words="this dr does not know what that means") for word in strange]
    said = " ".join(sorted(words)) + (f", battery {charge:.0f}%" if charge is not None else "")
    return judged(halves, said)


def _battery(words: Set[str], flags: Flags, charge: float | None, least: float) -> Half:
    if words & flags.no_battery:
        return Half(name="battery", state="lost", words="empty, missing or to be replaced")
    if words & flags.worse:
        return Half(name="battery", state="degraded", words=" ".join(sorted(words & flags.worse)))
    if charge is not None and charge < least:
        back = bool(words & flags.charging) or not words & flags.on_battery
        return Half(name="battery", state="rebuilding" if back else "degraded", words=f"{charge:.0f}% of its charge")
    return Half(name="battery", state="whole")


def percent(text: str | None) -> float | None:
    """`100.0 Percent` or `100`."""
    try:
        return float(text.split()[0]) if text else None
    except (ValueError, IndexError):
        return None
