"""The boundary to a terminal or a document: what is shown is printable, on one line, and of known width.

Log content is hostile: an escape sequence moves the cursor, a bidi control
turns words round, an invisible character hides some. Everything that is shown
passes through `clean`, here and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_INVISIBLE: Final = re.compile(
    # Letters and marks by category, yet nothing to see: fillers, joiners, variation selectors.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BREAK: Final = re.compile(r"(?<![0-9]) | (?!(?:s|ms|MB|chars|bytes)\b)")

_MARKS_ON_ONE: Final = 3
"""More combining marks than any script puts on one letter climb over the lines above."""


def clean(text: str) -> str:
    r"""The text with printable characters only, on one line; the rest stands as ASCII escapes.

    >>> print(clean("red \x1b[31m, turned \u202e, torn \udc80\n"))
    red \x1b[31m, turned \u202e, torn \udc80\n

    Controls, escape, bidi and zero-width characters, separators, tags, lone
    surrogates, private and unassigned code points all become visible. What is
    clean already stays as it is.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        shown.append(character if _safe(character, marks) else _escaped(character))
    return "".join(shown)


def _safe(character: str, marks: int) -> bool:
    return character.isprintable() and marks <= _MARKS_ON_ONE and not _INVISIBLE.match(character)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def plain(text: str) -> str:
    r"""Cleaned text in ASCII alone, for a terminal that shows no more.

    >>> print(plain("müde"))
    m\xfcde
    """
    return clean(text).encode("ascii", "backslashreplace").decode("ascii")


def width(text: str) -> int:
    """Terminal columns that cleaned text takes: wide characters two, combining marks none.

    >>> width("日本"), width("e\u0301"), width("abc")
    (4, 1, 3)
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, columns: int, ellipsis: str = "…") -> str:
    """The text cut to that many columns, the cut marked where there is room for the mark.

    >>> fit("extraction", 8), fit("extraction", 8, "..."), fit("extraction", 10)
    ('extract…', 'extra...', 'extraction')
    """
    if width(text) <= columns:
        return text
    mark = ellipsis if width(ellipsis) <= columns else ""
    return _head(text, columns - width(mark)) + mark


def _head(text: str, columns: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:index]
    return text


def pad(text: str, columns: int, ellipsis: str = "…") -> str:
    """The text in exactly that many columns: cut, or filled with spaces.

    >>> pad("日本", 6), pad("日本語", 4)
    ('日本  ', '日… ')

    A wide character that would stick out leaves a space.
    """
    cut = fit(text, columns, ellipsis)
    return cut + " " * (columns - width(cut))


def wrap(text: str, columns: int) -> tuple[str, ...]:
    """The text in lines of at most that many columns, broken at spaces, in longer words where it must be.

    >>> wrap("the client got 503", 10), wrap("after 30.0 s", 10)
    (('the client', 'got 503'), ('after', '30.0 s'))

    A number stays with its unit.
    """
    lines: list[str] = []
    current = ""
    for word in _BREAK.split(text):
        joined = f"{current} {word}" if current else word
        if width(joined) <= columns:
            current = joined
            continue
        lines += [current] if current else []
        *whole, current = _chunks(word, columns)
        lines += whole
    return (*lines, current) if current or not lines else tuple(lines)


def hung(lead: str, text: str, columns: int, further: int = 0) -> list[str]:
    """The lead, then the text beside it, wrapped under itself or so much further in.

    >>> hung("guard: ", "the client got 503", 17), hung("", "the client got 503", 14, 2)
    (['guard: the client', '       got 503'], ['the client', '  got 503'])
    """
    indent = width(lead) + further
    first, *others = (line.rstrip() for line in wrap(text, max(columns - indent, 1)))
    return [lead + first, *(" " * indent + line for line in others)]


def _chunks(word: str, columns: int) -> list[str]:
    chunks = []
    while width(word) > columns:
        head = _head(word, max(columns, 2)) or word[:1]
        chunks.append(head)
        word = word[len(head) :]
    return [*chunks, word]


def seconds(duration: timedelta) -> str:
    """A duration as people say it.

    >>> seconds(timedelta(seconds=32.312)), seconds(timedelta(milliseconds=150)), seconds(timedelta(0))
    ('32.3 s', '150 ms', '0.0 s')
    """
    if timedelta(0) < abs(duration) < timedelta(seconds=0.9995):
        return f"{duration / timedelta(milliseconds=1):.0f} ms"
    return f"{duration / timedelta(seconds=1):.1f} s"


def few(names: Sequence[str]) -> str:
    """The first three names, and how many more there are.

    >>> few(["a", "b"]), few(list("abcde"))
    ('a, b', 'a, b, c and 2 more')
    """
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "line"), counted(12, "line")
    ('1 line', '12 lines')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def clock(at: datetime, timezone: tzinfo | None = None) -> str:
    """A moment in UTC to the millisecond, with the local time beside it where a timezone is given.

    >>> from datetime import timezone as offset
    >>> at = datetime(2026, 2, 9, 23, 48, 39, 688000, UTC)
    >>> clock(at), clock(at, offset(timedelta(hours=-8), "PST"))
    ('23:48:39.688Z', '23:48:39.688Z (15:48:39 PST)')
    """
    utc = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}Z"
    local = "" if timezone is None else _local(at, timezone)
    return f"{utc} ({local})" if local else utc


def _local(at: datetime, timezone: tzinfo) -> str:
    try:
        local = at.astimezone(timezone)
    except (OverflowError, ValueError):  # a timestamp at the edge of the calendar has no local time
        return ""
    day = "" if local.date() == at.astimezone(UTC).date() else f"{local:%b %d} "
    return f"{day}{local:%H:%M:%S} {clean(local.tzname() or '')}".strip()
