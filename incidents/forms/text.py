"""Bytes in pieces of any size -> text -> lines -> records that run over several lines."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from re import Match

from incidents.forms.base import LONGEST

_BLOCK = 65536
_MOST_PARTS = 100_000


def text_blocks(chunks: Iterable[bytes]) -> Iterator[str]:
    """The decoded text in blocks of about 64 kB, however the bytes were cut.

    UTF-8, or UTF-16 where a byte order mark says so; the mark itself is left out, and what cannot
    be decoded becomes U+FFFD.
    """
    decoder: codecs.IncrementalDecoder | None = None
    for block in _blocks(chunks):
        decoder = decoder or _decoder(block)
        if text := decoder.decode(block):
            yield text
    if decoder and (text := decoder.decode(b"", True)):
        yield text


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(bytes(chunk))
        size += len(chunk)
        if size >= _BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if size:
        yield b"".join(parts)


def _decoder(head: bytes) -> codecs.IncrementalDecoder:
    utf_16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return codecs.getincrementaldecoder("utf-16" if utf_16 else "utf-8-sig")(errors="replace")


def text_lines(chunks: Iterable[bytes]) -> Iterator[tuple[int, str | None]]:
    """Each line with its number from 1 and without its newline; None for one that is too long to hold.

    Where the first line ends in CR LF the file is taken to be written so, and each line loses its CR.
    """
    crlf = False
    for number, line in _numbered(text_blocks(chunks)):
        if line is not None:
            crlf = crlf or (number == 1 and line.endswith("\r"))
            if crlf and line.endswith("\r"):
                line = line[:-1]
            if line.startswith("\ufeff"):  # files with a mark of their own, put one after the other
                line = line[1:]
        yield number, line


def _numbered(blocks: Iterable[str]) -> Iterator[tuple[int, str | None]]:
    number, tail = 1, _Tail()
    for block in blocks:
        first, *others = block.split("\n")
        tail.add(first)
        for part in others:
            yield number, tail.take()
            number += 1
            tail.add(part)
    if tail.size:
        yield number, tail.take()


@dataclass(slots=True)
class _Tail:
    """The line that is not complete yet."""

    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, part: str) -> None:
        self.size += len(part)
        if self.size <= LONGEST:
            self.parts.append(part)
        else:
            self.parts.clear()

    def take(self) -> str | None:
        line = "".join(self.parts) if self.size <= LONGEST else None
        self.parts.clear()
        self.size = 0
        return line


@dataclass(slots=True)
class Record:
    """A line that begins a record and the lines that continue it."""

    line: int
    match: Match[str]
    size: int = 0
    """In characters; the lines of a record that grew past LONGEST are not kept."""
    lines: int = 1
    _more: list[str] = field(default_factory=list)

    @property
    def too_long(self) -> bool:
        """True when its lines are not all here."""
        return self.size > LONGEST

    def continue_with(self, line: str) -> None:
        """Add a line that does not begin a record."""
        self.lines += 1
        self.size += len(line) + 1
        if self.too_long:
            self._more.clear()
        elif len(self._more) < _MOST_PARTS:
            self._more.append(line)
        else:  # one text takes a fraction of the memory of many short ones
            self._more = ["\n".join((*self._more, line))]

    def text(self, first: str) -> str:
        """``first`` and the lines that continue it."""
        return "\n".join((first, *self._more)) if self._more else first


@dataclass(frozen=True, slots=True)
class Loose:
    """A line that belongs to no record; text None for one too long to hold."""

    line: int
    text: str | None


def records(
    lines: Iterable[tuple[int, str | None]],
    begins: Callable[[str], Match[str] | None],
    ends: Callable[[str], object] = lambda line: False,
) -> Iterator[Record | Loose]:
    """Group lines into records; a line that ``begins`` none continues the one before it.

    A line of which ``ends`` is true, or that is too long to hold, ends the record before it and is
    loose itself. Blank lines that continue nothing are passed over.
    """
    record: Record | None = None
    for number, line in lines:
        match = begins(line) if line is not None else None
        if match is not None:
            if record:
                yield record
            record = Record(number, match, size=len(match.string))
        elif record and line is not None and not ends(line):
            record.continue_with(line)
        else:
            if record:
                yield record
                record = None
            if line is None or line.strip():
                yield Loose(number, line)
    if record:
        yield record
