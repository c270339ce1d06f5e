"""Searching a large file for a text on every core, so early that the rest of the program starts meanwhile.

Imports next to nothing, for the same reason.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from threading import Thread

_SHORT = 4096
_STRETCH = 1 << 27
"""A search goes through so many bytes, then lets go of them."""


class Ahead:
    """A search of a whole file for a text that will be asked for, begun while the program still starts.

    The C library searches without holding up the interpreter, so each core may take a part of the file.
    """

    def __init__(self, data: mmap.mmap, text: str) -> None:
        self.text = text
        self._found: list[int] = []
        parts = min(os.cpu_count() or 1, 4)
        edges = [len(data) * part // parts // _STRETCH * _STRETCH for part in range(parts)] + [len(data)]
        self._threads = [Thread(target=self._search, args=(data, *part)) for part in pairwise(edges)]
        # The program starts meanwhile, in Python: a search that has to go on must not wait 5 ms for its turn.
        self._usual_turn = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        for thread in self._threads:
            thread.start()

    def _search(self, data: mmap.mmap, begin: int, end: int) -> None:
        needle = self.text.encode()
        for start in range(begin, end, _STRETCH):
            reach = min(start + _STRETCH, end)
            self._found += occurrences(data, needle, start, min(reach + len(needle) - 1, len(data)))
            let_go(data, start, reach)

    def found(self) -> list[int]:
        """Where it stands, once or more a line."""
        for thread in self._threads:
            thread.join()
        sys.setswitchinterval(self._usual_turn)
        return self._found


def let_go(data: mmap.mmap, begin: int, end: int) -> None:
    """Unmap whole pages that were searched: done on every core, it need not be done on one at the end."""
    first, last = (place // mmap.PAGESIZE * mmap.PAGESIZE for place in (begin, end))
    if last > first and hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED, first, last - first)


def occurrences(data: bytes | mmap.mmap, needle: bytes, begin: int, end: int) -> Iterator[int]:
    """Where a needle stands, once a line, from ``begin`` to ``end``."""
    at = _find(data, needle, begin, end)
    while at >= 0:
        yield at
        line_end = data.find(b"\n", at)
        if line_end < 0:
            return
        at = _find(data, needle, line_end, end)


@cache
def _memmem() -> Callable[[mmap.mmap, bytes, int, int], int] | None:
    """The C library's search, three times as fast as mmap.find; None where there is none, as on Windows."""
    import ctypes  # here: only large files are worth its import

    try:
        search = ctypes.CDLL(None).memmem
    except (AttributeError, OSError, TypeError):
        return None
    search.restype = ctypes.c_void_p
    search.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)

    def find(data: mmap.mmap, needle: bytes, begin: int, end: int) -> int:
        base = ctypes.addressof(ctypes.c_char.from_buffer(data))
        found: int | None = search(base + begin, end - begin, needle, len(needle))
        return -1 if found is None else found - base

    return find


def _find(data: bytes | mmap.mmap, needle: bytes, begin: int, end: int) -> int:
    if isinstance(data, mmap.mmap) and end - begin > _SHORT and (search := _memmem()) is not None:
        return search(data, needle, begin, end)
    return data.find(needle, begin, end)
