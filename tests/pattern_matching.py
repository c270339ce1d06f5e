"""A reference matcher for the forms of CloudWatch Logs filter pattern that the catalog uses, and no others.

By https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html: a regular expression
between percent signs is found anywhere; ``[...]`` takes the words of an event, where brackets and quotes hold
words together; ``{...}`` takes the fields of a JSON event.
"""

from __future__ import annotations

import json
import re
from typing import Any

_WORDS = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|[^\s\[\"]+\S*")
_FIELD = re.compile(r"\w+\s*(?:(?P<op>>=|<=|!=|=|>|<)\s*(?P<value>\"[^\"]*\"|\S+))?")
_TERM = re.compile(r"\$(?P<path>(?:\.\w+)+)\s*(?P<op>>=|<=|!=|=|>|<)\s*(?P<value>\"[^\"]*\"|[\w.*]+)")
_ALLOWED_IN_REGEX = re.compile(r"[A-Za-z0-9:_#=@/;,\-^$?\[\]{}|\\*+.\s]+")


def matches(pattern: str, event: str) -> bool:
    """Whether a pattern matches an event."""
    if pattern.startswith("%"):
        return _regex(pattern[1:-1], event)
    if pattern.startswith("["):
        return _columns(pattern[1:-1], event)
    return _json(pattern.strip()[1:-1], event)


def _regex(expression: str, event: str) -> bool:
    assert _ALLOWED_IN_REGEX.fullmatch(expression), "CloudWatch refuses such an expression"
    return re.search(expression, event) is not None


def _columns(columns: str, event: str) -> bool:
    wanted = [each.strip() for each in columns.split(",")]
    words = _WORDS.findall(event)
    open_ended = wanted[-1] == "..."
    wanted = wanted[:-1] if open_ended else wanted
    if len(words) < len(wanted) or (len(words) > len(wanted) and not open_ended):
        return False
    return all(_column(column, word) for column, word in zip(wanted, words, strict=False))


def _column(column: str, word: str) -> bool:
    found = _FIELD.fullmatch(column)
    assert found is not None, f"a column that this matcher does not know: {column}"
    return found["op"] is None or _compare(word, found["op"], found["value"])


def _json(condition: str, event: str) -> bool:
    try:
        fields = json.loads(event)
    except ValueError:
        return False
    if not isinstance(fields, dict):
        return False
    said = _TERM.sub(lambda term: str(_term(term, fields)), condition)
    assert re.fullmatch(r"(?:True|False|&&|\|\||[()\s])+", said), f"not known to this matcher: {said}"
    return bool(
        eval(said.replace("&&", " and ").replace("||", " or "))
    )  # our own words only, by the line above


def _term(term: re.Match[str], fields: dict[str, Any]) -> bool:
    value: Any = fields
    for key in term["path"][1:].split("."):
        value = value.get(key) if isinstance(value, dict) else None
    text_wanted = term["value"].startswith('"')
    if value is None or isinstance(value, str) is not text_wanted:
        return False
    return _compare(str(value), term["op"], term["value"])


def _compare(word: str, op: str, value: str) -> bool:
    value = value.strip('"')
    if op in ("=", "!="):
        equal = re.fullmatch(re.escape(value).replace(r"\*", ".*"), word) is not None
        return equal is (op == "=")
    try:
        number, bar = float(word), float(value)
    except ValueError:
        return False
    return {">": number > bar, ">=": number >= bar, "<": number < bar, "<=": number <= bar}[op]
