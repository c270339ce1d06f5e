"""Saved log files as sources: decoded, and searched or read in full."""

from __future__ import annotations

import io
import mmap
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from guards.errors import SourceFailed
from incidents import containers
from incidents.ahead import Ahead
from incidents.events import Event, Skip
from incidents.forms import NDJSON, Form, Origin, recognise
from incidents.forms.base import TOO_LONG
from incidents.forms.ndjson import read_ndjson_line
from incidents.paths import NO_LOGS, STANDARD_INPUT, InFolder
from incidents.search import Haystack
from incidents.sources import AROUND, SKIPS_LISTED, Question, Reading, Span, wanted

if TYPE_CHECKING:
    from incidents import sift

HEAD = 1 << 16
"""So many decoded bytes tell the form."""

SMALL = 8 << 20
"""An NDJSON file up to this size is read in full, so that every odd line in it is told."""

HELD = 32 << 20
"""So many decoded bytes of all files are kept in memory; more are read again when asked again."""


class FileSource:
    """One saved file of log events, whatever its form and its compression."""

    def __init__(self, path: str, *, small: int = SMALL, held: int = HELD) -> None:
        self._name = path
        self._path = None if path == STANDARD_INPUT else path
        self._small = small
        self._most_held = held
        self._input: BinaryIO | None = None
        self._form: Form | None = None
        self._held: list[Event | Skip] | None = None
        self._haystack: Haystack | None = None
        self._hits: sift.Hits | None = None
        self._excerpt: sift.Excerpt | None = None
        self._map: mmap.mmap | None = None
        self._ahead: Ahead | None = None
        self._damage: list[Skip] = []

    @property
    def name(self) -> str:
        """As the user named it; ``-`` is standard input."""
        return self._name

    @property
    def origin(self) -> Origin:
        """Where its bytes come from, for those who read its form."""
        return Origin(source=self._name, path=self._path)

    @property
    def is_kept(self) -> bool:
        """Whether it was a pipe, of which a copy is read."""
        return self._input is not None

    def read(self, question: Question) -> Reading:
        """Everything in the file that the question asks for.

        Raises SourceFailed when the file cannot be opened or read at all.
        """
        try:
            return self._read(question)
        except OSError as error:
            raise SourceFailed.of_file(self._name, error) from error

    def _read(self, question: Question) -> Reading:
        with self.opened() as file:
            if self._form is None:
                self._form = recognise(self._head(file), self._path)
            if self._form is NDJSON and self._held is None:
                self._haystack = self._find_haystack(file, question)
                if self._haystack is not None:
                    return self._searched(self._haystack, question, _size(file))
            return self._in_full(file, question)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The file, open only while it is read: a folder may hold more than may be open at once.

        A pipe, standard input too, is read to its end once and kept.
        """
        if self._input is not None:
            yield self._input
        elif self._path is None:
            yield self._spooled(sys.stdin.buffer)
        else:
            with open(self._path, "rb") as file:
                yield file if file.seekable() else self._spooled(file)

    def _spooled(self, stream: BinaryIO) -> BinaryIO:
        """What comes from a pipe, kept, since it cannot be read twice."""
        self._input = _spooled(stream)
        return self._input

    @staticmethod
    def _kind(file: BinaryIO) -> containers.Kind:
        file.seek(0)
        return containers.kind_of(file.read(4))

    def _head(self, file: BinaryIO) -> bytes:
        head = b""
        for piece in containers.pieces(file, lambda trouble: None):
            head += piece
            if len(head) >= HEAD:
                break
        return head[:HEAD]

    def _pieces(self, file: BinaryIO) -> Iterator[bytes]:
        self._damage.clear()
        return containers.pieces(file, lambda trouble: self._damage.append(Skip(self._name, trouble)))

    # --- searched -----------------------------------------------------------------------------------

    def _find_haystack(self, file: BinaryIO, question: Question) -> Haystack | None:
        """The file's bytes to be searched; None where it must be read in full."""
        if self._kind(file) != "plain":
            return self._sifted(file, question)
        if self._haystack is not None:
            return self._haystack
        data = self._mapped(file)
        return None if data is None else Haystack(data, self._parse_line, self._ahead)

    def expect(self, text: str) -> None:
        """Begin to search for what will be asked for, if the file is worth it; the caller need not wait."""
        if self._path is None:
            return
        with suppress(OSError), self.opened() as file:  # what is wrong with it is told when it is read
            data = self._mapped(file)
            self._ahead = None if data is None else Ahead(data, text)

    def _mapped(self, file: BinaryIO) -> mmap.mmap | None:
        """A large plain file as one stretch of memory; None for any other."""
        if (
            self._map is None
            and not self._input
            and self._kind(file) == "plain"
            and _size(file) > self._small
        ):
            # Private, copy-on-write: nothing is copied, and the C library may be given its address.
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        return self._map

    def _sifted(self, file: BinaryIO, question: Question) -> Haystack | None:
        if question.thorough:
            return None
        from incidents import sift

        spans = tuple(Span(None, span.start - AROUND, span.end + AROUND) for span in question.spans)
        if self._hits is None or not (spans or set(question.needles) <= set(self._hits.needles)):
            self._hits, self._excerpt = sift.find_hits(self._pieces(file), question, self._parse_line), None
        if self._excerpt is not None and self._excerpt.covers(spans):
            return self._haystack
        small = self._hits.decoded <= self._small and question.at_most is None
        if small or not self._hits.in_time_order:
            return None
        part = sift.excerpt(self._pieces(file), self._hits, (*self._hits.around, *spans))
        self._excerpt = part
        return Haystack(part.data, lambda line, offset: self._parse_line(line, part.original(offset)))

    def _parse_line(self, line: bytes | None, offset: int) -> Event | Skip:
        place = f"{self._name}@{offset}"
        if line is None:
            return Skip(place, TOO_LONG)
        return read_ndjson_line(line, source=self._name, place=place, order=offset)

    def _searched(self, haystack: Haystack, question: Question, size: int) -> Reading:
        events = haystack.search(question)
        total = size if self._hits is None else self._hits.decoded
        skipped = haystack.skipped
        return Reading(
            name=self._name,
            events=tuple(events),
            parsed=haystack.parsed,
            skipped=(*skipped[:SKIPS_LISTED], *self._damage),
            skipped_count=len(skipped) + len(self._damage),
            complete=not self._damage,
            bytes=size,
            unread_bytes=total - haystack.parsed_bytes,
        )

    # --- read in full -------------------------------------------------------------------------------

    def _in_full(self, file: BinaryIO, question: Question) -> Reading:
        kept: list[Event] = []
        skipped: list[Skip] = []
        parsed = skips = 0
        for each in self._all(file):
            if isinstance(each, Skip):
                skips += 1
                if len(skipped) < SKIPS_LISTED:
                    skipped.append(each)
                continue
            parsed += 1
            if (question.at_most is None or len(kept) < question.at_most) and wanted(each, question):
                kept.append(each)
        if not parsed and skips and not self._damage and isinstance(self._name, InFolder):
            skipped, skips = [Skip(self._name, NO_LOGS)], 1
        return Reading(
            name=self._name,
            events=tuple(kept),
            parsed=parsed,
            skipped=(*skipped, *self._damage),
            skipped_count=skips + len(self._damage),
            complete=not self._damage,
            bytes=_size(file),
            unread_bytes=0,
        )

    def _all(self, file: BinaryIO) -> Iterator[Event | Skip]:
        if self._held is not None:
            yield from self._held
            return
        assert self._form is not None
        decoded = _Counted(self._pieces(file))
        held: list[Event | Skip] | None = []
        for each in self._form.events(decoded, self.origin):
            if held is not None:
                held.append(each)
                if decoded.count > self._most_held:
                    held = None
            yield each
        self._held = held


class _Counted:
    """Pieces, and how many bytes of them were handed on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        self.count += len(piece)
        return piece


def _spooled(stream: BinaryIO) -> BinaryIO:
    """A pipe's content, kept so that it can be read twice: in memory while it is small, else on disk."""
    import tempfile

    kept = tempfile.SpooledTemporaryFile(max_size=HELD)  # noqa: SIM115  # lives as long as the source
    while data := stream.read(1 << 20):
        kept.write(data)
    kept.seek(0)
    return kept  # type: ignore[return-value]  # has all that BinaryIO is used for here


def _size(file: BinaryIO) -> int:
    position = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(position)
    return size
