"""Rows: a figure beside its floor, and the table they make. Every benchmark returns rows and prints nothing."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured: `seconds` of ours beside `floor_seconds` of the least that could do the same, in one run."""

    name: str
    seconds: float
    floor_name: str
    floor_seconds: float
    note: str = ""

    @property
    def ratio(self) -> float:
        """How many times the floor we take; 1.0 could not be better."""
        return self.seconds / self.floor_seconds


HEADINGS = ("what", "seconds", "floor", "seconds", "ratio", "note")


def table(rows: Iterable[Row]) -> str:
    """The rows as text, columns aligned."""
    cells = [HEADINGS] + [
        (row.name, f"{row.seconds:.3f}", row.floor_name, f"{row.floor_seconds:.3f}", f"{row.ratio:.2f}", row.note)
        for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return "\n".join(_line(line, widths) for line in cells)


def _line(line: Iterable[str], widths: list[int]) -> str:
    """Numbers to the right, words to the left."""
    numbers = {1, 3, 4}
    parts = [
        text.rjust(width) if n in numbers else text.ljust(width)
        for n, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(parts).rstrip()
