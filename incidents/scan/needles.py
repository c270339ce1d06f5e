"""Which lines of a mapped file hold one of a few texts, found by the C library.

Two of its functions can tell. ``memmem`` skips ahead by the text's length; ``strstr`` looks for the text's
first two bytes, 64 places at once on a processor that can. Which is quicker depends on the processor and on
how often the two bytes stand in these logs, so both are tried on the first part of the file.
"""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from time import perf_counter
from typing import Any, Final

_NEWLINE: Final = 10
_ENOUGH: Final = 1 << 18
"""A part of this size tells which way is quicker."""
_SHORTEST: Final = 8
"""So much of a text is searched for at least; the rest is compared where it was found."""

_Find = Callable[[int, int], int]
"""Where the next occurrence begins from one place up to another; -1 where there is none."""


@cache
def _library() -> tuple[Any, Any, Any] | None:
    """memmem, strstr and memchr; None where the C library has not all of them, as on Windows."""
    try:
        library = ctypes.CDLL(None)
        memmem, strstr, memchr = library.memmem, library.strstr, library.memchr
    except (AttributeError, OSError, TypeError):
        return None
    size, place, text = ctypes.c_size_t, ctypes.c_void_p, ctypes.c_char_p
    memmem.argtypes, strstr.argtypes = (place, size, text, size), (place, text)
    memchr.argtypes = (place, ctypes.c_int, size)
    memmem.restype = strstr.restype = memchr.restype = place
    return memmem, strstr, memchr


class Needles:
    """Some texts and the file that they are looked for in.

    The file must be mapped privately: while a part is searched, a zero byte ends it.
    """

    def __init__(self, data: mmap.mmap, texts: Sequence[bytes]) -> None:
        self._data, self._texts, self._library = data, texts, _library()
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(data))
        self._whole = [self._by_length(text) for text in texts]
        self._chosen: list[_Find] | None = None

    def lines(self, begin: int, end: int) -> list[int]:
        """Where the lines begin that hold one of the texts, in order, of a part that is whole lines."""
        if not self._ends_by_zero(begin, end):
            return self._found(self._whole, begin, end)
        try:
            if self._chosen is None and end - begin >= _ENOUGH:
                self._chosen = [self._quicker(number, begin, end) for number in range(len(self._texts))]
            return self._found(self._chosen or self._whole, begin, end)
        finally:
            self._data[end - 1] = _NEWLINE

    def _ends_by_zero(self, begin: int, end: int) -> bool:
        """Put a zero byte in place of the last newline; False where there is none, or where others are."""
        data = self._data
        if self._library is None or data[end - 1] != _NEWLINE:
            return False
        data[end - 1] = 0
        if self._library[2](self._base + begin, 0, end - begin) == self._base + end - 1:
            return True
        data[end - 1] = _NEWLINE
        return False

    def _found(self, finds: Sequence[_Find], begin: int, end: int) -> list[int]:
        starts: set[int] = set()
        for find, text in zip(finds, self._texts, strict=True):
            starts.update(self._starts(find, text, begin, end))
        return sorted(starts)

    def _starts(self, find: _Find, text: bytes, begin: int, end: int) -> Iterator[int]:
        data = self._data
        at = find(begin, end)
        while at >= 0:
            start = data.rfind(b"\n", begin, at) + 1 or begin
            stop = data.find(b"\n", at, end)
            stop = stop if stop >= 0 else end
            if data.find(text, start, stop) >= 0:
                yield start
            at = find(stop, end) if stop < end else -1

    def _by_length(self, text: bytes) -> _Find:
        if self._library is None:
            return lambda begin, end: self._data.find(text, begin, end)
        memmem, base, size = self._library[0], self._base, len(text)

        def find(begin: int, end: int) -> int:
            found: int | None = memmem(base + begin, end - begin, text, size)
            return -1 if found is None else found - base

        return find

    def _by_first_bytes(self, text: bytes) -> _Find:
        assert self._library is not None
        strstr, base = self._library[1], self._base

        def find(begin: int, end: int) -> int:
            found: int | None = strstr(base + begin, text)
            return -1 if found is None else found - base

        return find

    def _quicker(self, number: int, begin: int, end: int) -> _Find:
        """The way that took less time on a part, each at its best of two."""
        text = self._texts[number]
        sample = self._data[begin : begin + _ENOUGH]
        starts = range(max(1, len(text) - _SHORTEST))
        rarest = min(starts, key=lambda start: sample.count(text[start : start + 2]))
        ways = (self._whole[number], self._by_first_bytes(text[rarest:]))
        return min(ways, key=lambda way: min(self._time(way, text, begin, end) for _ in range(2)))

    def _time(self, way: _Find, text: bytes, begin: int, end: int) -> float:
        started = perf_counter()
        for _ in self._starts(way, text, begin, end):
            pass
        return perf_counter() - started
