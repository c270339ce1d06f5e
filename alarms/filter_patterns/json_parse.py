"""Reads ``{ ($.a.b[0] = "x*" || $.c IS NULL) && $.d >= 1e3 }``."""

from __future__ import annotations

import re
from typing import Final

from alarms.filter_patterns.json_match import Group, JsonPattern, Selector, Step, Test
from alarms.filter_patterns.regex import MOST_IN_ONE, compile_regex
from alarms.filter_patterns.scanner import Scanner
from alarms.filter_patterns.values import Comparison, as_number, check_order, parse_operator

_NAME = re.compile(r"[\w-]+")
_INDEX = re.compile(r"\d+", re.ASCII)
_KEY = re.compile(r"'[^']*'|\"[^\"]*\"")
_VALUE = re.compile(r"(?:(?!&&|\|\|)[^\s(){}\"%,'])+")
_IS = re.compile(r"IS\s+(NULL|TRUE|FALSE)\b", re.IGNORECASE)
_EXISTS = re.compile(r"(NOT\s+)?EXISTS\b", re.IGNORECASE)
_QUOTED_ONLY = re.compile(r"[@$\\]|[^\x00-\x7f]")

_DEEPEST: Final = 50
"""Parentheses within parentheses; deeper than anyone means."""


def parse_json(scanner: Scanner) -> JsonPattern:
    """The rest of the pattern, from its ``{`` to its ``}``, and nothing behind."""
    start = scanner.at
    scanner.take("{")
    condition = _any(scanner, 0)
    if scanner.peek() == "":
        scanner.fail("the condition does not end", "add the closing }", at=start)
    if not scanner.take("}"):
        scanner.fail(
            f"{scanner.peek()!r} stands where && or || or }} should", "join conditions with && or ||"
        )
    scanner.skip_spaces()
    if scanner.peek():
        scanner.fail("something follows the closing }", "leave it out, or put it before the }")
    if _regexes(condition) > MOST_IN_ONE:
        scanner.fail(f"there are more than {MOST_IN_ONE} regular expressions", "join them with |")
    return JsonPattern(condition)


def _regexes(condition: Group | Test) -> int:
    if isinstance(condition, Group):
        return sum(map(_regexes, condition.parts))
    return int(condition.comparison is not None and condition.comparison.regex is not None)


def _any(scanner: Scanner, depth: int) -> Group | Test:
    parts = [_all(scanner, depth)]
    while scanner.take("||"):
        parts.append(_all(scanner, depth))
    return parts[0] if len(parts) == 1 else Group("any", tuple(parts))


def _all(scanner: Scanner, depth: int) -> Group | Test:
    parts = [_one(scanner, depth)]
    while scanner.take("&&"):
        parts.append(_one(scanner, depth))
    return parts[0] if len(parts) == 1 else Group("all", tuple(parts))


def _one(scanner: Scanner, depth: int) -> Group | Test:
    scanner.skip_spaces()
    if scanner.peek() != "(":
        test = _test(scanner)
        scanner.skip_spaces()
        return test
    if depth == _DEEPEST:
        scanner.fail("parentheses are nested too deep", f"{_DEEPEST} are the most")
    start = scanner.at
    scanner.take("(")
    inner = _any(scanner, depth + 1)
    if not scanner.take(")"):
        scanner.fail("a parenthesis is not closed", "add the )", at=start)
    scanner.skip_spaces()
    return inner


def _test(scanner: Scanner) -> Test:
    start = scanner.at
    if not scanner.take("$"):
        scanner.fail("a condition does not begin with a property", "write $.name, or $.list[0].name")
    selector = Selector(_steps(scanner))
    name = scanner.text[start : scanner.at]
    scanner.skip_spaces()
    if found := scanner.match(_IS):
        kind = found.split()[-1].upper()
        return Test(selector, "IS NULL" if kind == "NULL" else "IS TRUE" if kind == "TRUE" else "IS FALSE")
    if found := scanner.match(_EXISTS):
        return Test(selector, "NOT EXISTS" if found[:3].upper() == "NOT" else "EXISTS")
    operator = parse_operator(scanner, after=name)
    scanner.skip_spaces()
    return Test(selector, "compare", _comparison(scanner, name, operator))


def _steps(scanner: Scanner) -> tuple[Step, ...]:
    steps: list[Step] = []
    while True:
        if scanner.take("."):
            steps.append(_bracket(scanner) if scanner.take("[") else _name(scanner))
        elif scanner.take("["):
            steps.append(_bracket(scanner))
        elif steps:
            return tuple(steps)
        else:
            scanner.fail("nothing follows the $", "write $.name, or $.list[0].name")


def _name(scanner: Scanner) -> Step:
    if scanner.take("*"):
        return None
    name = scanner.match(_NAME)
    if name is None:
        scanner.fail("no property's name follows the dot", "write $.name; other characters: $.['my.name']")
    return name


def _bracket(scanner: Scanner) -> Step:
    start = scanner.at - 1
    step: Step = None
    if not scanner.take("*"):
        index, key = scanner.match(_INDEX), None
        if index is None and (key := scanner.match(_KEY)) is None:
            scanner.fail("no index stands in the brackets", "write [0], [*] or ['name']", at=start)
        step = key[1:-1] if key else int(index or 0)
    if not scanner.take("]"):
        scanner.fail("a bracket is not closed", "add the ]", at=start)
    return step


def _comparison(scanner: Scanner, name: str, operator: str) -> Comparison:
    start = scanner.at
    if scanner.peek() == "%":
        return check_order(scanner, Comparison(operator, "%", None, compile_regex(scanner)), start)
    if scanner.peek() == '"':
        return check_order(scanner, Comparison(operator, scanner.quoted(), None, None), start)
    value = scanner.match(_VALUE)
    if value is None:
        scanner.fail(f"nothing to compare with follows {name} {operator}", "write a number or a text")
    if wrong := _QUOTED_ONLY.search(value):
        at = start + wrong.start()
        scanner.fail(f"the text {value!r} holds {wrong[0]!r}", f'put it in double quotes: "{value}"', at=at)
    return check_order(scanner, Comparison(operator, value, as_number(value), None), start)
