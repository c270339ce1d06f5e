"""One pass over a saved file: only lines that hold a mark are read, whatever the file's size."""

from __future__ import annotations

import mmap
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Final

from guards.errors import SourceFailed
from incidents import containers
from incidents.ahead import occurrences
from incidents.events import Event, Skip
from incidents.files import HEAD
from incidents.forms import NDJSON, Form, Origin, recognise
from incidents.forms.base import LONGEST, TOO_LONG
from incidents.forms.ndjson import read_ndjson_line
from incidents.scan.signs import Tally

_STRETCH: Final = 1 << 22
# The usual REPORT line whole, as JSON: whatever says more (an init, a status, a trace) is read key by key.
_USUAL: Final = re.compile(
    rb'"REPORT RequestId: [0-9a-f-]{36}(?:\\t| )Duration: (\d+(?:\.\d+)?) ms'
    rb"(?:\\t| )Billed Duration: [\d.]+ ms"
    rb'(?:\\t| )Memory Size: \d+ MB(?:\\t| )Max Memory Used: \d+ MB(?:\\t| )*(?:\\n)?"'
)
_EPOCH_MS: Final = re.compile(rb'"timestamp"\s*:\s*(\d{13})\b')


class FilePass:
    """One file, gone through once."""

    def __init__(self, path: str, number: int, tally: Tally) -> None:
        self.path = path
        self.skips: list[Skip] = []
        """What could not be read."""
        self._number, self._tally = number, tally
        self._marks = [mark.encode() for mark in tally.wanted.marks]
        self._quick_ms = tally.wanted.limits.warning / timedelta(milliseconds=1)

    def run(self) -> None:
        """Take all signs in it. Raises SourceFailed when it cannot be opened."""
        try:
            with open(self.path, "rb") as file:
                form = recognise(_head(file), self.path)
                self._ndjson(file) if form is NDJSON else self._in_full(file, form)
        except OSError as error:
            raise SourceFailed(
                f"{self.path} cannot be read: {error.strerror or error}",
                source=self.path,
                hint="check that it is a file that you may read",
            ) from error

    def _ndjson(self, file: BinaryIO) -> None:
        file.seek(0)
        plain = containers.kind_of(file.read(4)) == "plain"
        if plain:
            self._mapped(file)
            return
        for data in self._decoded(file):
            self._lines(data, self._marked(data, 0, len(data)), len(data))

    def _marked(self, data: bytes | mmap.mmap, begin: int, end: int) -> list[int]:
        """Where the lines begin that hold a mark."""
        lines = {
            data.rfind(b"\n", begin, at) + 1 or begin
            for mark in self._marks
            for at in occurrences(data, mark, begin, end)
        }
        return sorted(lines)

    def _lines(self, data: bytes | mmap.mmap, starts: list[int], end: int) -> None:
        for start in starts:
            stop = data.find(b"\n", start, end)
            self._line(data[start : stop if stop >= 0 else end], start)

    def _line(self, line: bytes, offset: int) -> None:
        if (usual := _USUAL.search(line)) and (at := _EPOCH_MS.search(line)):
            ms = float(usual[1])
            if ms < self._quick_ms:
                moment = datetime.fromtimestamp(int(at[1]) / 1000, UTC)
                self._tally.count(moment)
                return
        place = f"{self.path}@{offset}"
        read = read_ndjson_line(line, source=self.path, place=place, order=offset)
        self._take(read)

    def _take(self, read: Event | Skip) -> None:
        if isinstance(read, Event):
            self._tally.take(read, self._number)
        else:
            self.skips.append(read)

    def _mapped(self, file: BinaryIO) -> None:
        """The mapped file, searched on every core: the C library's search does not hold the interpreter."""
        if not file.seek(0, 2):
            return
        with (
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data,
            ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as threads,
        ):
            stretches = list(_stretches(data))
            found = threads.map(lambda stretch: self._marked(data, *stretch), stretches)
            for (begin, end), starts in zip(stretches, found, strict=True):
                self._lines(data, starts, end)
                _let_go(data, begin, end)

    def _decoded(self, file: BinaryIO) -> Iterator[bytes]:
        """Whole lines of what a compressed file decodes to."""
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
        for each in form.events(pieces, Origin(source=self.path, path=self.path)):
            if isinstance(each, Skip) or any(mark in each.message for mark in texts):
                self._take(each)

    def _damaged(self, trouble: str) -> None:
        self.skips.append(Skip(self.path, trouble))


def _stretches(data: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Parts of a file that end where lines end."""
    begin, size = 0, len(data)
    while begin < size:
        cut = data.rfind(b"\n", begin, min(begin + _STRETCH, size)) + 1
        end = cut or data.find(b"\n", begin) + 1 or size
        yield begin, end
        begin = end


def _let_go(data: mmap.mmap, begin: int, end: int) -> None:
    """Unmap the whole pages of a stretch."""
    first, last = (place // mmap.PAGESIZE * mmap.PAGESIZE for place in (begin, end))
    if last > first and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED, first, last - first)


def _head(file: BinaryIO) -> bytes:
    head = b""
    for piece in containers.pieces(file, lambda trouble: None):
        head += piece
        if len(head) >= HEAD:
            break
    return head[:HEAD]
