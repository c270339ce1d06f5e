"""Rows of a terminal: text with a style, laid out first and painted last.

Rows are laid out without colour, so that what stands where never depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from incidents.display import clean, fit, plain, width, wrap
from incidents.redact import masked
from incidents.views import Options

Style = Literal["", "bold", "dim", "red", "yellow", "green", "cyan", "alarm"]

_SGR: Final[dict[Style, str]] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "yellow": "33",
    "green": "32",
    "cyan": "36",
    "alarm": "1;31",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Text in one style."""

    text: str
    style: Style = ""


Row = tuple[Span, ...]
"""One line of the output."""


def say(text: str, options: Options) -> str:
    """Any text of a report as it may stand in a row: without secrets, printable, in ASCII where asked."""
    safe = masked(text) if options.redact else clean(text)
    return plain(safe) if options.ascii else safe


def ellipsis(options: Options) -> str:
    """What marks a cut."""
    return "..." if options.ascii else "…"


def row(*parts: str | Span) -> Row:
    """A row of plain and styled texts."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def paragraph(
    lead: Row, text: str, options: Options, style: Style = "", most: int | None = None
) -> list[Row]:
    """The lead, then the text beside it, wrapped under itself; cut at ``most`` rows.

    Where the lead leaves less than half of the columns, the text starts below it.
    """
    indent = sum(width(span.text) for span in lead)
    room = options.columns - indent
    if 2 * room < options.columns:
        below = paragraph(row("  "), text, options, style, most)
        return [lead, *below]
    lines = list(wrap(text, room))
    if most is not None and len(lines) > most:
        rest = " ".join(lines[most - 1 :])
        lines[most - 1 :] = [fit(rest, room, ellipsis(options))]
    first, *others = lines
    return [(*lead, Span(first, style)), *(row(" " * indent, Span(other, style)) for other in others)]


def packed(entries: Iterable[str], indent: int, options: Options) -> list[Row]:
    """Short entries side by side, as many on a row as fit, on as many rows as it takes."""
    rows: list[str] = []
    for entry in entries:
        joined = f"{rows[-1]}  {entry}" if rows else entry
        if rows and width(joined) <= options.columns - indent:
            rows[-1] = joined
        else:
            rows.append(entry)
    return [row(" " * indent, line) for text in rows for line in wrap(text, max(options.columns - indent, 8))]


def packed_once(entries: Iterable[str], indent: int, options: Options) -> list[Row]:
    """One row of those entries that fit side by side; the others are left out."""
    text = ""
    for entry in entries:
        joined = f"{text}  {entry}" if text else entry
        text = joined if width(joined) <= options.columns - indent else text
    return [row(" " * indent, text)] if text else []


def spans(cells: Iterable[tuple[str, Style]]) -> Row:
    """Cells of one column each as spans, neighbours of one style together."""
    grouped = groupby(cells, key=lambda cell: cell[1])
    return tuple(Span("".join(text for text, _ in group), style) for style, group in grouped)


def paint(rows: Iterable[Row], options: Options) -> str:
    """The output: every row clean, within the columns, and coloured where asked."""
    return "".join(_painted(line, options) + "\n" for line in rows)


def _painted(line: Row, options: Options) -> str:
    left = options.columns
    parts = []
    for span in _stripped(line):
        text = fit(plain(span.text) if options.ascii else clean(span.text), left, ellipsis(options))
        left -= width(text)
        code = _SGR.get(span.style) if options.color and text else None
        parts.append(f"\x1b[{code}m{text}\x1b[0m" if code else text)
    return "".join(parts)


def _stripped(line: Row) -> Row:
    """The row without spaces at its end."""
    kept = list(line)
    while kept and not kept[-1].text.strip(" "):
        kept.pop()
    return (*kept[:-1], Span(kept[-1].text.rstrip(" "), kept[-1].style)) if kept else ()
