"""Why a host may not be written to, and how a refusal says it."""

from collections.abc import Sequence
from dataclasses import dataclass

ANEW = (
    "if it is a clone, or was production, make it another machine: host keys of its own (remove /etc/ssh/ssh_host_*_key*, then "
    "ssh-keygen -A), a machine-id of its own (empty /etc/machine-id, then systemd-machine-id-setup), an empty folder, and "
    "another name in the inventory"
)
"""What makes a machine that is recognised as production's a standby: said whole, since by one sign alone the rest is not looked at."""


@dataclass(frozen=True)
class Problem:
    """Why not, and what to do next."""

    what: str
    hint: str


def because(problems: Sequence[Problem]) -> str:
    """The end of a refusal: the reason, or a list with a line for each."""
    if len(problems) == 1:
        return f": {problems[0].what}"
    return f", for {len(problems)} reasons:" + "".join(f"\n      - {problem.what}" for problem in problems)
