"""One guard of the house, as a row of the table."""

from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[3]


@dataclass(frozen=True)
class Guard:
    """`file` keeps `promise` by the text `on`; with `off` in its place each of `tests` must fail."""

    promise: str
    file: str
    on: str
    """Exactly as it is written, once in the file."""
    off: str
    tests: tuple[str, ...]
    """Node ids, without the parameters of a parametrised test where any may fail."""
    by: str = ""
    """The exception that the tests end with where it is not an assertion: without the guard the next thing breaks, elsewhere and worse.
    Several, by a blank between, where hypothesis finds one or more of them."""

    @property
    def fast(self) -> bool:
        """Whether its tests are unit tests."""
        return all(test.startswith("tests/unit/") for test in self.tests)

    def switched_off(self, text: str) -> str:
        """The file's text without the guard. Raises ValueError where the guard is not there exactly once."""
        if text.count(self.on) != 1:
            raise ValueError(f"{self.file}: '{self.on}' is there {text.count(self.on)} times")
        return text.replace(self.on, self.off)


@dataclass(frozen=True)
class Off:
    """A guard of a file that `guards_of` names: `test` is a function of its test file, or a whole node id."""

    promise: str
    on: str
    off: str
    test: str
    by: str = ""


def guards_of(file: str, tests: str, *rows: Off) -> tuple[Guard, ...]:
    """The rows of one file, most of whose tests are in one test file."""
    return tuple(Guard(r.promise, file, r.on, r.off, (r.test if "::" in r.test else f"{tests}::{r.test}",), r.by) for r in rows)


@dataclass(frozen=True)
class Elsewhere:
    """A refusal without a row: `words` of its message, and why it has none."""

    file: str
    words: str
    why: str


def base(node: str) -> str:
    """A test's node id without the parameters."""
    return node.partition("[")[0]
