"""API Gateway access logs written with a ``$context`` format string that the user gives."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from guards.errors import BadUsage
from incidents.gateway_fields import INTEGERS, NUMBERS, STATUSES, gateway_line, put, quote_unset
from incidents.messages import Message

# The same variable by its other names, where a $context format gives it exactly.
_SAME: Final[dict[str, str]] = {
    "awsEndpointRequestId": "integration.requestId",
    "integrationLatency": "integration.latency",
    "integrationStatus": "integration.integrationStatus",
    "integration.error": "integrationErrorMessage",
    "error.messageString": "error.message",
}
_VARIABLE: Final = re.compile(r"\$context\.([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)")
_BARE_VARIABLE: Final = re.compile(rf"(:\s*)({_VARIABLE.pattern})")
# Variables that the gateway or the client fills with words; the others hold no space, or a known one.
_WORDY: Final = frozenset(
    {"error.message", "identity.userAgent", "integrationErrorMessage", "authorizer.error", "authorize.error"}
)
_SHAPES: Final[dict[str, str]] = {
    **dict.fromkeys(INTEGERS | NUMBERS, r"[0-9]++|-"),
    **dict.fromkeys(STATUSES, r"[1-5][0-9][0-9]|-"),
    "httpMethod": r"[A-Z]++|-",
    "routeKey": r"[A-Z]++ [^\s\"]++|\$[a-z]++|-",
    "requestTime": r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}|-",
    "identity.sourceIp": r"[0-9a-fA-F.:]++|-",
}
_MOST_WORDY: Final = 2  # each multiplies the ways to split a line, so that only so many may hold spaces
_LONGEST: Final = 4096  # of a text format's line: a hostile one of this length costs 0.2 s, not more
_LONGEST_JSON: Final = 65_536


@dataclass(frozen=True, slots=True)
class AccessLogFormat:
    """The ``$context`` format string of an access log, ready to read the lines written with it.

    >>> said = AccessLogFormat.parse("$context.requestId $context.status").read("g-1 504")
    >>> said.kind, said.fields
    ('gateway', {'requestId': 'g-1', 'status': 504})
    """

    text: str
    """As the user gave it, and as API Gateway's stage has it."""
    pattern: re.Pattern[str] | None
    """The line of a text format; None for a JSON format."""
    names: tuple[str, ...]
    """The variable of each group of the pattern, or of each key path."""
    paths: tuple[tuple[str, ...], ...] = ()
    """Where a JSON format has each variable."""

    @classmethod
    def parse(cls, text: str) -> AccessLogFormat:
        """Make the reader for a format; raises BadUsage for one that no line could be told by."""
        text = text.strip()
        if not {"status", "httpMethod"} & {_canonical(name) for name in _VARIABLE.findall(text)}:
            raise BadUsage(
                "the access log format has neither $context.status nor $context.httpMethod",
                hint="give the format string of the API's stage, as `accessLogSettings.format` shows it",
            )
        return _json_format(cls, text) if text.startswith("{") else _text_format(cls, text)

    def read(self, text: str) -> Message | None:
        """What a line written with this format says; None for any other line."""
        if len(text) > (_LONGEST_JSON if self.pattern is None else _LONGEST):
            return None
        values = self._json_values(text) if self.pattern is None else self._text_values(text)
        if values is None:
            return None
        fields: dict[str, object] = {}
        for name, value in zip(self.names, values, strict=True):
            put(fields, name, value)
        return gateway_line(fields)

    def _text_values(self, text: str) -> tuple[object, ...] | None:
        found = None if self.pattern is None else self.pattern.fullmatch(text)
        return None if found is None else found.groups()

    def _json_values(self, text: str) -> tuple[object, ...] | None:
        if not text.lstrip().startswith("{"):
            return None
        try:
            line = json.loads(quote_unset(text))
            return tuple(_at(line, path) for path in self.paths)
        except (ValueError, RecursionError, KeyError):
            return None


def _canonical(name: str) -> str:
    return _SAME.get(name, name)


def _at(line: Any, path: tuple[str, ...]) -> object:
    for key in path:
        if not isinstance(line, dict):
            raise KeyError(key)
        line = line[key]
    return line


def _text_format(made: type[AccessLogFormat], text: str) -> AccessLogFormat:
    parts = _VARIABLE.split(text)
    names = tuple(_canonical(name) for name in parts[1::2])
    if "" in parts[2:-1:2]:
        raise BadUsage(
            "the access log format has two variables with nothing between them", hint="separate them"
        )
    pattern = re.escape(parts[0])
    wordy = 0
    for name, literal in zip(names, parts[2::2], strict=True):
        wordy += name in _WORDY
        shape = r".*?" if name in _WORDY and wordy <= _MOST_WORDY else _shape(name, literal)
        pattern += f"({shape}){re.escape(literal)}"
    return made(text, re.compile(pattern), names)


def _shape(name: str, literal: str) -> str:
    """What a variable may hold: what is known of it, else all up to the literal behind it."""
    if name in _SHAPES:
        return _SHAPES[name]
    return rf"[^\s{re.escape(literal[0])}]*+" if literal else r"\S*+"


def _json_format(made: type[AccessLogFormat], text: str) -> AccessLogFormat:
    try:
        line = json.loads(_BARE_VARIABLE.sub(r'\1"\2"', text))
    except (ValueError, RecursionError):
        raise BadUsage(
            "the access log format starts like JSON and is none",
            hint="give it whole, in single quotes for the shell",
        ) from None
    found = dict(_variables(line, ()))
    return made(text, None, tuple(found.values()), tuple(found))


def _variables(line: object, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(line, dict):
        return [found for key, value in line.items() for found in _variables(value, (*path, key))]
    variable = _VARIABLE.fullmatch(line) if isinstance(line, str) else None
    return [] if variable is None else [(path, _canonical(variable[1]))]
