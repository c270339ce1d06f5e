"""What a field or property is compared with: a number, a text with ``*``, or a regular expression."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alarms.filter_patterns.scanner import Scanner

NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_OPERATOR = re.compile(r"!=|=!|<=|>=|<|>|=")
ORDER: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator and its right side.

    >>> Comparison("=", "4*", number=None, regex=None).holds("404")
    True
    >>> Comparison(">", "1000", number=1000.0, regex=None).holds("1534")
    True
    """

    operator: str
    """One of = != < <= > >=."""
    text: str
    """As written, without its quotes."""
    number: float | None
    """None where it is no number."""
    regex: re.Pattern[str] | None
    """None where it is none."""

    def holds(self, text: str) -> bool:
        """Whether a text compares so. Text that is no number is in no order with one."""
        if self.operator in ORDER:
            number = as_number(text)
            return number is not None and self._ordered(number)
        return self._equal(text) == (self.operator == "=")

    def _ordered(self, number: float) -> bool:
        return self.number is not None and ORDER[self.operator](number, self.number)

    def _equal(self, text: str) -> bool:
        if self.regex is not None:
            return self.regex.search(text) is not None
        if self.number is not None and (number := as_number(text)) is not None:
            return number == self.number
        return like(self.text, text)


def as_number(text: str) -> float | None:
    """The number that the whole text is; None where it is none."""
    return float(text) if NUMBER.fullmatch(text) else None


def like(pattern: str, text: str) -> bool:
    """Whether a text is as a pattern says, in which ``*`` stands for any text.

    >>> like("*.html*", "GET /index.html HTTP/1.0"), like("4*", "14")
    (True, False)
    """
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return False
    at = len(first)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def parse_operator(scanner: Scanner, *, after: str) -> str:
    """Go past an operator. ``=!`` is the documentation's other way to write ``!=``."""
    start = scanner.at
    if scanner.peek(2) == "==":
        scanner.fail("there is no operator '=='", "write a single =")
    found = scanner.match(_OPERATOR)
    if found is None:
        scanner.fail(f"no operator follows {after}", "write one of = != < <= > >=", at=start)
    return "!=" if found == "=!" else found


def check_order(scanner: Scanner, comparison: Comparison, start: int) -> Comparison:
    """The comparison. Fails where < or > stands with what is no number."""
    if comparison.operator in ORDER and comparison.number is None:
        scanner.fail(
            f"{comparison.operator} needs a number, and {comparison.text!r} is none",
            "compare texts with = or !=",
            at=start,
        )
    return comparison
