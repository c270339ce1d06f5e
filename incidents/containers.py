"""Files as stored: plain, gzip or zstd, read in pieces of bounded size, keeping all that decodes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal

from guards.errors import MissingExtra

Kind = Literal["plain", "gzip", "zstd"]

_READ = 1 << 18
_PIECE = 1 << 18  # larger ones are new memory each time, which costs half as much again
_ZSTD_SLICE = 1 << 10  # 3 bytes can say 128 KiB: a small slice of input bounds what one call gives back
_GZIP_MAGIC, _ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def kind_of(head: bytes) -> Kind:
    """How a file is stored, by its first bytes.

    >>> kind_of(b"\\x1f\\x8b\\x08"), kind_of(b"START RequestId")
    ('gzip', 'plain')
    """
    if head.startswith(_GZIP_MAGIC):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD_MAGIC) else "plain"


def pieces(file: BinaryIO, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """The decoded content from the file's beginning, in pieces of bounded size.

    ``damaged`` is told, once, where and how decoding ended early; what decoded before has been yielded.
    Raises MissingExtra for zstd without the extra ``fast``.
    """
    file.seek(0)
    kind = kind_of(file.read(4))
    file.seek(0)
    if kind == "gzip":
        return _gunzip(file, damaged)
    if kind == "zstd":
        return _unzstd(file, damaged)
    return iter(lambda: file.read(_PIECE), b"")


def _inflater() -> tuple[Any, Any]:
    """A gzip decoder: isal's, two to three times as fast, where the extra ``fast`` is installed."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj(wbits=31), zlib.error
    return isal_zlib.decompressobj(wbits=31), isal_zlib.error


def _gunzip(file: BinaryIO, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """Members one after the other; zero padding after the last one is allowed.

    A decoder drops what it decoded in the very call that fails. So after a fault the file is decoded once
    more, byte by byte where the fault is, and what the first run has yielded already is passed over.
    """
    done, careful_from = 0, None
    while True:
        fault_at, position = None, 0
        for piece in (run := _Inflation(file, careful_from)).pieces():
            fresh = piece[max(0, done - position) :]
            position += len(piece)
            done = max(done, position)
            if fresh:
                yield fresh
        fault_at = run.fault_at
        if fault_at is None or careful_from is not None:
            break
        careful_from = fault_at
    if run.trouble is not None:
        damaged(f"{run.trouble}; {done} bytes were decoded")


class _Inflation:
    """One run of decoding a gzip file from its beginning."""

    def __init__(self, file: BinaryIO, careful_from: int | None) -> None:
        self._file = file
        self._careful_from = careful_from
        self.fault_at: int | None = None
        """Where the input stands that would not decode."""
        self.trouble: str | None = None

    def pieces(self) -> Iterator[bytes]:
        decoder, fault = _inflater()
        begun, position = False, 0
        for offset, data in self._input():
            while data:
                position = offset
                try:
                    piece = decoder.decompress(data, _PIECE)
                except fault:
                    self.fault_at = position
                    self.trouble = f"the gzip data is corrupt near byte {position}"
                    return
                begun = True
                if piece:
                    yield piece
                if not decoder.eof:
                    data = decoder.unconsumed_tail
                    continue
                data = decoder.unused_data.lstrip(b"\0")
                decoder, fault = _inflater()
                begun = False
                if data and not _GZIP_MAGIC.startswith(data[:2]):
                    self.trouble = f"what follows near byte {position} is not gzip"
                    return
        if begun:
            self.trouble = "the gzip data ends too early"

    def _input(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        offset = 0
        while data := self._file.read(_READ):
            if self._careful_from is None or offset + len(data) <= self._careful_from:
                yield offset, data
            else:
                for index in range(len(data)):
                    yield offset + index, data[index : index + 1]
            offset += len(data)


def _unzstd(file: BinaryIO, damaged: Callable[[str], None]) -> Iterator[bytes]:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra("reading zstd", extra="fast") from None
    done, decoder = 0, zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    fresh = True
    while data := file.read(_READ):
        while data:
            data, rest = data[:_ZSTD_SLICE], data[_ZSTD_SLICE:]
            try:
                piece = decoder.decompress(data)
            except zstandard.ZstdError:
                damaged(
                    f"the zstd data is corrupt near byte {file.tell() - len(data)}; {done} bytes were decoded"
                )
                return
            fresh = False
            done += len(piece)
            if piece:
                yield piece
            if decoder.eof:
                rest = decoder.unused_data + rest
                decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
                fresh = True
            data = rest
    if not fresh:
        damaged(f"the zstd data ends too early; {done} bytes were decoded")
