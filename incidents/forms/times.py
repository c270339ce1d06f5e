"""Times as saved logs write them.

>>> read_time(1770680888688).isoformat()
'2026-02-09T23:48:08.688000+00:00'
>>> read_time("2026-02-09 23:48:08.688") == read_time("2026-02-10T00:48:08.688999+01:00")
True
>>> read_time(12)
'its time lies outside 2014 to 2100'
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

NO_TIME: Final = "it has no time"
UNREADABLE: Final = "its time cannot be read"
ABSURD: Final = "its time lies outside 2014 to 2100"

ISO: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
"""The pattern of an ISO 8601 time, with T or a space; one without an offset is UTC."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# CloudWatch Logs began in July 2014, and nothing that runs now logs past 2100.
_FIRST = datetime(2014, 1, 1, tzinfo=UTC)
_END = datetime(2100, 1, 1, tzinfo=UTC)
_FIRST_MS = 1_388_534_400_000
_END_MS = 4_102_444_800_000
_ISO_PARTS = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r" ?(Z|UTC|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_EPOCH_TEXT = re.compile(r"([0-9]{1,20})(?:\.[0-9]*)?")


def read_time(value: object) -> datetime | str:
    """The time that ``value`` stands for, in UTC and cut to ms; else the reason why there is none.

    Numbers and digits are milliseconds since 1970; other text is ISO 8601.
    """
    if type(value) is int:
        return _from_ms(value)
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, float) and math.isfinite(value):
        return _from_ms(int(value))
    return NO_TIME if value is None else UNREADABLE


def _from_ms(ms: int) -> datetime | str:
    if not _FIRST_MS <= ms < _END_MS:
        return ABSURD
    return _EPOCH + timedelta(milliseconds=ms)


def _from_text(text: str) -> datetime | str:
    if digits := _EPOCH_TEXT.fullmatch(text):
        return _from_ms(int(digits[1]))
    parts = _ISO_PARTS.fullmatch(text)
    return UNREADABLE if parts is None else _from_parts(parts)


def _from_parts(parts: re.Match[str]) -> datetime | str:
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    micros = int((parts[7] or "").ljust(3, "0")[:3]) * 1000
    try:
        at = datetime(year, month, day, hour, minute, second, micros, tzinfo=UTC) - _offset(parts)
    except (ValueError, OverflowError):
        return UNREADABLE
    return at if _FIRST <= at < _END else ABSURD


def _offset(parts: re.Match[str]) -> timedelta:
    if parts[9] is None:
        return timedelta(0)
    offset = timedelta(hours=int(parts[10]), minutes=int(parts[11]))
    return -offset if parts[9] == "-" else offset
