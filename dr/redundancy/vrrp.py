"""Which of two routers carries the shared address: VRRP, as a router or keepalived tells it. Pure.

Two forms are read: net-snmp's output of the VRRP MIBs (RFC 2787's vrrpOperState, RFC 6527's vrrpv3OperationsStatus), in numbers or
words, and keepalived's own account (`/tmp/keepalived.data`), a block for each instance.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dr.model.redundancy import Half, RedundancyState

OPER_STATE = "1.3.6.1.2.1.68.1.3.1.3"
"""vrrpOperState (RFC 2787)."""
OPERATIONS_STATUS = "1.3.6.1.2.1.207.1.1.1.1.6"
"""vrrpv3OperationsStatus (RFC 6527)."""
_NUMBERS = {"1": "initialize", "2": "backup", "3": "master"}
_WORDS = {"init": "initialize", "initialize": "initialize", "backup": "backup", "master": "master", "fault": "fault", "stop": "fault"}
_SNMP = re.compile(
    r"^(?:\S*(?:vrrpOperState|vrrpv3OperationsStatus)|(?:\.?1|iso|SNMPv2-SMI::mib-2)\.(?:3\.6\.1\.2\.1\.)?(?:68\.1\.3\.1\.3|207\.1\.1\.1\.1\.6))"
    r"\.\d+(?:\.(?P<group>[\w.\"]+))? = INTEGER: (?:(?P<word>[a-z]+)\()?(?P<number>\d+)\)?\s*$",
    re.MULTILINE,
)
_INSTANCE = re.compile(r"^ ?VRRP Instance = (?P<name>\S+)$(?P<block>(?:\n(?! ?VRRP Instance = |-+<).*)*)", re.MULTILINE)
_STATE = re.compile(r"^\s+State = (?P<state>\w+)", re.MULTILINE)
_ID = re.compile(r"^\s+Virtual Router ID = (?P<group>\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """What a router says that it is of one virtual router: `master`, `backup`, `initialize`, `fault`, or the word that is not known.

    `group`: that virtual router's number, by which the other router's part of it is found; empty where it is not told.
    """

    group: str
    state: str


def parse(text: str) -> list[Part]:
    """Its part of each virtual router that is told. SNMP's index is the interface, which each router counts for itself, then the group."""
    told = [Part(match["group"] or "", _NUMBERS.get(match["number"], match["number"])) for match in _SNMP.finditer(text)]
    for match in _INSTANCE.finditer(text):
        state, group = _STATE.search(match["block"]), _ID.search(match["block"])
        word = state["state"].lower() if state else "untold"
        told.append(Part(group["group"] if group else "", _WORDS.get(word, word)))
    return told


def standing(told: Mapping[str, Sequence[Part]], *, whole: bool = True) -> list[Half]:
    """Router to what `parse` gave: each as a half, and whether exactly one carries each address. `whole`: every router was asked that may
    carry it."""
    said = {name: [part.state for part in parts] for name, parts in told.items()}
    halves = [
        Half(name=f"{name} vrrp", state=_state(states), words=", ".join(states) or "it tells no virtual router")
        for name, states in said.items()
    ]
    known = whole and not any(half.state == "unknown" for half in halves)
    groups = dict.fromkeys(part.group for parts in told.values() for part in parts)
    return [*halves, *(half for group in groups for half in _shared(group, told, len(groups) > 1, known))]


def _shared(group: str, told: Mapping[str, Sequence[Part]], several: bool, known: bool) -> Iterator[Half]:
    """What is wrong with the address that a group shares. `known`: what no router says of it is so."""
    parts = {name: [part.state for part in parts if part.group == group] for name, parts in told.items()}
    masters, most = sum(states.count("master") for states in parts.values()), max(len(states) for states in parts.values())
    name, alone = f"the shared address{f' {group}' if several else ''}", [router for router, states in parts.items() if states]
    if masters > most:
        yield Half(name=name, state="degraded", words="two routers believe that they carry it: they do not hear each other")
    elif masters < most and known:
        yield Half(name=name, state="lost", words="no router carries it" if masters == 0 else "one of them is carried by none")
    elif len(alone) == 1 and len(told) > 1 and known:
        yield Half(name=name, state="degraded", words=f"only {alone[0]} stands for it")


def _state(states: Sequence[str]) -> RedundancyState:
    if not states:
        return "unknown"
    if set(states) & {"fault", "initialize"}:
        return "lost"
    return "whole" if set(states) <= {"master", "backup"} else "unknown"
