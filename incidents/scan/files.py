"""One pass over a saved file: only lines that hold a mark are read, whatever the file's size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO, Final

from guards.errors import SourceFailed
from incidents import containers
from incidents.ahead import occurrences
from incidents.events import Event, Skip
from incidents.files import HEAD, FileSource
from incidents.forms import NDJSON, Form, recognise
from incidents.forms.base import LONGEST, TOO_LONG
from incidents.forms.ndjson import read_ndjson_line
from incidents.paths import NO_LOGS, InFolder
from incidents.scan.signs import Tally
from incidents.scan.sweep import Found, Sweep, search

_WORTH: Final = 16 << 20
"""A plain file of this size is worth a process on each core."""


class FilePass:
    """One file, gone through once."""

    def __init__(self, source: FileSource, number: int, tally: Tally, begun: Sweep | None = None) -> None:
        self.path = source.name
        self.skips: list[Skip] = []
        """What could not be read."""
        self.size = 0
        """Bytes, as stored."""
        self._source, self._number, self._tally, self._begun = source, number, tally, begun
        self._wish = tally.wanted.wish
        self._marks = [mark.encode() for mark in self._wish.marks]

    def run(self) -> None:
        """Take all signs in it. Raises SourceFailed when it cannot be opened."""
        try:
            with self._source.opened() as file:
                self.size = file.seek(0, os.SEEK_END)
                form = recognise(_head(file), self._source.origin.path)
                self._ndjson(file) if form is NDJSON else self._in_full(file, form)
        except OSError as error:
            raise SourceFailed.of_file(self.path, error) from error
        finally:
            if self._begun is not None:
                self._begun.close()

    def _ndjson(self, file: BinaryIO) -> None:
        file.seek(0)
        if containers.kind_of(file.read(4)) == "plain" and not self._source.is_kept:
            for found in self._swept(self.size):
                self.take(file, found)
            return
        for data in self._decoded(file):
            self._lines(data)

    def _swept(self, size: int) -> Iterator[Found]:
        """What the bytes of a plain file tell: of a large one, searched on every core."""
        if self._begun is not None and self._begun.wish == self._wish:
            return self._begun.found()
        if size >= _WORTH:
            self._begun = Sweep(self.path, size, self._wish)
            return self._begun.found()
        return search(self.path, size, self._wish)

    def take(self, file: BinaryIO, found: Found) -> None:
        """What a pass over the file's bytes found in it."""
        self._tally.minutes.update(found.minutes)
        for start in found.odd:
            file.seek(start)
            self._read(file.readline(LONGEST + 2).removesuffix(b"\n"), start)

    def _lines(self, data: bytes) -> None:
        """The lines of some decoded data that hold a mark."""
        starts = {
            data.rfind(b"\n", 0, at) + 1
            for mark in self._marks
            for at in occurrences(data, mark, 0, len(data))
        }
        for start in sorted(starts):
            stop = data.find(b"\n", start)
            line = data[start : stop if stop >= 0 else len(data)]
            minute = self._wish.usual.minute(line)
            if minute is None:
                self._read(line, start)
            else:
                self._tally.ended(minute)

    def _read(self, line: bytes, offset: int) -> None:
        place = f"{self.path}@{offset}"
        self._take(read_ndjson_line(line, source=self.path, place=place, order=offset))

    def _take(self, read: Event | Skip) -> None:
        if isinstance(read, Event):
            self._tally.take(read, self._number)
        else:
            self.skips.append(read)

    def _decoded(self, file: BinaryIO) -> Iterator[bytes]:
        """Whole lines of what a compressed file decodes to, or a pipe gave."""
        rest = b""
        for piece in containers.pieces(file, self._damaged):
            cut = piece.rfind(b"\n") + 1
            if cut:
                yield rest + piece[:cut]
                rest = piece[cut:]
            elif len(rest) <= LONGEST:
                rest += piece
            else:
                self.skips.append(Skip(self.path, TOO_LONG))
                rest = b""
        if rest:
            yield rest

    def _in_full(self, file: BinaryIO, form: Form) -> None:
        texts = self._tally.wanted.marks
        pieces = containers.pieces(file, self._damaged)
        events = 0
        for each in form.events(pieces, self._source.origin):
            events += isinstance(each, Event)
            if isinstance(each, Skip) or any(mark in each.message for mark in texts):
                self._take(each)
        damaged = any(each.where == self.path for each in self.skips)
        if self.skips and not (events or damaged) and isinstance(self.path, InFolder):
            self.skips = [Skip(self.path, NO_LOGS)]

    def _damaged(self, trouble: str) -> None:
        self.skips.append(Skip(self.path, trouble))


def _head(file: BinaryIO) -> bytes:
    head = b""
    for piece in containers.pieces(file, lambda trouble: None):
        head += piece
        if len(head) >= HEAD:
            break
    return head[:HEAD]
