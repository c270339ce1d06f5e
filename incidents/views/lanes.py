"""What a waterfall is drawn with: signs, a scale of time, and rows of cells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from incidents.display import width
from incidents.views.rows import Row, Style, spans


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What the lanes are drawn with: no meaning hangs on colour."""

    phases: tuple[str, str]
    gap: str
    init: str
    runs: str
    waits: str
    commit: str
    failed: str
    answered: str
    end: str
    tick: str
    ruler: str


BOXES: Final = Glyphs(("█", "▓"), "░", "▒", "─", "─", "◆", "✗", "✓", "▌", "·", "┊")
ASCII: Final = Glyphs(("=", "#"), ".", "i", "-", "-", "*", "X", "v", "]", "'", ":")


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a moment stands on the common axis."""

    zero: datetime
    span: timedelta
    columns: int

    def column(self, at: datetime) -> int:
        """The column of a moment; what lies outside stands at the edge."""
        return min(max(int((at - self.zero) / self.span * self.columns), 0), self.columns - 1)

    def after(self, wait: timedelta) -> int:
        """The column that far after zero."""
        return min(max(int(wait / self.span * self.columns), 0), self.columns - 1)


class Lane:
    """A row of cells, one column each, filled in place."""

    def __init__(self, columns: int) -> None:
        self.cells: list[tuple[str, Style] | None] = [None] * columns

    def bar(self, start: int, end: int, glyph: str, style: Style, *labels: str) -> None:
        """Fill from start to before end, one cell at least; the first label that fits goes inside."""
        end = max(end, start + 1)
        self.cells[start:end] = [(glyph, style)] * (end - start)
        for label in labels:
            room = end - start - width(label) - 3  # a space at each side, and the letter
            if room >= 0:
                self.write(start + 1 + room // 2, f" {label} ", "")
                break

    def write(self, start: int, text: str, style: Style) -> None:
        """Put text into the cells: a wide character takes two, a combining mark none."""
        for character in text:
            taken = width(character)
            if taken == 0 or start < 0 or start + taken > len(self.cells):
                continue
            self.cells[start] = (character, style)
            self.cells[start + 1 : start + taken] = [("", style)] * (taken - 1)
            start += taken

    def free(self, start: int, end: int) -> bool:
        """Whether nothing stands there."""
        return start >= 0 and end <= len(self.cells) and not any(self.cells[start:end])

    def row(self) -> Row:
        """The cells as a row, spaces where nothing stands."""
        return spans(cell or (" ", "") for cell in self.cells)
