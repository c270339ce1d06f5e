"""Stretches of time in whole milliseconds, both ends included: united, and what is missing of them.

>>> united([(5, 9), (1, 3), (4, 4)])
[(1, 9)]
>>> without([(1, 9)], [(3, 4), (8, 20)])
[(1, 2), (5, 7)]
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

Interval = tuple[int, int]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970; nothing before that, since CloudWatch has nothing before it.

    >>> to_ms(datetime(2026, 2, 9, 23, 48, 8, 688000, tzinfo=UTC))
    1770680888688
    """
    return max(0, (at - _EPOCH) // _MS)


def from_ms(ms: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH + ms * _MS


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """The same time in as few intervals as can be, in order."""
    whole: list[Interval] = []
    for begin, end in sorted(intervals):
        if whole and begin <= whole[-1][1] + 1:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        elif begin <= end:
            whole.append((begin, end))
    return whole


def without(intervals: Iterable[Interval], known: Iterable[Interval]) -> list[Interval]:
    """What of some intervals is in none of the known ones."""
    left = united(intervals)
    for begin, end in united(known):
        left = [
            part
            for first, last in left
            for part in ((first, min(last, begin - 1)), (max(first, end + 1), last))
            if part[0] <= part[1]
        ]
    return sorted(set(left))
