"""Lines of structlog's console renderer, with its ANSI colours or without.

With colours the renderer itself says what is what: the event is bold, a key stands styled before its
``=``. Without, the line has to be taken apart by its shape, and text inside the event can look like a
field. The reading is then the first one in which the whole rest of the line makes sense, so that
``session_id=`` quoted in an event, a string or a list is not taken for the line's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Final, Literal

from incidents.messages import Message
from incidents.scalars import contradicts, instant, level, request_ids, session_id

Pairs = list[tuple[str, str]]

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,]{5,18}(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_LEVEL = r"(?:debug|info|warning|warn|error|critical|exception|fatal|notset)"
_BEFORE = r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):[ ]+)?"
_SGR = r"\x1b\[[0-9;]{0,12}m"

_COLOURED_HEAD: Final = re.compile(
    rf"{_BEFORE}(?:(?:{_SGR})?(?P<at>{_TIME})(?:{_SGR})? )?\[(?:{_SGR}){{0,3}}(?P<level>{_LEVEL}) *{_SGR}\] "
    # The event ends at the reset after which the renderer goes on, not at one inside the event.
    rf"\x1b\[1m(?P<event>.*?)\x1b\[0?m(?= \x1b| \[\x1b|\s*\Z|\n)"
    rf"(?: \[(?:{_SGR}){{0,4}}[^\x1b\]]*{_SGR}\](?:{_SGR})?)?",
    re.DOTALL,
)
_COLOURED_PAIR: Final = re.compile(
    rf" {_SGR}([^\x1b=\s]+){_SGR}={_SGR}(.*?)\x1b\[0?m(?= \x1b|\s*\Z|\n)", re.DOTALL
)
_ANY_SGR: Final = re.compile(_SGR)

_PLAIN_HEAD: Final = re.compile(
    rf"{_BEFORE}(?:(?P<at>{_TIME}) )?\[(?P<level>{_LEVEL}) *\] (?P<rest>.*)", re.DOTALL
)
_EVENT_END: Final = re.compile(r" {2,}(?=\S)| (?=\[[\w.$-]+\](?:\s|\Z))| (?=[A-Za-z_][\w.-]*=)")
_LOGGER: Final = re.compile(r"\[[\w.$-]+\](?=\s|\Z)")
_PLAIN_KEY: Final = re.compile(r" *([A-Za-z_][\w.-]*)=")
_LINE_END: Final = re.compile(r" *(?:\n|\Z)")
_QUOTED = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\""""
_QUOTED_TEXT: Final = re.compile(_QUOTED, re.DOTALL)
_PIECE: Final = re.compile(rf"{_QUOTED}|[^\s'\"()\[\]{{}}<>]++|[()\[\]{{}}<>]|\s++", re.DOTALL)
_OPEN: Final = frozenset("([{<")
_CLOSE: Final = frozenset(")]}>")
_PAD: Final = 30  # structlog's default width of an event name
_READINGS: Final = 8  # tried for one line, so that a hostile one costs no more than a long one

_ESCAPE: Final = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r"}
_WORDS: Final[dict[str, bool | None]] = {"True": True, "False": False, "None": None}
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"-?[0-9]{1,17}(?:\.[0-9]{1,20})?(?:e[+-][0-9]{1,3})?")

_End = Literal["whole", "cut", "broken"]


def read_console(text: str) -> Message | None:
    """What a structlog console line says; None for any other line.

    >>> said = read_console("2026-02-09T23:48:31.000Z [info     ] session_completed  turns=4 user='A B'")
    >>> said.name, said.level, said.fields
    ('session_completed', 'INFO', {'turns': 4, 'user': 'A B'})
    """
    if "\x1b[" in text[:80]:
        coloured = _COLOURED_HEAD.match(text)
        if coloured is not None:
            return _said(coloured, coloured["event"], _coloured_pairs(text, coloured.end()))
        text = _ANY_SGR.sub("", text)
    plain = _PLAIN_HEAD.match(text)
    return None if plain is None else _said(plain, *_plain(plain["rest"]))


def _said(head: re.Match[str], event: str, pairs: Pairs) -> Message:
    fields: dict[str, object] = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value_of(value)
    return Message(
        "log",
        request_ids=request_ids(fields),
        session_id=None if contradicts(pairs) else session_id(fields),
        name=event.strip() or None,
        level=level(head["level"]),
        at=instant(head["at"]),
        fields=fields,
    )


def _coloured_pairs(text: str, start: int) -> Pairs:
    pairs: Pairs = []
    while (found := _COLOURED_PAIR.match(text, start)) is not None:
        pairs.append((found[1], found[2]))
        start = found.end()
    return pairs


def _plain(rest: str) -> tuple[str, Pairs]:
    """The event and the pairs of a line without colours: the first reading that accounts for all of it."""
    first_line = rest.partition("\n")[0]
    cut: tuple[str, Pairs] | None = None
    for event, start in _readings(first_line):
        end, pairs = _plain_pairs(first_line, start)
        if end == "whole":
            return event, pairs
        if end == "cut" and cut is None:
            cut = event, pairs
    return cut or (first_line, [])


def _readings(rest: str) -> Iterator[tuple[str, int]]:
    """Where the event may end, and where its fields then start, likeliest first."""
    padded = rest[:_PAD]
    if rest[_PAD - 1 : _PAD + 1] == "  " and "'" not in padded and '"' not in padded:
        yield padded, _PAD
    for count, end in enumerate(_EVENT_END.finditer(rest)):
        if count == _READINGS:
            return
        event = rest[: end.start()]
        # A short event of several words would have been padded: what looks like a field is its text.
        if end[0] == " " and " " in event and len(event) < _PAD and rest[end.end()] != "[":
            continue
        yield event, end.end()


def _plain_pairs(rest: str, start: int) -> tuple[_End, Pairs]:
    while rest.startswith(" ", start):
        start += 1
    logger = _LOGGER.match(rest, start)
    start = start if logger is None else logger.end()
    pairs: Pairs = []
    while (key := _PLAIN_KEY.match(rest, start)) is not None:
        end = _value_end(rest, key.end())
        if end is None:
            return "cut", pairs
        pairs.append((key[1], rest[key.end() : end]))
        start = end
        if not rest.startswith(" ", start):
            break
    return ("whole" if _LINE_END.match(rest, start) else "broken"), pairs


def _value_end(text: str, start: int) -> int | None:
    """Where the value ends: at a space outside of quotes and brackets; None when it never closes."""
    depth, first = 0, start
    while start < len(text):
        piece = _PIECE.match(text, start)
        if piece is None:
            return None
        if piece[0].isspace() and depth <= 0:
            return start
        # An angle bracket is one only in what a repr began: in plain text it may be an arrow.
        if piece[0] not in "<>" or depth > 0 or start == first:
            depth += (piece[0] in _OPEN) - (piece[0] in _CLOSE)
        start = piece.end()
    return start if depth <= 0 else None


def value_of(text: str) -> object:
    """The plain value that a Python repr stands for; any other repr stays as its text.

    >>> value_of("9016"), value_of("True"), value_of("'a b'"), value_of("Decimal('20')"), value_of("007")
    (9016, True, 'a b', "Decimal('20')", '007')
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] in ("'", '"'):
        return _unquoted(text) if _QUOTED_TEXT.fullmatch(text) else text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and ("." in text or "e" in text) and math.isfinite(found := float(text)):
        return found
    return text


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    return inner if "\\" not in inner else _ESCAPE.sub(_unescaped, inner)


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1]
    if len(code) == 1:
        return _ESCAPED.get(code, code)
    point = int(code[1:], 16)
    return chr(point) if point < 0x110000 else escape[0]
