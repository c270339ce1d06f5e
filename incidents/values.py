"""Values out of untrusted fields: of the right type and in range, or None."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

_DAY_MS = 86_400_000
_LARGEST = 10**15

Fields = Mapping[str, object] | None


def text(fields: Fields, key: str | None) -> str | None:
    """A string that is not empty.

    >>> text({"model": "CLAUDE_3_5_HAIKU", "turn": 4}, "model"), text({"turn": 4}, "turn")
    ('CLAUDE_3_5_HAIKU', None)
    """
    value = _of(fields, key)
    return value if isinstance(value, str) and value else None


def whole(fields: Fields, key: str | None) -> int | None:
    """A whole number below 10^15; a fraction is cut.

    >>> whole({"status_code": 200}, "status_code"), whole({"status_code": True}, "status_code")
    (200, None)
    >>> whole({"count": 10**400}, "count"), whole({"count": float("nan")}, "count")
    (None, None)
    """
    value = _of(fields, key)
    # Compared, not converted: no float holds an integer of 400 digits, and NaN is in no range.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return None
    return int(value)


def milliseconds(fields: Fields, key: str | None) -> timedelta | None:
    """A length given in ms, between nothing and a day.

    >>> milliseconds({"durationMs": 32312.0}, "durationMs")
    datetime.timedelta(seconds=32, microseconds=312000)
    """
    value = _of(fields, key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _DAY_MS:
        return None
    return timedelta(milliseconds=value)


def _of(fields: Fields, key: str | None) -> object:
    return fields.get(key) if fields and key else None
