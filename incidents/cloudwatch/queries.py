"""What is asked of CloudWatch Logs, as text. An ID gets in only when it is one: none can add a command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from incidents.sources import GATEWAY_SIGNS, check_id

MOST_ROWS: Final = 10_000
"""A session has some 30 lines a request; more rows than these are cut off, and that is told."""

LONGEST_PATTERN: Final = 1024

_BOUNDARIES: Final = (
    "START RequestId",
    "END RequestId",
    "REPORT RequestId",
    "Task timed out",
    "INIT_START",
    "INIT_REPORT",
    "RESTORE_START",
    "RESTORE_REPORT",
    "platform.",
)

INDEXED_FIELD: Final = "session_id"
"""The field of our records that a log group may have an index of."""


def quoted(text: str) -> str:
    """An ID as a text of either language.

    >>> quoted("sess_58a0ffa3")
    '"sess_58a0ffa3"'
    >>> quoted('x" | limit 1')  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    guards.errors.BadUsage: 'x" | limit 1' is not an ID; ...
    """
    check_id(text)
    return f'"{text}"'


def hits_query(needle: str, *, indexed: bool = False) -> str:
    """Where the lines stand that hold an ID: in which streams, at what times.

    >>> hits_query("sess_1")
    'fields @timestamp, @log, @logStream | filter @message like "sess_1" | sort @timestamp asc | limit 10000'
    """
    test = f"{INDEXED_FIELD} = {quoted(needle)}" if indexed else f"@message like {quoted(needle)}"
    return f"fields @timestamp, @log, @logStream | filter {test} | sort @timestamp asc | limit {MOST_ROWS}"


def estimate_query(query: str) -> str:
    """The same query, not run: how many bytes it would scan."""
    return f"{query} | estimate"


def any_of(needles: Iterable[str]) -> str:
    """A filter pattern for lines that hold one of some IDs.

    >>> any_of(["sess_1"]), any_of(["a", "b"])
    ('"sess_1"', '?"a" ?"b"')
    """
    texts = [quoted(needle) for needle in needles]
    return texts[0] if len(texts) == 1 else " ".join(f"?{text}" for text in texts)


def phrases(texts: Iterable[str]) -> str:
    """A filter pattern for lines that hold one of some texts of our own, which need not be IDs.

    >>> phrases(["RequestId: ", "sess_5"])
    '?"RequestId: " ?"sess_5"'
    """
    known = [f'"{text}"' for text in texts if not set(text) & set('"\\')]
    return known[0] if len(known) == 1 else " ".join(f"?{text}" for text in known)


def boundaries() -> str:
    """A filter pattern for the lines that Lambda itself writes."""
    return " ".join(f'?"{text}"' for text in _BOUNDARIES)


def gateway_lines(request_ids: Iterable[str]) -> str:
    """A filter pattern for what a gateway logs, of these requests or any; empty where it is too long."""
    signs = [f'?"{sign}"' for sign in GATEWAY_SIGNS]
    pattern = " ".join([*signs, *(f"?{quoted(each)}" for each in request_ids)])
    return pattern if len(pattern) <= LONGEST_PATTERN else ""
