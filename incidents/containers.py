"""Files as stored: plain, gzip or zstd, read in pieces of bounded size, keeping all that decodes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, Protocol

from guards.errors import MissingExtra

Kind = Literal["plain", "gzip", "zstd"]

_READ = 1 << 16
_PIECE = 1 << 16  # larger ones are new memory each time: 256 KiB take a third longer in all
_ZSTD_SLICE = 64  # 4 bytes can say 128 KiB: a small slice of input bounds what one call gives back
_ZSTD_WINDOW = 1 << 27  # what `zstd -d` allows without being asked
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# A zstd frame to be skipped has one of 16 magic numbers: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2
_ZSTD_MAGICS = (_ZSTD_MAGIC, *(bytes((low,)) + b"\x2a\x4d\x18" for low in range(0x50, 0x60)))


def kind_of(head: bytes) -> Kind:
    """How a file is stored, by its first bytes.

    >>> kind_of(b"\\x1f\\x8b\\x08"), kind_of(b"START RequestId")
    ('gzip', 'plain')
    """
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD_MAGICS) else "plain"


def pieces(file: BinaryIO, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """The decoded content from the file's beginning, in pieces of bounded size.

    ``damaged`` is told, once, where and how decoding ended early; what decodes before has been yielded.
    Raises MissingExtra for zstd without the extra ``fast``.
    """
    file.seek(0)
    kind = kind_of(file.read(4))
    file.seek(0)
    if kind == "gzip":
        return _decoded(file, _Gzip, damaged)
    if kind == "zstd":
        return _decoded(file, _Zstd, damaged)
    return iter(lambda: file.read(_PIECE), b"")


class _Member(Protocol):
    """One gzip member or zstd frame being decoded."""

    @property
    def name(self) -> str:
        """Of the format."""

    @property
    def magics(self) -> tuple[bytes, ...]:
        """How it may begin."""

    @property
    def fault(self) -> type[Exception]:
        """What ``decode`` raises."""

    @property
    def rest(self) -> bytes | None:
        """What stands behind its end; None before the end."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What some more of it decodes to."""


class _Gzip:
    """A gzip member, decoded by isal, two to three times as fast, where the extra ``fast`` is installed."""

    name, magics = "gzip", (_GZIP_MAGIC,)

    def __init__(self) -> None:
        module = _zlib()
        self.fault: type[Exception] = module.error
        self._decoder: Any = module.decompressobj(wbits=31)

    @property
    def rest(self) -> bytes | None:
        return self._decoder.unused_data if self._decoder.eof else None

    def decode(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        # A decoder that has filled a piece may hold more, though it has taken all of its input.
        while data or len(piece) == _PIECE:
            yield (piece := self._decoder.decompress(data, _PIECE))
            if self._decoder.eof:
                return
            data = self._decoder.unconsumed_tail


def _zlib() -> Any:
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


class _Zstd:
    """A zstd frame."""

    name, magics = "zstd", _ZSTD_MAGICS

    def __init__(self) -> None:
        try:
            import zstandard
        except ImportError:
            raise MissingExtra("reading zstd", extra="fast") from None
        self.fault: type[Exception] = zstandard.ZstdError
        self._decoder: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._behind = b""

    @property
    def rest(self) -> bytes | None:
        return self._decoder.unused_data + self._behind if self._decoder.eof else None

    def decode(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _ZSTD_SLICE):
            yield self._decoder.decompress(data[at : at + _ZSTD_SLICE])
            if self._decoder.eof:
                self._behind = data[at + _ZSTD_SLICE :]
                return


def _decoded(
    file: BinaryIO, member: Callable[[], _Member], damaged: Callable[[str], None]
) -> Iterator[bytes]:
    """All members one after the other; zero padding behind them is allowed.

    A decoder drops what it decoded in the very call that fails. So after a fault the file is decoded once
    more, byte by byte where the fault is, and what the first run has yielded already is passed over.
    """
    run, done = _Run(file, member, careful_from=None), 0
    for piece in run.pieces():
        done += len(piece)
        yield piece
    if run.fault_at is not None:
        position, run = 0, _Run(file, member, careful_from=run.fault_at)
        for piece in run.pieces():
            fresh = piece[max(0, done - position) :]
            position += len(piece)
            if fresh:
                yield fresh
        done = max(done, position)
    if run.trouble is not None:
        damaged(f"{run.trouble}; {done} bytes were decoded")


class _Run:
    """One run of decoding a file from its beginning."""

    def __init__(self, file: BinaryIO, member: Callable[[], _Member], careful_from: int | None) -> None:
        self._file = file
        self._member = member
        self._careful_from = careful_from
        self.fault_at: int | None = None
        """Where the input begins that would not decode."""
        self.trouble: str | None = None

    def pieces(self) -> Iterator[bytes]:
        """What decodes; ends early at a fault."""
        current: _Member | None = None
        offset = 0
        for data in self._input():
            offset += len(data)
            while data:
                if current is None:
                    if not (data := data.lstrip(b"\0")):
                        break  # padding
                    current = self._member()
                    if not _may_begin(data, current.magics):
                        self.trouble = f"what follows at byte {offset - len(data)} is not {current.name}"
                        return
                try:
                    yield from filter(None, current.decode(data))
                except current.fault as error:
                    self.fault_at = offset - len(data)
                    self.trouble = _fault(current.name, self.fault_at, error)
                    return
                data = current.rest or b""
                current = None if current.rest is not None else current
        if current is not None:
            self.trouble = f"the {current.name} data ends too early, at byte {offset}"

    def _input(self) -> Iterator[bytes]:
        self._file.seek(0)
        offset = 0
        while data := self._file.read(_READ):
            offset += len(data)
            if self._careful_from is None or offset <= self._careful_from:
                yield data
            else:
                yield from (data[index : index + 1] for index in range(len(data)))


def _may_begin(data: bytes, magics: tuple[bytes, ...]) -> bool:
    return any(data.startswith(magic) or magic.startswith(data) for magic in magics)


def _fault(name: str, at: int, error: Exception) -> str:
    if "too much memory" in str(error):
        return f"the {name} data at byte {at} needs more memory than is allowed: decompress it first"
    return f"the {name} data is corrupt at byte {at}"
