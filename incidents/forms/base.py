"""What every form shares: where its bytes come from, and how an event is made of what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from incidents.events import Event, Skip
from incidents.forms.times import read_time

LONGEST: Final = 64 * 1024 * 1024
"""The longest record that is read, in characters; a longer one is skipped and counted."""

TOO_LONG: Final = "longer than 64 MB"
TOO_DEEP: Final = "nested too deep"
NOT_JSON: Final = "not a JSON object"
NO_MESSAGE: Final = "it has no message"
CONTINUES_NOTHING: Final = "a continuation line with no event before it"
NOT_AN_EVENT: Final = "not a log event"

LAMBDA_STREAM: Final = r"[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\[\]:*]*\[[^\s\]]+\][0-9A-Za-z-]+"
"""A Lambda stream: ``2026/02/09/[$LATEST]d3c7...``, with the function's name in shared groups."""

SGR: Final = r"(?:\x1b\[[0-9;]*m)*"
"""The pattern of the colours that a tool puts round its columns."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bytes of one file come from."""

    source: str
    """The name shown to the user, e.g. the file's path; ``-`` for standard input."""
    path: str | None
    """For the folder layout of an export to S3; None for standard input."""


class Form(Protocol):
    """One form in which CloudWatch logs are saved."""

    @property
    def name(self) -> str:
        """The form's name, for people."""

    def events(self, chunks: Iterable[bytes], origin: Origin) -> Iterator[Event | Skip]:
        """Everything in one file, in its order; no content makes it raise."""


@dataclass(slots=True)
class Output:
    """Makes the events and skips of one source, and counts the events."""

    source: str
    count: int = 0

    def skip(self, line: int, reason: str) -> Skip:
        """What stands at ``line`` is no event."""
        return Skip(f"{self.source}:{line}", reason)

    def event(
        self,
        line: int,
        at: object,
        message: object,
        *,
        group: object = None,
        stream: object = None,
        event_id: object = None,
    ) -> Event | Skip:
        """An event, or a skip where the time or the message cannot be read."""
        place = f"{self.source}:{line}"
        made = make_event(at, message, group, stream, event_id, self.source, place, self.count)
        self.count += isinstance(made, Event)
        return made


def make_event(
    at: object,
    message: object,
    group: object,
    stream: object,
    event_id: object,
    source: str,
    place: str,
    order: int,
) -> Event | Skip:
    """An event from values as they were saved, or a skip that says which of them cannot be read."""
    when = at if isinstance(at, datetime) else read_time(at)
    if isinstance(when, str):
        return Skip(place, when)
    text = message_text(message)
    if text is None:
        return Skip(place, NO_MESSAGE)
    return Event(when, text, _name(group), _name(stream), _name(event_id), source, place, order)


def message_text(message: object) -> str | None:
    """The message without newlines at its end; a message that was saved as JSON is written as JSON again.

    >>> message_text("START RequestId: 1\\r\\n"), message_text({"level": "INFO"}), message_text(None)
    ('START RequestId: 1', '{"level":"INFO"}', None)
    """
    if isinstance(message, str):
        return whole(message.rstrip("\r\n"))
    if message is None:
        return None
    try:
        return whole(json.dumps(message, ensure_ascii=False, separators=(",", ":")))
    except (ValueError, RecursionError):
        return None


def whole(text: str) -> str:
    """The text with lone surrogates, which no encoder takes, replaced by U+FFFD."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)


def group_name(log: object) -> object:
    """The log group of an Insights ``@log`` value, which has the account before it.

    >>> group_name("123456789012:/aws/lambda/api"), group_name("/aws/lambda/api")
    ('/aws/lambda/api', '/aws/lambda/api')
    """
    return log[13:] if isinstance(log, str) and log[12:13] == ":" and log[:12].isdigit() else log


def _name(value: object) -> str | None:
    if isinstance(value, str):
        return whole(value) or None
    return str(value) if type(value) is int and abs(value) < 10**100 else None
