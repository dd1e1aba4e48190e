"""What is wrong with what a person wrote: where, what, what to do next; and how a list of such problems reads."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from dr.errors import ConfigError

STARS = "********"
_WIDEST = 120
_SECRETS = re.compile(
    r"""(?ix)
    \b[\w-]*(?:password|passwd|passphrase|token|api[_-]?key|secret|pgpass)[\w-]*["']? \s* : \s+
        (?P<value> "(?:[^"\\]|\\.)*"? | '[^']*'? | (?![!$\[{&*|>\#]) [^\s,}\#](?:[^,}\#]*[^\s,}\#])? )
    | !secret \s+ (?P<bare> (?!\{) [^\s,}\#](?:[^,}\#]*[^\s,}\#])? )
    | ://(?P<user>[^\s/@]+)@
    | (?P<key>AGE-SECRET-KEY-\S+)
    """
)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `line` and `col` count from 1; line 0 means the file (or folder) as a whole. `length` in characters.

    `source` is the line as it may be shown: what looks like a secret in it is masked already.
    """

    file: str
    line: int
    col: int
    length: int
    message: str
    hint: str = ""
    source: str = ""
    caret: int | None = None
    """Where in `source` (from 0) the marked piece begins, if masking moved it."""

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}:{self.col}: {self.message}" if self.line else f"{self.file}: {self.message}"
        shown = _show(self) if self.line and self.source.strip() else []
        return "\n".join([head, *shown, *([f"   HINT: {self.hint}"] if self.hint else [])])


class ConfigProblems(ConfigError):
    """Every problem of every file; `str()` prints them all, as a person should read them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__(render(self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By place, each once."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line, p.col)))


def render(problems: Sequence[Problem]) -> str:
    """All of them and how many there are."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return "\n".join([*map(str, problems), f"{count}; nothing was run."])


def closest(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'x'?`, or nothing."""
    found = get_close_matches(word, sorted(known), 1, 0.6) or get_close_matches(word.lower(), sorted(known), 1, 0.6)
    return f"Did you mean '{found[0]}'?" if found else ""


def offer(where: str, word: str, known: Iterable[str]) -> str:
    """A hint that says what there is to choose from: `inventory/hosts.yaml has a, b. Did you mean 'b'?`"""
    names = list(known)
    has = f"{where} has {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}." if names else f"{where} has none."
    return f"{has} {closest(word, names)}".strip()


def mask_line(line: str, col: int, length: int, *, secret: bool = False) -> tuple[str, int, int]:
    """The line with every secret in it replaced by stars, and where (from 0) its marked piece is then. `secret`: that piece is one."""
    spans = [found.span(found.lastgroup or 0) for found in _SECRETS.finditer(line)]
    if secret:
        spans = [(start, end) for start, end in spans if end <= col or start >= col + length] + [(col, col + length)]
    shown, at, begin, end = "", 0, col, col + length
    for start, stop in sorted(spans):
        if start < at:
            continue
        shown += line[at:start] + STARS
        begin, end = (_moved(place, of, start, stop, len(shown)) for place, of in ((begin, col), (end, col + length)))
        at = stop
    return shown + line[at:], begin, end - begin


def _moved(place: int, original: int, start: int, stop: int, shown: int) -> int:
    """Where a place is after the stars that end at `shown` took the room of `start` to `stop`: inside them, at their nearer end."""
    if original <= start:
        return place
    return shown + max(0, original - stop) if original >= stop else shown - len(STARS)


def _show(problem: Problem) -> list[str]:
    text = "".join(c if c.isprintable() else " " for c in problem.source)
    start = problem.col - 1 if problem.caret is None else problem.caret
    cut = max(0, start - _WIDEST // 2) if len(text) > _WIDEST else 0
    piece = ("…" if cut else "") + text[cut : cut + _WIDEST].rstrip()
    indent = start - cut + (1 if cut else 0)
    carets = "^" * max(1, min(problem.length, len(piece) - indent))
    return [f"{problem.line:5} | {piece}", f"      | {' ' * indent}{carets}"]
