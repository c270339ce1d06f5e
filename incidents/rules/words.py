"""The few words that a finding is made of: lengths of time, and names that may be shown."""

from __future__ import annotations

import re
from datetime import timedelta

from incidents.redact import hidden, value_shown
from incidents.scalars import UUID


def seconds(length: timedelta) -> str:
    """A length of time in seconds with one decimal.

    >>> seconds(timedelta(milliseconds=32312))
    '32.3 s'
    """
    return f"{length.total_seconds():.1f} s"


def name(text: str) -> str:
    """The name of a phase, a model or a milestone; only its length where it does not look like one.

    >>> name("CLAUDE_3_5_HAIKU"), name("please call me on 0123")
    ('CLAUDE_3_5_HAIKU', '...(22 chars)')
    """
    return value_shown("phase", text) or hidden(len(text))


def identifier(text: str) -> str:
    """A whole ID; only its length where it is none.

    >>> identifier("sess_58a0ffa3"), identifier("x y")
    ('sess_58a0ffa3', '...(3 chars)')
    """
    return value_shown("request_id", text) or hidden(len(text))


def short(request_id: str) -> str:
    """A request by an ID short enough for a sentence: a UUID's first eight digits.

    >>> short("ae220969-d5df-4cdc-a767-70f9fa8624de"), short("unknown@2026-02-09T23:48:08.688Z")
    ('ae220969', 'a request without ID')
    """
    if request_id.startswith("unknown@"):
        return "a request without ID"
    return request_id[:8] if re.fullmatch(UUID, request_id) else identifier(request_id)


def error_type(text: str | None) -> str:
    """The class of an error in brackets; empty where none is known or it does not look like one.

    >>> error_type("Runtime.ExitError"), error_type("said: no"), error_type(None)
    (' (Runtime.ExitError)', '', '')
    """
    shown = None if text is None else value_shown("error_type", text)
    return f" ({shown})" if shown else ""


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "request"), counted(2, "request")
    ('1 request', '2 requests')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
