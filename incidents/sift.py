"""A compressed NDJSON file made small: only the surroundings of the hits are kept, decoded.

A compressed file has no place to jump to. It is decoded once to find the times of the hits, and once more to
keep what stands around them, so that memory stays small however much it decodes to.
"""

from __future__ import annotations

import mmap
import tempfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from incidents.ahead import occurrences
from incidents.forms.base import LONGEST
from incidents.search import Parse, all_within, line_time
from incidents.sources import AROUND, SLACK, Question, Span, around

_LONGEST_NEEDLE = 512


@dataclass(frozen=True, slots=True)
class Hits:
    """What one pass over a file found."""

    needles: tuple[str, ...]
    """What was searched for."""
    found: tuple[tuple[int, datetime], ...]
    """Where the lines begin that hold one of them, and their times."""
    decoded: int
    """Bytes in all, or up to the last hit that was wanted."""
    index: tuple[tuple[int, datetime], ...]
    """Where some lines begin, about sixteen a MiB, and their times."""

    @property
    def around(self) -> tuple[Span, ...]:
        """The times in which everything of the requests stands whose lines were hit."""
        return around((at for _, at in self.found), AROUND + SLACK)

    @property
    def in_time_order(self) -> bool:
        """Whether the lines of the index never step back by more than the slack, and the hits fit in."""
        latest = datetime.min.replace(tzinfo=UTC)
        for _, at in self.index:
            if at + SLACK < latest:
                return False
            latest = max(latest, at)
        return bool(self.index) and all_within(self.ranges(self.around), (offset for offset, _ in self.found))

    def ranges(self, spans: Iterable[Span]) -> list[tuple[int, int]]:
        """The bytes, whole lines, that hold everything in some times; in order and without overlap."""
        merged: list[tuple[int, int]] = []
        for span in sorted(spans, key=lambda span: span.start):
            before = [offset for offset, at in self.index if at < span.start - SLACK]
            behind = [offset for offset, at in self.index if at > span.end + SLACK]
            begin, end = max(before, default=0), min(behind, default=self.decoded)
            if merged and begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((begin, end))
        return merged


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The kept part of a decoded file."""

    data: bytes | mmap.mmap
    spans: tuple[Span, ...]
    """Everything in these times is in it."""
    _begins: tuple[tuple[int, int], ...]
    """Where each kept stretch begins: here, and in the decoded file."""

    def original(self, offset: int) -> int:
        """The offset in the decoded file of what stands here at an offset."""
        here, there = self._begins[bisect_right(self._begins, (offset, 1 << 62)) - 1]
        return there + offset - here

    def covers(self, spans: Iterable[Span]) -> bool:
        """Whether everything in some times is in it."""
        return all(any(own.start <= s.start and s.end <= own.end for own in self.spans) for s in spans)


def find_hits(pieces: Iterable[bytes], question: Question, parse: Parse) -> Hits:
    """Search a decoded file for the lines that hold what is asked for."""
    wanted = [needle.encode() for needle in question.needles]
    hits: list[tuple[int, datetime]] = []
    index: list[tuple[int, datetime]] = []
    decoded, line, pending = 0, _LineUnderWay(), False
    for piece in pieces:
        if first := _first_time(piece, parse, at_line_begin=not decoded):
            index.append((decoded + first[0], first[1]))
        found = pending or any(_holds(line.end, piece, needle) for needle in wanted)
        line_end = piece.rfind(b"\n") + 1
        if found and line_end:
            hits += _lines_with(line.text(), piece, wanted, decoded, parse)
        pending = found and (not line_end or any(needle in piece[line_end:] for needle in wanted))
        line.go_on(piece, line_end)
        decoded += len(piece)
        if question.at_most is not None and len(hits) >= question.at_most:
            break
    hits += _lines_with(line.text(), b"\n", wanted, decoded, parse)
    return Hits(question.needles, tuple(hits), decoded, tuple(index))


def excerpt(pieces: Iterable[bytes], hits: Hits, spans: Iterable[Span]) -> Excerpt:
    """Keep, of a decoded file in time order, the lines in some of its times."""
    spans = tuple(spans)
    ranges = hits.ranges(spans)
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the map below keeps it; it has no name to clean up
    begins: list[tuple[int, int]] = []
    offset = written = length = 0
    for piece in pieces:
        # Of a line that is too long to be read the beginning is enough.
        newline = piece.find(b"\n")
        passed_over = 0 if length <= LONGEST else newline if newline >= 0 else len(piece)
        for begin, end in ranges:
            part = piece[max(begin - offset, passed_over) : max(end - offset, 0)]
            if part:
                begins.append((written, max(begin, offset + passed_over)))
                written += file.write(part)
        length = length + len(piece) if newline < 0 else len(piece) - piece.rfind(b"\n") - 1
        offset += len(piece)
    file.flush()
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) if written else b""
    return Excerpt(data, spans, tuple(begins) or ((0, 0),))


def _holds(end: bytes, piece: bytes, needle: bytes) -> bool:
    seam = len(needle) - 1
    return needle in piece or needle in end[-seam:] + piece[:seam]


def _lines_with(
    before: bytes, piece: bytes, needles: Iterable[bytes], offset: int, parse: Parse
) -> Iterator[tuple[int, datetime]]:
    """Where the lines begin that hold a needle and end in the piece, which begins at an offset; and when."""
    text, offset = before + piece, offset - len(before)
    for needle in needles:
        for at in occurrences(text, needle, 0, text.rfind(b"\n") + 1):
            begin, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
            if (moment := line_time(text[begin:end], 0, parse)) is not None:
                yield offset + begin, moment


@dataclass(slots=True)
class _LineUnderWay:
    """What stands of a line in the pieces so far. One that is too long to be read is not kept."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    end: bytes = b""
    """The last bytes: as many as a needle may have."""

    def go_on(self, piece: bytes, line_end: int) -> None:
        """Add a piece, in which the last line that ends does so at ``line_end``, 0 for none."""
        if line_end:
            self.parts.clear()
            self.size = 0
        self.parts.append(piece[line_end:])
        self.size += len(piece) - line_end
        if self.size > LONGEST:
            self.parts.clear()
        self.end = (self.end + piece[-_LONGEST_NEEDLE:])[-_LONGEST_NEEDLE:]

    def text(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)


def _first_time(piece: bytes, parse: Parse, *, at_line_begin: bool) -> tuple[int, datetime] | None:
    """The first line of a piece that begins and ends in it and has a time: where, and when."""
    begin = 0 if at_line_begin else piece.find(b"\n") + 1
    for _ in range(64):
        end = piece.find(b"\n", begin)
        if end < 0 or (begin == 0 and not at_line_begin):
            return None
        if (moment := line_time(piece[begin:end], 0, parse)) is not None:
            return begin, moment
        begin = end + 1
    return None
