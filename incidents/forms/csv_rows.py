"""CSV as the console saves it: a header that names the columns, then a row for each event.

The console's "Download CSV" writes ``@timestamp,@message`` and whatever else a query names, or
``timestamp,message`` for plain log events; a message that runs over several lines stands in quotes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from incidents.events import Event, Skip
from incidents.forms.base import LONGEST, NOT_AN_EVENT, TOO_LONG, Origin, Output
from incidents.forms.ndjson import MESSAGE_KEYS, read_saved_event
from incidents.forms.text import text_lines

COLUMNS: Final = "not as many columns as its header has"
QUOTES: Final = "a row of CSV whose quotes do not close as they should"

_TIMES = ("@timestamp", "timestamp")
_LONGEST_HEADER = 10_000


def header_line(line: str) -> tuple[str, ...] | None:
    """The columns that a first line names; None where it is no header of log events.

    >>> header_line('"@timestamp","@message"'), header_line("INFO: timestamp, message")
    (('@timestamp', '@message'), None)
    """
    try:
        row = next(csv.reader([line[:_LONGEST_HEADER]], strict=True), [])
    except csv.Error:
        return None
    return _header(row)


def csv_events(chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
    """The event of each row; the header may come again, where files were put one after the other."""
    # The limit is the process's own: it is raised and never lowered.
    csv.field_size_limit(max(LONGEST, csv.field_size_limit()))
    out, lines = Output(origin.source), _Lines(text_lines(chunks))
    names: tuple[str, ...] | None = None
    for line, row in _rows(lines):
        yield from (out.skip(number, TOO_LONG) for number in lines.taken_as_lost())
        if isinstance(row, str):
            yield out.skip(line, row)
        elif named := _header(row):
            names = named
        elif row:
            yield _event(names, row, line, out)
    yield from (out.skip(number, TOO_LONG) for number in lines.taken_as_lost())


@dataclass(slots=True)
class _Lines:
    """Lines as the csv module wants them, and the number of the last one it took."""

    numbered: Iterator[tuple[int, str | None]]
    number: int = 0
    _lost: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for number, line in self.numbered:
            self.number = number
            if line is None:
                self._lost.append(number)
            else:
                yield line + "\n"

    def taken_as_lost(self) -> list[int]:
        """The lines since the last call that were too long to hold."""
        lost, self._lost = self._lost, []
        return lost


def _rows(lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
    """Each row with the line that it begins on, or the reason why there is none."""
    rows = csv.reader(lines, strict=True)
    while True:
        first = lines.number + 1
        try:
            yield first, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield first, TOO_LONG if "limit" in str(error) else QUOTES


def _header(row: Sequence[str]) -> tuple[str, ...] | None:
    names = tuple(name.strip() for name in row[:100])
    told = any(name in _TIMES for name in names) and any(name in MESSAGE_KEYS for name in names)
    return names if told else None


def _event(names: tuple[str, ...] | None, row: Sequence[str], line: int, out: Output) -> Event | Skip:
    if names is None:
        return out.skip(line, NOT_AN_EVENT)
    if len(row) != len(names):
        return out.skip(line, COLUMNS)
    fields = dict(zip(names, row, strict=True))
    read = read_saved_event(fields, out.source, f"{out.source}:{line}", out.count)
    out.count += isinstance(read, Event)
    return read
