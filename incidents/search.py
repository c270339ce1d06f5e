"""Finding the lines of a few requests in a large NDJSON file without parsing the rest.

A Lambda runs 15 minutes at most. So in a file that is in time order nothing of a request stands further than
that from a line that holds its ID: the whole file is searched once, for bytes, and only the surroundings
of the hits are read as events. In a file that is not, the surroundings are the whole file.
"""

from __future__ import annotations

import mmap
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from incidents.ahead import Ahead, occurrences
from incidents.events import Event, Skip
from incidents.forms.base import LONGEST
from incidents.sources import BOUNDARIES, EVER, GATEWAY_LAG, GATEWAY_SIGNS, SLACK, Question, Span, around

Parse = Callable[[bytes | None, int], Event | Skip]
"""Reads the line that begins at an offset; None for one that is too long to be read."""

_SAMPLES = 400
_CLOSE = 1 << 16
_UNESCAPED = re.compile(r"[A-Za-z0-9_.-]*\Z")
_EPOCH_MS = re.compile(rb'"@?timestamp"\s*:\s*(\d{13})\b')
_Range = tuple[int, int]


class Haystack:
    """The bytes of an NDJSON file, and the lines read from it so far."""

    def __init__(self, data: bytes | mmap.mmap, parse: Parse, ahead: Ahead | None = None) -> None:
        self._data = data
        self._ahead = ahead
        self._parse = parse
        self._size = len(data)
        self._in_time_order = self._samples_in_time_order()
        self._lines: dict[int, Event | Skip] = {}
        self.parsed_bytes = 0
        """Size of all lines that were parsed, with the newlines at their ends."""

    @property
    def parsed(self) -> int:
        """How many events were read."""
        return len(self._lines) - len(self.skipped)

    @property
    def skipped(self) -> list[Skip]:
        """What was looked at and could not be read."""
        return [each for each in self._lines.values() if isinstance(each, Skip)]

    def search(self, question: Question) -> list[Event]:
        """All events that the question asks for, in file order."""
        if question.thorough or not self._stands_at_its_time(question.spans):
            self._in_time_order = False
        hits = self._hits(question)
        offsets = {*hits, *(self._within(question) if question.spans else self._boundaries(hits, question))}
        found = (self._event(offset) for offset in sorted(offsets))
        return [each for each in found if isinstance(each, Event)]

    def _stands_at_its_time(self, spans: Sequence[Span]) -> bool:
        """Whether what was read of each span stands where it is; else the samples missed that order lacks."""
        read = {offset: event for offset, event in self._lines.items() if isinstance(event, Event)}
        return all(
            all_within(self._windows([span]), (offset for offset, event in read.items() if span.holds(event)))
            for span in spans
        )

    def _event(self, offset: int) -> Event | Skip:
        known = self._lines.get(offset)
        if known is None:
            end = self._line_end(offset)
            self.parsed_bytes += min(end + 1, self._size) - offset
            line = self._data[offset:end] if end - offset <= LONGEST else None
            known = self._lines[offset] = self._parse(line, offset)
        return known

    def _samples_in_time_order(self) -> bool:
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
        # Once the spans of the requests are known, their lines stand in them, or shortly after.
        ranges = self._windows(_with_lag(question.spans)) if question.spans else [(0, self._size)]
        found = {
            offset
            for needle in question.needles
            for offset in islice(self._lines_with(needle, ranges), question.at_most)
        }
        return sorted(found)

    def _boundaries(self, hits: list[int], question: Question) -> Iterator[int]:
        """START, END, REPORT and INIT lines of the streams that were hit, around the hits."""
        found = {offset: self._event(offset) for offset in hits}
        events = {offset: event for offset, event in found.items() if isinstance(event, Event)}
        streams = {event.log_stream for event in events.values()}
        marks = [mark.encode() for mark in _marks(streams)]
        times = (event.at for event in events.values())
        spans = (EVER,) if question.thorough else around(times, question.around)
        if not all_within(self._windows(spans), events):
            # A line that does not stand at its time: the samples missed that there is no order.
            self._in_time_order = False
        # Not what else stands in those bytes: of a request at their edge only a part would be seen.
        for offset in self._lines_in_time(BOUNDARIES, spans):
            if any(mark in self._line(offset) for mark in marks):
                yield offset

    def _within(self, question: Question) -> Iterator[int]:
        """Lines of the wanted streams in their spans, and what a gateway logged meanwhile."""
        for stream in dict.fromkeys(span.log_stream for span in question.spans):
            spans = [span for span in question.spans if span.log_stream == stream]
            yield from self._lines_in_time(_marks([stream]), spans)
        yield from self._lines_in_time(GATEWAY_SIGNS, _with_lag(question.spans))

    def _lines_in_time(self, marks: Iterable[str], spans: Sequence[Span]) -> Iterator[int]:
        """Lines with one of the marks in one of the times; one without a time is looked at, to be counted."""
        windows = self._windows(spans)
        for mark in marks:
            for offset in self._lines_with(mark, windows):
                at = self._time(offset)
                if at is None or any(span.start <= at <= span.end for span in spans):
                    yield offset

    def _lines_with(self, text: str, ranges: Iterable[_Range]) -> Iterator[int]:
        """Where the lines begin that hold a text."""
        if self._ahead is not None and self._ahead.text == text and ranges == [(0, self._size)]:
            yield from map(self._line_begin, self._ahead.found())
            return
        for begin, end in ranges:
            for at in occurrences(self._data, text.encode(), begin, end):
                yield self._line_begin(at)

    def _windows(self, spans: Iterable[Span]) -> list[_Range]:
        """The byte ranges that hold these times, in order and without overlap."""
        if not self._in_time_order:
            return [(0, self._size)]
        ranges: list[_Range] = []
        for start, end in sorted((span.start - SLACK, span.end + SLACK) for span in spans):
            begin, until = self._near(start)[0], self._near(end)[1]
            if ranges and begin <= ranges[-1][1]:
                ranges[-1] = (ranges[-1][0], max(ranges[-1][1], until))
            elif begin < until:
                ranges.append((begin, until))
        return ranges

    def _near(self, moment: datetime) -> _Range:
        """A short range of whole lines in which the first line at or after a moment begins."""
        low, high = 0, self._size
        while high - low > _CLOSE:
            middle = (low + high) // 2
            at, begin = self._time_after(middle)
            if at is None or begin >= high:
                high = middle
            elif at < moment:
                low = begin + 1
            else:
                high = middle
        return self._line_begin(low), self._next_line(high)

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
        return self._data[offset : min(self._line_end(offset), offset + LONGEST)]

    def _line_end(self, offset: int) -> int:
        end = self._data.find(b"\n", offset)
        return end if end >= 0 else self._size

    def _line_begin(self, position: int) -> int:
        return self._data.rfind(b"\n", 0, position) + 1

    def _next_line(self, position: int) -> int:
        """Where the first line that begins at or after a position begins."""
        if position == 0:
            return 0
        found = self._data.find(b"\n", position - 1)
        return self._size if found < 0 else found + 1


def _with_lag(spans: Iterable[Span]) -> list[Span]:
    """The same times for any stream, and a little longer: for what a gateway logs of them."""
    return [Span(None, span.start - SLACK, span.end + GATEWAY_LAG) for span in spans]


def _marks(streams: Iterable[str | None]) -> list[str]:
    """Text that each line of some streams holds: the ends of their names, as far as JSON escapes nothing.

    >>> _marks(["2026/02/09/[$LATEST]5c14fe7d1c8c4671b97550426018ccf2"]), _marks(["a", "ü"]), _marks([None])
    (['1c8c4671b97550426018ccf2'], ['{'], ['{'])
    """
    ends = [found[0][-24:] for name in streams if (found := _UNESCAPED.search(name or ""))]
    return ends if all(ends) else ["{"]


def all_within(ranges: Sequence[_Range], offsets: Iterable[int]) -> bool:
    """Whether each offset stands in one of some ranges, which are in order.

    >>> all_within([(0, 10), (20, 30)], [5, 20]), all_within([(0, 10), (20, 30)], [15])
    (True, False)
    """
    begins = [begin for begin, _ in ranges]
    places = ((offset, bisect_right(begins, offset) - 1) for offset in offsets)
    return all(place >= 0 and offset < ranges[place][1] for offset, place in places)


def line_time(line: bytes, offset: int, parse: Parse) -> datetime | None:
    """The time of an event's line, without parsing it where its timestamp is plain to see."""
    # The key cannot be one inside the message: there its quotes stand escaped, or a brace before it.
    if (found := _EPOCH_MS.search(line)) and line.find(b"{", line.find(b"{") + 1, found.start()) < 0:
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
    event = parse(line, offset)
    return event.at if isinstance(event, Event) else None
