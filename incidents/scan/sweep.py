"""One pass over the bytes of a large NDJSON file: usual requests are counted where they stand.

Each core takes a part of the file, in a process of its own: Python's threads would wait for each other at
every line that is found. They are begun before the rest of the program is imported, so this imports little.
"""

from __future__ import annotations

import marshal
import mmap
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Final

from incidents.ahead import let_go
from incidents.scan.needles import Needles
from incidents.scan.usual import Usual

_STRETCH: Final = 1 << 20
"""So much is searched for one text after the other: it stays in the processor's cache meanwhile."""
_LONGEST: Final = 1 << 16
"""No usual line is longer."""
_MOST_ODD: Final = 4096
_MOST_PARTS: Final = 8


@dataclass(frozen=True, slots=True)
class Wish:
    """What a pass looks for."""

    marks: tuple[str, ...]
    """Text that a line must hold to be looked at."""
    usual: Usual
    """Lines that are only counted."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something of a file."""

    odd: tuple[int, ...]
    """Where lines begin that hold a mark and must be read, in order."""
    minutes: dict[int, int]
    """Usual requests, by the minute in which they ended."""


class Sweep:
    """A pass that has begun."""

    def __init__(self, path: str, size: int, wish: Wish) -> None:
        """Begin it, on each core where processes can be split off.

        ``size``: of the file as it is now; what is written to it later is not part of it.
        """
        self.path, self.size, self.wish = path, size, wish
        self._parts = min(os.cpu_count() or 1, _MOST_PARTS)
        self._children = [self._child(part) for part in range(self._parts)] if _may_fork() else []

    def found(self) -> Iterator[Found]:
        """What is in the file, from its beginning to its end. Raises OSError where it cannot be read."""
        for part in range(self._parts):
            if not self._children:
                yield from self._search(part)
                continue
            told = 0
            try:
                for found in self._children[part].told():
                    told += 1
                    yield found
            except EOFError:
                # It was ended from outside, or could not read: what it has not told is searched for here.
                yield from list(self._search(part))[told:]
        self.close()

    def close(self) -> None:
        """End what is still at work."""
        while self._children:
            self._children.pop().end()

    def _search(self, part: int, wanted: Callable[[], bool] = lambda: True) -> Iterator[Found]:
        return search(self.path, self.size, self.wish, part, self._parts, wanted)

    def _child(self, part: int) -> _Child:
        reading, writing = os.pipe()
        parent = os.getpid()
        if process := os.fork():
            os.close(writing)
            return _Child(process, os.fdopen(reading, "rb"))
        code = 1
        with suppress(BaseException):
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                for found in self._search(part, lambda: os.getppid() == parent):
                    marshal.dump((found.odd, found.minutes), pipe)
                marshal.dump(None, pipe)
            code = 0
        os._exit(code)


def _may_fork() -> bool:
    """Whether a copy of this process can go on by itself: not where other threads might hold its locks."""
    return hasattr(os, "fork") and threading.active_count() == 1


@dataclass(frozen=True, slots=True)
class _Child:
    """A process that searches one part."""

    process: int
    pipe: IO[bytes]

    def told(self) -> Iterator[Found]:
        """What it tells. Raises EOFError where it ended too early."""
        while (told := marshal.load(self.pipe)) is not None:
            yield Found(*told)

    def end(self) -> None:
        """Let go of it."""
        self.pipe.close()
        with suppress(OSError):
            os.kill(self.process, 9)
        with suppress(OSError):
            os.waitpid(self.process, 0)


def search(
    path: str,
    size: int,
    wish: Wish,
    part: int = 0,
    parts: int = 1,
    wanted: Callable[[], bool] = lambda: True,
) -> Iterator[Found]:
    """What is in one of so many parts of a file.

    ``wanted`` is asked now and then; EOFError where it is not any more.
    """
    if not size:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY) as data:
        begin, end = (_line_at(data, size * each // parts, size) for each in (part, part + 1))
        needles = Needles(data, [mark.encode() for mark in wish.marks])
        minutes: Counter[int] = Counter()
        odd: list[int] = []
        for stretch in _stretches(data, begin, end):
            if not wanted():
                raise EOFError
            odd += _odd(data, needles.lines(*stretch), stretch[1], wish.usual, minutes)
            let_go(data, *stretch)
            if len(odd) > _MOST_ODD:
                yield Found(tuple(odd), dict(minutes))
                odd.clear()
                minutes.clear()
        yield Found(tuple(odd), dict(minutes))


def _odd(
    data: mmap.mmap, starts: Sequence[int], end: int, usual: Usual, minutes: Counter[int]
) -> Iterator[int]:
    """Those of the lines that are not usual; the others are counted."""
    for start in starts:
        stop = data.find(b"\n", start, end)
        stop = stop if stop >= 0 else end
        minute = usual.minute(data[start:stop]) if stop - start <= _LONGEST else None
        if minute is None:
            yield start
        elif minute >= 0:
            minutes[minute] += 1


def _line_at(data: mmap.mmap, position: int, size: int) -> int:
    """Where the first line begins that begins at or after a position."""
    if position == 0:
        return 0
    return data.find(b"\n", position - 1) + 1 or size


def _stretches(data: mmap.mmap, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Parts that end where lines end."""
    while begin < end:
        cut = data.rfind(b"\n", begin, min(begin + _STRETCH, end)) + 1
        stop = cut or data.find(b"\n", begin, end) + 1 or end
        yield begin, stop
        begin = stop
