"""A compressed NDJSON file made small: only the surroundings of the hits are kept, decoded.

A compressed file has no place to jump to. It is decoded once to find the times of the hits, and once more to
keep what stands around them, so that memory stays small however much it decodes to.
"""

from __future__ import annotations

import mmap
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from incidents.events import Event, Skip
from incidents.search import line_time, occurrences
from incidents.sources import AROUND, SLACK, Span

_BLOCK = 1 << 20
_LONGEST_LINE = 64 << 20

Blocks = Callable[[], Iterator[bytes]]
"""Decodes the file from its beginning."""
Parse = Callable[[bytes, int], Event | Skip]


@dataclass(frozen=True, slots=True)
class Hits:
    """What one pass over a file found."""

    times: tuple[datetime, ...]
    """When the lines stand that hold a needle."""
    decoded: int
    """Bytes in all."""
    in_time_order: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The kept part of a decoded file."""

    data: bytes | mmap.mmap
    spans: tuple[Span, ...]
    """Everything in these times is in it."""
    _begins: tuple[tuple[int, int], ...]
    """Where each kept block begins: here, and in the decoded file."""

    def original(self, offset: int) -> int:
        """The offset in the decoded file of what stands here at an offset."""
        here, there = self._begins[bisect_right(self._begins, (offset, 1 << 62)) - 1]
        return there + offset - here

    def covers(self, spans: Iterable[Span]) -> bool:
        """Whether everything in some times is in it."""
        return all(any(own.start <= s.start and s.end <= own.end for own in self.spans) for s in spans)


def find_hits(pieces: Iterable[bytes], needles: Iterable[str], parse: Parse) -> Hits:
    """Search a decoded file for the lines that hold a needle."""
    wanted = [needle.encode() for needle in needles]
    times: list[datetime] = []
    decoded, latest, ordered = 0, None, True
    for block in _whole_lines(pieces):
        first = _first_time(block, parse)
        if first is not None:
            ordered = ordered and (latest is None or first >= latest - SLACK)
            latest = first if latest is None else max(latest, first)
        for needle in wanted:
            for at in occurrences(block, needle, 0, len(block)):
                begin = block.rfind(b"\n", 0, at) + 1
                moment = line_time(_line(block, begin), decoded + begin, parse)
                times += [moment] if moment is not None else []
        decoded += len(block)
    return Hits(tuple(times), decoded, ordered and latest is not None)


def excerpt(pieces: Iterable[bytes], spans: Iterable[Span], parse: Parse) -> Excerpt:
    """Keep, of a decoded file in time order, the blocks that reach into one of the spans."""
    spans = tuple(spans)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the map below keeps it; it has no name to clean up
    begins: list[tuple[int, int]] = []
    offset = written = 0
    for block in _whole_lines(pieces):
        first, last = _first_time(block, parse), _last_time(block, parse)
        if first is None or last is None or _touches(first, last, spans):
            begins.append((written, offset))
            written += file.write(block)
        offset += len(block)
    file.flush()
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if written else b""
    return Excerpt(data, spans, tuple(begins) or ((0, 0),))


def around(times: Iterable[datetime]) -> tuple[Span, ...]:
    """The times in which everything of the requests stands whose lines were hit."""
    merged: list[Span] = []
    for moment in sorted(times):
        start, end = moment - AROUND - SLACK, moment + AROUND + SLACK
        if merged and start <= merged[-1].end:
            merged[-1] = Span(None, merged[-1].start, end)
        else:
            merged.append(Span(None, start, end))
    return tuple(merged)


def _touches(first: datetime, last: datetime, spans: Iterable[Span]) -> bool:
    return any(span.start - SLACK <= last and first <= span.end + SLACK for span in spans)


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces cut anew after a line's end. A line too long to hold is cut where it is."""
    rest = b""
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        if end:
            yield rest + piece[:end]
            rest = piece[end:]
        else:
            rest += piece
            if len(rest) > _LONGEST_LINE:
                yield rest
                rest = b""
    if rest:
        yield rest


def _line(block: bytes, begin: int) -> bytes:
    end = block.find(b"\n", begin)
    return block[begin : end if end >= 0 else len(block)]


def _first_time(block: bytes, parse: Parse) -> datetime | None:
    begin = 0
    for _ in range(64):
        line = _line(block, begin)
        if line and (moment := line_time(line, 0, parse)) is not None:
            return moment
        begin += len(line) + 1
        if begin >= len(block):
            return None
    return None


def _last_time(block: bytes, parse: Parse) -> datetime | None:
    end = len(block.rstrip(b"\n"))
    for _ in range(64):
        begin = block.rfind(b"\n", 0, end) + 1
        if (moment := line_time(block[begin:end], 0, parse)) is not None:
            return moment
        if begin == 0:
            return None
        end = begin - 1
    return None
