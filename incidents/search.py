"""Finding the lines of a few requests in a large NDJSON file without parsing the rest.

A Lambda runs 15 minutes at most. So in a file that is in time order nothing of a request stands further than
that from a line that holds its ID: the whole file is searched once, for bytes, and only the surroundings
of the hits are read as events.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import mmap
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice

from incidents.events import Event, Skip
from incidents.sources import AROUND, BOUNDARIES, GATEWAY_SIGNS, SLACK, Question, Span, meanwhile

Parse = Callable[[bytes, int], Event | Skip]
"""Reads the line that begins at an offset."""

_SAMPLES = 400
_STEP = 4 << 20
_EPOCH_MS = re.compile(rb'"@?timestamp"\s*:\s*(\d{13})\b')
_Range = tuple[int, int]


class Haystack:
    """The bytes of an NDJSON file in time order, and the lines read from it so far."""

    def __init__(self, data: bytes | mmap.mmap, parse: Parse) -> None:
        self._data = data
        self._parse = parse
        self._size = len(data)
        self.lines: dict[int, Event | Skip] = {}
        """Every line that was parsed, by the offset of its beginning."""
        self.parsed_bytes = 0

    def search(self, question: Question) -> list[Event]:
        """All events that the question asks for, in file order."""
        hits = self._hits(question)
        offsets = set(hits)
        if question.spans:
            for begin, end in self._windows(question.spans):
                offsets.update(self._within(begin, end, question))
        else:
            offsets.update(self._boundaries(hits))
        found = (self.event(offset) for offset in sorted(offsets))
        return [each for each in found if isinstance(each, Event)]

    def event(self, offset: int) -> Event | Skip:
        """The line that begins at an offset, parsed once."""
        known = self.lines.get(offset)
        if known is None:
            line = self._line(offset)
            self.parsed_bytes += len(line)
            known = self.lines[offset] = self._parse(line, offset)
        return known

    def in_time_order(self) -> bool:
        """Whether samples at even distances never step back by more than the slack."""
        latest = None
        for position in range(0, self._size, max(1, self._size // _SAMPLES)):
            at = self._time_after(position)[0]
            if at is None:
                continue
            if latest is not None and at < latest - SLACK:
                return False
            latest = at if latest is None else max(latest, at)
        return latest is not None

    def _hits(self, question: Question) -> list[int]:
        ranges: Iterable[_Range] = [(0, self._size)]
        if question.spans:
            ranges = self._windows([Span(None, s.start - AROUND, s.end + AROUND) for s in question.spans])
        found = {
            self._line_begin(at)
            for begin, end in ranges
            for needle in question.needles
            for at in islice(occurrences(self._data, needle.encode(), begin, end), question.at_most)
        }
        return sorted(found)

    def _boundaries(self, hits: list[int]) -> Iterator[int]:
        """START, END, REPORT and INIT lines of the streams that were hit, around the hits."""
        events = [event for event in map(self.event, hits) if isinstance(event, Event)]
        streams = {event.log_stream for event in events}
        marks = {name[-24:].encode() for name in streams if name}
        spans = [Span(None, event.at - AROUND, event.at + AROUND) for event in events]
        for begin, end in self._windows(spans):
            for boundary in BOUNDARIES:
                for at in occurrences(self._data, boundary.encode(), begin, end):
                    offset = self._line_begin(at)
                    if None in streams or any(mark in self._line(offset) for mark in marks):
                        yield offset

    def _within(self, begin: int, end: int, question: Question) -> Iterator[int]:
        """Lines of the wanted streams in their spans, and what a gateway logged meanwhile."""
        anywhere = any(span.log_stream is None for span in question.spans)
        marks = tuple({span.log_stream[-24:].encode() for span in question.spans if span.log_stream})
        signs = tuple(sign.encode() for sign in GATEWAY_SIGNS)
        for offset, line in self._lines(begin, end):
            if anywhere or any(mark in line for mark in marks):
                event = self.event(offset)
                if isinstance(event, Skip) or any(span.holds(event) for span in question.spans):
                    yield offset
            elif any(sign in line for sign in signs):
                event = self.event(offset)
                if isinstance(event, Skip) or meanwhile(event, question.spans):
                    yield offset

    def _lines(self, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
        while begin < end:
            stop = min(self._next_line(min(begin + _STEP, self._size)), end)
            for line in self._data[begin:stop].removesuffix(b"\n").split(b"\n"):
                yield begin, line
                begin += len(line) + 1
            begin = stop

    def _windows(self, spans: Iterable[Span]) -> list[_Range]:
        """The byte ranges that hold these times, in order and without overlap."""
        ranges: list[_Range] = []
        for start, end in sorted((span.start - SLACK, span.end + SLACK) for span in spans):
            begin, until = self._offset_at(start), self._offset_at(end)
            if ranges and begin <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(ranges[-1][1], until))
            elif begin < until:
                ranges.append((begin, until))
        return ranges

    def _offset_at(self, moment: datetime) -> int:
        """Where the first line at or after a moment begins."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            at, begin = self._time_after(middle)
            if at is None or begin >= high:
                high = middle
            elif at < moment:
                low = begin + 1
            else:
                high = middle
        return self._next_line(low) if low else 0

    def _time_after(self, position: int) -> tuple[datetime | None, int]:
        """The time of the first line with one that begins at or after a position, and where it begins."""
        offset = self._next_line(position)
        for _ in range(64):
            if offset >= self._size:
                break
            at = self._time(offset)
            if at is not None:
                return at, offset
            offset = self._next_line(offset + 1)
        return None, self._size

    def _time(self, offset: int) -> datetime | None:
        return line_time(self._line(offset), offset, self._parse)

    def _line(self, offset: int) -> bytes:
        end = self._data.find(b"\n", offset)
        return self._data[offset : end if end >= 0 else self._size]

    def _line_begin(self, position: int) -> int:
        return self._data.rfind(b"\n", 0, position) + 1

    def _next_line(self, position: int) -> int:
        """Where the first line that begins at or after a position begins."""
        if position == 0:
            return 0
        found = self._data.find(b"\n", position - 1)
        return self._size if found < 0 else found + 1


def line_time(line: bytes, offset: int, parse: Parse) -> datetime | None:
    """The time of an event's line, without parsing it where its timestamp is plain to see."""
    # The key cannot be one inside the message: there its quotes stand escaped.
    if found := _EPOCH_MS.search(line):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
    event = parse(line, offset)
    return event.at if isinstance(event, Event) else None


def occurrences(data: bytes | mmap.mmap, needle: bytes, begin: int, end: int) -> Iterator[int]:
    """Where a needle stands, once a line, from ``begin`` to ``end``."""
    find = _find_in_map if isinstance(data, mmap.mmap) else _find
    at = find(data, needle, begin, end)
    while at >= 0:
        yield at
        line_end = data.find(b"\n", at)
        if line_end < 0:
            return
        at = find(data, needle, line_end, end)


def _find(data: bytes | mmap.mmap, needle: bytes, begin: int, end: int) -> int:
    return data.find(needle, begin, end)


def _load_memmem() -> Callable[..., int | None] | None:
    # The C library's search is three times as fast as mmap.find (benchmarks/trace.py --parts).
    try:
        search: Callable[..., int | None] = ctypes.CDLL(None).memmem
    except (AttributeError, OSError, TypeError):  # no such function, as on Windows
        return None
    search.restype = ctypes.c_void_p  # type: ignore[attr-defined]
    search.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)  # type: ignore[attr-defined]
    return search


_memmem = _load_memmem()


def _find_in_map(data: mmap.mmap, needle: bytes, begin: int, end: int) -> int:
    if _memmem is None or end - begin < 4096:
        return data.find(needle, begin, end)
    view = ctypes.c_char.from_buffer(data)
    base = ctypes.addressof(view)
    found = _memmem(base + begin, end - begin, needle, len(needle))
    return -1 if found is None else found - base
