"""What the parts of `guard trace` cost on a corpus: the searches and decoders that it could be made of.

Each runs in this process, best of three, on files in the page cache.
"""

from __future__ import annotations

import mmap
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import corpus as corpora
from corpus import Corpus

from incidents.ahead import occurrences
from incidents.forms.ndjson import read_ndjson_line
from incidents.reading import read_message

_PIECE = 1 << 20
_RUNS = 3
_LINES = 20_000


def main(corpus: Corpus) -> None:
    """Print one line for each part."""
    needle = corpus.session_id.encode()
    with open(corpus.path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    print("| part | time | rate |\n|---|--:|--:|")
    _row("read into a buffer of 1 MiB", corpus.size, lambda: _read(corpus.path))
    _row("mmap.find, to the end", corpus.size, lambda: data.find(b"\0no such text\0"))
    _row("occurrences of the session", corpus.size, lambda: list(occurrences(data, needle, 0, len(data))))
    _row("the same in pieces that are read", corpus.size, lambda: _find_in_pieces(corpus.path, needle))
    _row("split into lines, the first part", 50_000_000, lambda: data[:50_000_000].split(b"\n"))
    _lines(data)
    packed = corpora.gzipped(corpus)
    _row("zlib", corpus.size, lambda: _inflate(packed, lambda: zlib.decompressobj(wbits=31)))
    try:
        from isal import isal_zlib
    except ImportError:
        print("| isal | not installed | |")
    else:
        _row("isal", corpus.size, lambda: _inflate(packed, lambda: isal_zlib.decompressobj(wbits=31)))


def _lines(data: mmap.mmap) -> None:
    lines = data[: 1 << 24].split(b"\n")[:_LINES]
    size = sum(map(len, lines))
    events = [each for each in (_parse(line, 0) for line in lines) if hasattr(each, "message")]
    _row(f"{_LINES:,} lines to events", size, lambda: [_parse(line, 0) for line in lines])
    _row(f"{_LINES:,} events to messages", size, lambda: [read_message(each.message) for each in events])


def _parse(line: bytes, offset: int) -> Any:
    return read_ndjson_line(line, source="corpus", place="corpus", order=offset)


def _row(name: str, size: int, work: Callable[[], object]) -> None:
    took = min(_timed(work) for _ in range(_RUNS))
    print(f"| {name} | {took * 1000:,.1f} ms | {size / took / 1e6:,.0f} MB/s |", flush=True)


def _timed(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _pieces(path: str | Path) -> Iterable[bytes]:
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(_PIECE):
            yield piece


def _read(path: str) -> None:
    buffer = bytearray(_PIECE)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _find_in_pieces(path: str, needle: bytes) -> int:
    return sum(needle in piece for piece in _pieces(path))


def _inflate(path: Path, decoder: Callable[[], Any]) -> None:
    inflate = decoder()
    for piece in _pieces(path):
        inflate.decompress(piece)
