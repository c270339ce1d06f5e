"""Points in time as people type them: ``2h``, ``yesterday 18:00``, ``2026-02-09T23:48Z``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

from guards.errors import BadUsage

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)(?:\s+ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"(today|yesterday)(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


def moment(text: str, now: datetime) -> datetime:
    """The time that a text names, in UTC; without a zone it is taken as UTC.

    Raises BadUsage for a text that names none.

    >>> now = datetime(2026, 2, 10, 8, 0, tzinfo=UTC)
    >>> moment("2h", now).isoformat(), moment("yesterday 18:00", now).isoformat()
    ('2026-02-10T06:00:00+00:00', '2026-02-09T18:00:00+00:00')
    """
    try:
        return _relative(text.strip().lower(), now) or _absolute(text.strip())
    except (ValueError, OverflowError):
        raise BadUsage(
            f"{text[:60]!r} is not a time",
            hint="write 2h, 30m, yesterday 18:00, 18:00 or 2026-02-09T23:48Z (UTC without a zone)",
        ) from None


def _relative(text: str, now: datetime) -> datetime | None:
    if text == "now":
        return now
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    if day := _DAY.fullmatch(text):
        return _at_clock(now - timedelta(days=day[1] == "yesterday"), day[2], day[3], day[4])
    if clock := _CLOCK.fullmatch(text):
        return _at_clock(now, clock[1], clock[2], clock[3])
    return None


def _at_clock(day: datetime, hours: str | None, minutes: str | None, seconds: str | None) -> datetime:
    return datetime.combine(day.date(), time(int(hours or 0), int(minutes or 0), int(seconds or 0)), UTC)


def _absolute(text: str) -> datetime:
    told = datetime.fromisoformat(text)
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
