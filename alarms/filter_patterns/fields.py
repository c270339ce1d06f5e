"""Patterns of fields: ``[ip, user, ..., status = 5* && status != 503, bytes]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alarms.filter_patterns.regex import MOST_IN_ONE, compile_regex
from alarms.filter_patterns.scanner import Scanner
from alarms.filter_patterns.values import Comparison, as_number, check_order, parse_operator

_NAME = re.compile(r"[\w$.-]+")
_ELLIPSIS = re.compile(r"\.\.\.|…")
_VALUE = re.compile(r"(?:(?!&&|\|\|)[^\s,\]\"])+")
_FIELD = re.compile(r'\[[^\]]*\]|"[^"]*"|\S+')


@dataclass(frozen=True, slots=True)
class Field:
    """One field: any of these groups of comparisons must hold as a whole; no groups, any text does."""

    groups: tuple[tuple[Comparison, ...], ...] = ()

    def matches(self, text: str) -> bool:
        """Whether a field of an event is as told."""
        return not self.groups or any(all(each.holds(text) for each in group) for group in self.groups)


@dataclass(frozen=True, slots=True)
class FieldsPattern:
    """Fields from left to right; with ``...``, some number of fields is passed over there.

    >>> from alarms.filter_patterns import parse
    >>> two = parse("[w1=ERROR, w2]")
    >>> two.matches("ERROR message"), two.matches("ERROR WARN message")
    (True, False)
    >>> parse("[w1=ERROR, ...]").matches("ERROR WARN message")
    True
    """

    before: tuple[Field, ...]
    after: tuple[Field, ...] | None
    """Those after the ``...``; None where there is none, and the event must have just as many fields."""

    def matches(self, message: str) -> bool:
        """Whether the fields of the event, split at spaces, are as told."""
        texts = split(message)
        if self.after is None:
            return len(texts) == len(self.before) and _all(self.before, texts)
        if len(texts) < len(self.before) + len(self.after):
            return False
        return _all(self.before, texts) and _all(self.after, texts[len(texts) - len(self.after) :])


def _all(fields: tuple[Field, ...], texts: list[str]) -> bool:
    # zip: what stands behind the ... is not asked here.
    return all(field.matches(text) for field, text in zip(fields, texts, strict=False))


def split(message: str) -> list[str]:
    """The fields of an event; what stands in ``[...]`` or ``"..."`` is one, without these marks.

    >>> split('frank [10/Oct/2000:13:25:15 -0700] "GET / HTTP/1.0" 200')
    ['frank', '10/Oct/2000:13:25:15 -0700', 'GET / HTTP/1.0', '200']
    """
    return [_bare(found) for found in _FIELD.findall(message)]


def _bare(field: str) -> str:
    marked = len(field) > 1 and (field[0] + field[-1]) in ("[]", '""')
    return field[1:-1] if marked else field


def parse_fields(scanner: Scanner) -> FieldsPattern:
    """The rest of the pattern, from its ``[`` to its ``]``, and nothing behind."""
    start = scanner.at
    scanner.take("[")
    parts: list[Field | None] = []
    while True:
        parts.append(_field(scanner, parts))
        if scanner.take("]"):
            break
        if not scanner.take(","):
            _unended(scanner, start)
    scanner.skip_spaces()
    if scanner.peek():
        scanner.fail("something follows the closing ]", "leave it out, or put it before the ]")
    if sum(_regexes(part) for part in parts if part) > MOST_IN_ONE:
        scanner.fail(f"there are more than {MOST_IN_ONE} regular expressions", "join them with |", at=start)
    return _pattern(parts)


def _regexes(field: Field) -> int:
    return sum(each.regex is not None for group in field.groups for each in group)


def _pattern(parts: list[Field | None]) -> FieldsPattern:
    if None not in parts:
        return FieldsPattern(tuple(part for part in parts if part), None)
    gap = parts.index(None)
    before = tuple(part for part in parts[:gap] if part)
    return FieldsPattern(before, tuple(part for part in parts[gap + 1 :] if part))


def _unended(scanner: Scanner, start: int) -> None:
    if scanner.peek():
        scanner.fail(f"{scanner.peek()!r} stands where a , or ] should", "separate fields by commas")
    scanner.fail("the list of fields does not end", "add the closing ]", at=start)


def _field(scanner: Scanner, before: list[Field | None]) -> Field | None:
    scanner.skip_spaces()
    start = scanner.at
    if scanner.match(_ELLIPSIS):
        if None in before:
            scanner.fail("there is a second ...", "pass over fields at one place only", at=start)
        scanner.skip_spaces()
        return None
    name = scanner.match(_NAME)
    scanner.skip_spaces()
    if scanner.peek() in (",", "]", ""):
        return Field()
    if name is None:
        scanner.fail("a field has no name", "write [name = value, ...]", at=start)
    return Field(_groups(scanner, name))


def _groups(scanner: Scanner, name: str) -> tuple[tuple[Comparison, ...], ...]:
    groups: list[list[Comparison]] = [[_comparison(scanner, name)]]
    while True:
        scanner.skip_spaces()
        if scanner.take("&&"):
            groups[-1].append(_further(scanner, name))
        elif scanner.take("||"):
            groups.append([_further(scanner, name)])
        else:
            return tuple(tuple(group) for group in groups)


def _further(scanner: Scanner, name: str) -> Comparison:
    scanner.skip_spaces()
    start = scanner.at
    again = scanner.match(_NAME)
    if again is not None and again != name:
        what = f"{again!r} is compared within the field {name!r}"
        scanner.fail(what, f"write {name} again, or put it into the field {again}", at=start)
    return _comparison(scanner, name)


def _comparison(scanner: Scanner, name: str) -> Comparison:
    scanner.skip_spaces()
    operator = parse_operator(scanner, after=f"the field {name!r}")
    scanner.skip_spaces()
    start = scanner.at
    if scanner.peek() == "%":
        return check_order(scanner, Comparison(operator, "%", None, compile_regex(scanner)), start)
    if scanner.peek() == '"':
        text = scanner.quoted()  # all fields are text: a number in quotes is one too
        return check_order(scanner, Comparison(operator, text, as_number(text), None), start)
    value = scanner.match(_VALUE)
    if value is None:
        scanner.fail(f"nothing follows {name} {operator}", "write the value to compare with", at=start)
    return check_order(scanner, Comparison(operator, value, as_number(value), None), start)
