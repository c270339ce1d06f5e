"""From the text of one log message to what it says.

Thousands of lines of an incident are DEBUG noise, so the first character decides who looks at a line, and
the common answers are values made once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from incidents.access_logs import AccessLogFormat
from incidents.console_lines import read_console
from incidents.execution_logs import read_execution_line
from incidents.json_lines import parse_object, read_glued, read_json
from incidents.lambda_lines import read_fatal, read_lambda_line, read_timeout
from incidents.messages import Message
from incidents.scalars import event_name, identifier, instant, level

_Reader = Callable[[str], Message | None]

_TEXT: Final = Message("text")
_LEVEL_NAMES = r"(DEBUG|INFO|WARNING|ERROR|CRITICAL)"
_LEVEL_PREFIX: Final = re.compile(rf"{_LEVEL_NAMES}:(?=[ \w])")
_OF_LEVEL: Final = {
    name: Message("log", level=name) for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
}
_BRACKETED: Final = re.compile(
    rf"\[{_LEVEL_NAMES}\] (?:([\w.]{{1,200}}(?:Error|Exception|Exit|Timeout|OutOfMemory)): )?"
)
_REQUEST_LINE: Final = re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/\S{0,512}) ([1-5][0-9]{2})")
_RESPONSE_STATUS: Final = re.compile(r"\[LAMBDA_HANDLER\] Response status: ([1-5][0-9]{2})")
_LEVEL_HINTS: Final = ("DEBUG: ", "INFO: ", "WARNING: ", "ERROR: ", "CRITICAL: ")


def read_message(text: str, access_log: AccessLogFormat | None = None) -> Message:
    """What one message says; text that no format is known for is of kind ``text``. Never raises.

    ``access_log`` is the format of an API Gateway's access log, where the user gave one.

    >>> read_message("START RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de Version: $LATEST").kind
    'start'
    >>> read_message("the user wrote: REPORT RequestId: ae220969 Duration: 1.00 ms").kind
    'text'
    """
    text = text.rstrip("\r\n")
    said = _read(text)
    if access_log is not None and said.kind in ("text", "log", "gateway"):
        return access_log.read(text) or said
    return said


def _read(text: str) -> Message:
    reader = _BY_FIRST.get(text[:1])
    return (reader(text) if reader is not None else None) or read_glued(text) or _TEXT


def _upper_case(text: str) -> Message | None:
    """``LEVEL: ...`` as logging.basicConfig writes it, or one of Lambda's own lines."""
    prefix = _LEVEL_PREFIX.match(text)
    if prefix is None:
        return read_lambda_line(text) or read_fatal(text)
    start = prefix.end()
    # A renderer's line goes on with a colour, a time or a bracket; nothing else is worth a regex.
    if text[start + 1 : start + 2] in _RENDERED and (said := read_console(text)) is not None:
        return said
    return _plain_log(prefix[1], text, start)


def _plain_log(name: str, text: str, start: int) -> Message:
    said = _OF_LEVEL[name]
    if len(text) > start + 600:
        return said
    inner = text[start + 1 :]
    if (request := _REQUEST_LINE.fullmatch(inner)) is not None:
        fields = {"method": request[1], "path": request[2], "status_code": int(request[3])}
        return replace(said, fields=fields)
    event = event_name(inner)
    return said if event is None else replace(said, name=event)


def _bracket(text: str) -> Message | None:
    """``[LEVEL]<TAB>time<TAB>request id<TAB>message`` of Lambda's Python runtime, and other brackets."""
    parts = text.split("\t", 3)
    if len(parts) == 4 and parts[0].startswith("[") and parts[0].endswith("]"):
        return _runtime(parts[0][1:-1], parts[1], parts[2], parts[3])
    if (status := _RESPONSE_STATUS.fullmatch(text)) is not None:
        return Message("text", fields={"status_code": int(status[1])})
    if (plain := _BRACKETED.match(text)) is not None:
        error = None if plain[2] is None else {"errorType": plain[2]}
        return Message("log", level=plain[1], fields=error)
    return read_console(text)


def _digit(text: str) -> Message | None:
    """A line that starts with a time: Lambda's timeout, the Node runtime's format, structlog's."""
    if text[4:5] != "-":
        return None
    if " Task timed out after " in text[:300] or "\tTask timed out after " in text[:300]:
        return read_timeout(text)
    parts = text.split("\t", 3)
    if len(parts) == 4 and parts[2].isupper():
        return _runtime(parts[2], parts[0], parts[1], parts[3])
    return read_console(text)


def _runtime(level_name: str, time: str, request_id: str, inner: str) -> Message | None:
    at, found_level, found_id = instant(time), level(level_name), identifier(request_id)
    if at is None or found_level is None:
        return None
    said = Message(
        "log",
        request_ids=() if found_id is None else (found_id,),
        name=event_name(inner),
        level=found_level,
        at=at,
        fields=_error_type(inner),
    )
    return _with_inner(said, inner)


def _error_type(inner: str) -> Mapping[str, object] | None:
    """The errorType of the object that Lambda's runtime appends to ``Uncaught Exception`` and its like."""
    start = inner.find("\t{", 0, 200)
    error = None if start < 0 else parse_object(inner[start + 1 :])
    name = None if error is None else identifier(error.get("errorType"))
    return None if name is None else {"errorType": name}


def _json(text: str) -> Message | None:
    said = read_json(text.strip())
    if said is None or said.kind != "log" or said.fields is None:
        return said
    inner = said.fields.get("message")
    return _with_inner(said, inner) if isinstance(inner, str) else said


def _with_inner(said: Message, inner: str) -> Message:
    """The line together with the structlog line or JSON log line that it wraps, if it wraps one."""
    if inner.startswith("{"):
        found = read_json(inner)
    elif inner[:1] in _RENDERED or inner.startswith(_LEVEL_HINTS):
        found = read_console(inner)
    else:
        return said
    if found is None or found.kind not in ("log", "record"):
        return said
    return Message(
        kind=found.kind,
        request_ids=tuple(dict.fromkeys(said.request_ids + found.request_ids)),
        session_id=said.session_id or found.session_id,
        name=found.name or said.name,
        level=found.level or said.level,
        # The wrapped line's own time is the finer one: Lambda's JSON formatter writes whole seconds.
        at=found.at or said.at,
        fields={**(said.fields or {}), **(found.fields or {})},
    )


def _spaced(text: str) -> Message | None:
    return _json(text) if text.lstrip().startswith("{") else None


_DIGITS: Final = "0123456789"
_RENDERED: Final = frozenset(("\x1b", "[", *_DIGITS))
_BY_FIRST: Final[dict[str, _Reader]] = {
    **dict.fromkeys("DIWECSR", _upper_case),
    **dict.fromkeys(_DIGITS, _digit),
    **dict.fromkeys(" \t\n\r", _spaced),
    "[": _bracket,
    "{": _json,
    "(": read_execution_line,
    "\x1b": read_console,
}
