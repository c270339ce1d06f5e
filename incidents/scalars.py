"""Single values of a log line, read without trusting them: times, numbers, IDs, levels.

Each function answers None for what it cannot vouch for; none of them raises on any text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

SESSION_FIELDS: Final = (
    "session_id",
    "sessionId",
    "session.id",
    "sessionID",
    "coaching_session_id",
    "gen_ai.conversation.id",
)
"""The names under which a line says which session it belongs to, most trustworthy first."""

REQUEST_ID_FIELDS: Final = (
    "function_request_id",
    "AWSRequestId",
    "aws_request_id",
    "awsRequestId",
    "faas.invocation_id",
    "requestId",
    "request_id",
)
"""The names under which a line gives its request ID, most trustworthy first."""

ID: Final = re.compile(r"[A-Za-z0-9_.:=/+-]{1,128}")
"""What an ID may be, as guards have it: nothing else is searched for, tied to a request or shown."""
UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""What Lambda's request IDs are, as a part of other expressions."""

_NO_ID: Final = frozenset({"undefined", "null", "None", "-"})
_NUMBER: Final = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,12})?")
_LARGEST: Final = 1e14
_COLON_MS: Final = re.compile(r"(.{19}):([0-9]{1,9}(?:Z|[+-].{2,6})?)")
_CLF: Final = re.compile(
    r"([0-3][0-9])/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) ([+-])([0-9]{2})([0-9]{2})"
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EVENT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}(?:\.[a-z][a-z0-9_]{0,60}){1,5}")
_LEVELS: Final[dict[object, str]] = {
    "TRACE": "DEBUG",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "EXCEPTION": "ERROR",
    "CRITICAL": "CRITICAL",
    "FATAL": "CRITICAL",
    # Numbers as pino and bunyan write them.
    10: "DEBUG",
    20: "DEBUG",
    30: "INFO",
    40: "WARNING",
    50: "ERROR",
    60: "CRITICAL",
}


def identifier(value: object) -> str | None:
    """The ID, or None for what stands where one is missing or was shortened.

    >>> identifier("ae220969-d5df-4cdc-a767-70f9fa8624de")
    'ae220969-d5df-4cdc-a767-70f9fa8624de'
    >>> identifier("undefined"), identifier("f8ac1208..."), identifier(17)
    (None, None, None)
    """
    if not isinstance(value, str) or not ID.fullmatch(value) or value in _NO_ID or value.endswith("..."):
        return None
    return value


def request_ids(fields: Mapping[str, object]) -> tuple[str, ...]:
    """Every request ID among the fields, most trustworthy first, each once."""
    found = (identifier(fields[name]) for name in REQUEST_ID_FIELDS if name in fields)
    return tuple(dict.fromkeys(each for each in found if each is not None))


def session_id(fields: Mapping[str, object]) -> str | None:
    """The session that the fields name."""
    for name in SESSION_FIELDS:
        if name in fields and (found := identifier(fields[name])) is not None:
            return found
    return None


def contradicts(pairs: Iterable[tuple[str, object]]) -> bool:
    """True when one session field stands twice, with two values: then the line says nothing.

    >>> contradicts([("session_id", "sess_1"), ("session_id", "sess_2")])
    True
    """
    seen: dict[str, object] = {}
    return any(seen.setdefault(name, value) != value for name, value in pairs if name in SESSION_FIELDS)


def scalars(fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that hold a plain value; infinities and NaN are none."""
    return {
        name: value
        for name, value in fields.items()
        if value is None
        or isinstance(value, str | int)
        or (isinstance(value, float) and math.isfinite(value))
    }


def number(value: object) -> float | None:
    """A measured quantity: finite, not negative, below 10^14, from a number or its text.

    >>> number("12.96"), number(-1), number("9" * 5000), number(float("nan")), number(True)
    (12.96, None, None, None, None)
    """
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _LARGEST else None


def whole(value: object) -> int | None:
    """Like `number`, as int."""
    found = number(value)
    return None if found is None else int(found)


def level(value: object) -> str | None:
    """The level in upper case, as Python's logging calls it.

    >>> level("info"), level("warn"), level(50), level("loud")
    ('INFO', 'WARNING', 'ERROR', None)
    """
    if isinstance(value, str):
        return _LEVELS.get(value.upper()) if len(value) <= 16 else None
    return _LEVELS.get(value) if isinstance(value, int) else None


def event_name(text: object) -> str | None:
    """A text that is an event name rather than prose: ``coaching_session.completed``."""
    return text if isinstance(text, str) and _EVENT_NAME.fullmatch(text) else None


def instant(value: object) -> datetime | None:
    """A line's own time, in UTC: RFC 3339 and its relatives, or seconds or milliseconds since 1970.

    A time without an offset is taken as UTC, as Lambda's clock is.

    >>> instant("2022-08-02T12:01:23:521Z")
    datetime.datetime(2022, 8, 2, 12, 1, 23, 521000, tzinfo=datetime.timezone.utc)
    >>> instant("2026-02-09 23:48:09,123+0100").hour
    22
    >>> instant("yesterday"), instant(10**400)
    (None, None)
    """
    if isinstance(value, str):
        return _from_text(value) if 16 <= len(value) <= 40 and value[4] == "-" else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _from_epoch(value)


def _from_text(text: str) -> datetime | None:
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        # The telemetry schema's own example has a colon before the milliseconds.
        odd = _COLON_MS.fullmatch(text)
        return None if odd is None else _from_text(f"{odd[1]}.{odd[2]}")


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _from_epoch(value: float) -> datetime | None:
    # 10^11 s is the year 5138 and 10^11 ms is 1973: nothing of ours lies on the wrong side.
    if not 0 < value < _LARGEST / 10:
        return None
    since = timedelta(seconds=value) if value < 1e11 else timedelta(milliseconds=value)
    return datetime(1970, 1, 1, tzinfo=UTC) + since


def clf_instant(text: str) -> datetime | None:
    """The common log format's time, which API Gateway calls ``$context.requestTime``.

    >>> clf_instant("28/Aug/2019:15:10:34 +0000")
    datetime.datetime(2019, 8, 28, 15, 10, 34, tzinfo=datetime.timezone.utc)
    """
    found = _CLF.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, month, year = int(found[1]), _MONTHS.index(found[2]) + 1, int(found[3])
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    try:
        local = datetime(year, month, day, int(found[4]), int(found[5]), int(found[6]))
        return local.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
