"""Where the time that is searched comes from: told, the session's own row, or wider and wider from now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal

from guards.errors import BadUsage

Origin = Literal["given", "table", "widening", "alarm"]

WIDENING: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(days=7))
"""How far back to look where no time is known, one after the other."""

BEFORE: Final = timedelta(minutes=15)
"""A session's row may be written late in the request that began it."""

AFTER: Final = timedelta(hours=1)
"""So long after a session's last write a retry is still looked for."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time to be searched."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        """Raises BadUsage for a time that ends before it begins."""
        if self.since >= self.until:
            raise BadUsage("the time asked for ends before it begins", hint="check --since and --until")


def given(since: datetime | None, until: datetime | None, now: datetime) -> tuple[Window, ...] | None:
    """The window that was typed; None where nothing was. Without a beginning it is the day before its end."""
    if since is None and until is None:
        return None
    end = now if until is None else until
    return (Window(end - timedelta(days=1) if since is None else since, end),)


def widening(now: datetime) -> tuple[Window, ...]:
    """From now back, newest first, each only what those before it did not cover.

    >>> [window.until - window.since for window in widening(datetime(2026, 2, 10, tzinfo=UTC))][:2]
    [datetime.timedelta(seconds=3600), datetime.timedelta(seconds=18000)]
    """
    edges = [now, *(now - reach for reach in WIDENING)]
    return tuple(Window(older, newer) for newer, older in pairwise(edges))


def of_row(row: Mapping[str, Any], now: datetime) -> tuple[Window, ...] | None:
    """The time that a session's row tells of: created_at to its last write, and an hour for retries.

    None where it tells no creation.

    >>> row = {"created_at": "2026-02-09T23:40:00+00:00", "completed_at": "2026-02-09T23:48:31Z"}
    >>> [window] = of_row(row, datetime(2026, 2, 10, 9, tzinfo=UTC))
    >>> str(window.since), str(window.until)
    ('2026-02-09 23:25:00+00:00', '2026-02-10 00:48:31+00:00')
    """
    created = _moment(row.get("created_at"))
    if created is None or created >= now:
        return None
    times = [_moment(row.get(key)) for key in ("completed_at", "updated_at", "last_activity_at")]
    last = max((each for each in times if each is not None), default=now)
    return (Window(created - BEFORE, min(now, max(last, created) + AFTER)),)


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float) or (isinstance(value, str) and value.isdecimal()):
            return datetime.fromtimestamp(int(value), UTC)
        told = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
