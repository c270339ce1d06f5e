"""The part of Insights' query language that we send, parsed; anything else is refused.

>>> parse('fields @timestamp, @logStream | filter @message like "sess_1" | limit 10').limit
10
>>> parse('fields @timestamp | dedup @logStream')
Traceback (most recent call last):
tests.cloudwatch_logs.errors.ApiError: unknown command at 'dedup @logStream'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.cloudwatch_logs.errors import malformed

Fields = dict[str, object]
Test = Callable[[Fields], bool]

_TOKENS = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_@][\w.@]*|`[^`]+`)|(-?\d+(?:\.\d+)?)|(<=|>=|!=|[=<>(),*|]))'
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(slots=True)
class Parsed:
    """What a query asks for."""

    fields: tuple[str, ...] = ("@timestamp", "@message")
    filters: tuple[Test, ...] = ()
    indexed: tuple[tuple[str, str], ...] = ()
    """Field and text of each filter that is one plain equality: an index may serve it."""
    sort: tuple[str, bool] | None = None
    """Field, and whether descending."""
    limit: int = 10_000
    stats: Stats | None = None
    estimate: bool = False


@dataclass(frozen=True, slots=True)
class Stats:
    """``stats count(*) as n by bin(60s)``."""

    name: str
    by_seconds: int


def parse(text: str) -> Parsed:
    """A query, understood in every word. Raises MalformedQueryException."""
    parsed, commands = Parsed(), _split(text)
    for number, command in enumerate(commands):
        word, _, rest = command.partition(" ")
        if word not in _COMMANDS:
            raise malformed(f"unknown command at {command[:40]!r}")
        if word == "estimate" and number != len(commands) - 1:
            raise malformed("estimate must be the last command")
        _COMMANDS[word](parsed, rest.strip())
    return parsed


def _split(text: str) -> list[str]:
    # A bar within a text is none.
    bars = [found.start() for found in re.finditer(r'"(?:[^"\\]|\\.)*"|\|', text) if found[0] == "|"]
    begins, ends = [0, *(bar + 1 for bar in bars)], [*bars, len(text)]
    commands = [text[begin:end].strip() for begin, end in zip(begins, ends, strict=True)]
    if not all(commands):
        raise malformed("an empty command")
    return commands


def _fields(parsed: Parsed, rest: str) -> None:
    names = tuple(name.strip() for name in rest.split(","))
    if not all(re.fullmatch(r"@?[\w.]+", name) for name in names):
        raise malformed(f"unknown fields {rest!r}")
    parsed.fields = names


def _filter(parsed: Parsed, rest: str) -> None:
    words = _Words(rest)
    parsed.filters += (words.either(),)
    words.end()
    if plain := re.fullmatch(r'(\w[\w.]*) = "([^"\\]*)"', rest):
        parsed.indexed += ((plain[1], plain[2]),)


def _sort(parsed: Parsed, rest: str) -> None:
    found = re.fullmatch(r"(@?\w+) (asc|desc)", rest)
    if not found:
        raise malformed(f"unknown sort {rest!r}")
    parsed.sort = (found[1], found[2] == "desc")


def _limit(parsed: Parsed, rest: str) -> None:
    if not rest.isdecimal() or not 1 <= int(rest) <= 100_000:
        raise malformed(f"limit {rest!r}")
    parsed.limit = int(rest)


def _stats(parsed: Parsed, rest: str) -> None:
    found = re.fullmatch(r"count\(\*\) as (\w+) by bin\((\d+)([smhd])\)", rest)
    if not found:
        raise malformed(f"unknown stats {rest!r}")
    parsed.stats = Stats(found[1], int(found[2]) * _UNITS[found[3]])


def _estimate(parsed: Parsed, rest: str) -> None:
    if rest:
        raise malformed("estimate takes nothing")
    parsed.estimate = True


_COMMANDS: dict[str, Callable[[Parsed, str], None]] = {
    "fields": _fields,
    "filter": _filter,
    "sort": _sort,
    "limit": _limit,
    "stats": _stats,
    "estimate": _estimate,
}


class _Words:
    """The words of a filter, read by recursive descent."""

    def __init__(self, text: str) -> None:
        self._words: list[tuple[str, str]] = []
        position = 0
        while position < len(text.rstrip()):
            found = _TOKENS.match(text, position)
            if found is None:
                raise malformed(f"unexpected symbol at {text[position : position + 20]!r}")
            kind = ("text", "name", "number", "sign")[(found.lastindex or 0) - 1]
            self._words.append((kind, found[found.lastindex or 0]))
            position = found.end()

    def end(self) -> None:
        if self._words:
            raise malformed(f"unexpected {self._words[0][1]!r}")

    def either(self) -> Test:
        tests = [self._both()]
        while self._take(("name", "or")):
            tests.append(self._both())
        return lambda fields: any(test(fields) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take(("name", "and")):
            tests.append(self._one())
        return lambda fields: all(test(fields) for test in tests)

    def _one(self) -> Test:
        if self._take(("sign", "(")):
            inner = self.either()
            if not self._take(("sign", ")")):
                raise malformed("a bracket is not closed")
            return inner
        if self._take(("name", "not")):
            denied = self._one()
            return lambda fields: not denied(fields)
        return self._comparison()

    def _comparison(self) -> Test:
        (kind, name), (_, sign), (sort, value) = self._next(), self._next(), self._next()
        if kind != "name" or sort not in ("text", "number"):
            raise malformed(f"unexpected {name!r} {sign!r}")
        if sign == "like" and sort == "text":
            part = re.sub(r"\\(.)", r"\1", value)
            return lambda fields: part in str(fields.get(name, ""))
        if sign not in _SIGNS:
            raise malformed(f"unknown comparison {sign!r}")
        wanted: object = float(value) if sort == "number" else re.sub(r"\\(.)", r"\1", value)
        return lambda fields: _compared(fields.get(name), sign, wanted)

    def _next(self) -> tuple[str, str]:
        if not self._words:
            raise malformed("unexpected end of query")
        return self._words.pop(0)

    def _take(self, word: tuple[str, str]) -> bool:
        if self._words and self._words[0] == word:
            self._words.pop(0)
            return True
        return False


_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _compared(value: object, sign: str, wanted: object) -> bool:
    if value is None:
        return False
    if isinstance(wanted, str):
        return sign in ("=", "!=") and (str(value) == wanted) == (sign == "=")
    try:
        return _SIGNS[sign](float(str(value)), float(str(wanted)))
    except ValueError:
        return False
