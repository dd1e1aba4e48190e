"""Why a host may not be written to, and how a refusal says it."""

from collections.abc import Sequence
from dataclasses import dataclass


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
