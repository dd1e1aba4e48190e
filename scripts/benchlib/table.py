"""What was measured, as a table: for each pair its seconds, the ratio within each repetition, and whether that is what was expected."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Pair:
    """`ours` and `theirs`: seconds, repetition by repetition; each ratio is of two neighbours in time. `at_most` 0: nothing is expected."""

    what: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    against: str
    at_most: float = 0.0

    @property
    def ratios(self) -> list[float]:
        return [mine / other for mine, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def verdict(self) -> str:
        if not self.at_most:
            return ""
        return "as expected" if median(self.ratios) <= self.at_most else "MISSED"


@dataclass
class Report:
    """Pairs and single figures, as markdown: it goes into the README as it is."""

    title: str
    pairs: list[Pair] = field(default_factory=list)
    figures: list[tuple[str, str, str]] = field(default_factory=list)
    """What, how much, and the verdict where something is expected."""

    def lines(self) -> list[str]:
        return [self.title, "", *self._pairs(), *([""] if self.pairs and self.figures else []), *self._figures()]

    def _pairs(self) -> list[str]:
        heads = ("what", "against", "seconds", "against, seconds", "ratio min", "ratio median", "expected", "")
        rows = [
            (
                pair.what,
                pair.against,
                _seconds(pair.ours),
                _seconds(pair.theirs),
                f"{min(pair.ratios):.2f}",
                f"{median(pair.ratios):.2f}",
                f"<= {pair.at_most:.2f}" if pair.at_most else "",
                pair.verdict,
            )
            for pair in self.pairs
        ]
        return markdown(heads, rows) if rows else []

    def _figures(self) -> list[str]:
        return markdown(("figure", "value", ""), self.figures) if self.figures else []


def _seconds(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.1f}" if value >= 10 else f"{value:.2f}" for value in values)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return [line(heads), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)]
