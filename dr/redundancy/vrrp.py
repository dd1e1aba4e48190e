"""Which of two routers carries the shared address: VRRP, as a router or keepalived tells it. Pure.

Two forms are read: net-snmp's output of the VRRP MIBs (RFC 2787's vrrpOperState, RFC 6527's vrrpv3OperationsStatus), in numbers or
words, and keepalived's own account (`/tmp/keepalived.data`), a block for each instance.
"""

import re
from collections.abc import Mapping, Sequence

from dr.model.redundancy import Half, RedundancyState

OPER_STATE = "1.3.6.1.2.1.68.1.3.1.3"
"""vrrpOperState (RFC 2787)."""
OPERATIONS_STATUS = "1.3.6.1.2.1.207.1.1.1.1.6"
"""vrrpv3OperationsStatus (RFC 6527)."""
_NUMBERS = {"1": "initialize", "2": "backup", "3": "master"}
_WORDS = {"init": "initialize", "initialize": "initialize", "backup": "backup", "master": "master", "fault": "fault", "stop": "fault"}
_SNMP = re.compile(
    r"^(?:\S*(?:vrrpOperState|vrrpv3OperationsStatus)|(?:\.?1|iso|SNMPv2-SMI::mib-2)\.(?:3\.6\.1\.2\.1\.)?(?:68\.1\.3\.1\.3|207\.1\.1\.1\.1\.6))"
    r"\.[\d.\"]+ = INTEGER: (?:(?P<word>[a-z]+)\()?(?P<number>\d+)\)?\s*$",
    re.MULTILINE,
)
_INSTANCE = re.compile(r"^ ?VRRP Instance = (?P<name>\S+)$(?P<block>(?:\n(?! ?VRRP Instance = |-+<).*)*)", re.MULTILINE)
_STATE = re.compile(r"^\s+State = (?P<state>\w+)", re.MULTILINE)


def parse(text: str) -> list[str]:
    """The state of each virtual router that is told: `master`, `backup`, `initialize`, `fault`, or the word that is not known."""
    told = [_NUMBERS.get(match["number"], match["number"]) for match in _SNMP.finditer(text)]
    for match in _INSTANCE.finditer(text):
        state = _STATE.search(match["block"])
        word = state["state"].lower() if state else "untold"
        told.append(_WORDS.get(word, word))
    return told


def standing(told: Mapping[str, Sequence[str]]) -> list[Half]:
    """Router to what `parse` gave: each as a half, and whether exactly one carries each address."""
    halves = [
        Half(name=f"{name} vrrp", state=_state(states), words=", ".join(states) or "it tells no virtual router")
        for name, states in told.items()
    ]
    masters = sum(states.count("master") for states in told.values())
    most = max((len(states) for states in told.values()), default=0)
    if masters < most and not any(half.state == "unknown" for half in halves):
        halves.append(
            Half(
                name="the shared address", state="lost", words="no router carries it" if masters == 0 else "one of them is carried by none"
            )
        )
    elif masters > most:
        halves.append(
            Half(name="the shared address", state="degraded", words="two routers believe that they carry it: they do not hear each other")
        )
    return halves


def _state(states: Sequence[str]) -> RedundancyState:
    if not states:
        return "unknown"
    if set(states) & {"fault", "initialize"}:
        return "lost"
    return "whole" if set(states) <= {"master", "backup"} else "unknown"
