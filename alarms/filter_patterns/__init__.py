r"""CloudWatch Logs filter patterns: read one, say what is wrong with it, ask whether a log event matches.

>>> matches("REPORT -Init", "REPORT RequestId: 1 Duration: 3155.20 ms")
True
>>> matches('{ $.status >= 500 && $.path = "/coaching/*" }', '{"status": 503, "path": "/coaching/message"}')
True
>>> parse("Task a:")  # doctest: +NORMALIZE_WHITESPACE
Traceback (most recent call last):
    ...
alarms.filter_patterns.errors.FilterPatternError: at character 7 of the filter pattern:
    the term 'a:' holds ':'; put it in double quotes: "a:"

The syntax and its meaning are those of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
(and the pages for metric filters and regular expressions beside it). Where these are silent, so is the
parser: it lets the pattern through. docs/lint.md names what had to be decided for the matcher.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from alarms.filter_patterns.errors import FilterPatternError
from alarms.filter_patterns.fields import FieldsPattern, parse_fields
from alarms.filter_patterns.json_match import JsonPattern
from alarms.filter_patterns.json_parse import parse_json
from alarms.filter_patterns.scanner import Scanner
from alarms.filter_patterns.text import TextPattern, parse_text

__all__ = ["LONGEST", "FieldsPattern", "FilterPatternError", "JsonPattern", "TextPattern", "matches", "parse"]

Pattern = TextPattern | FieldsPattern | JsonPattern

LONGEST: Final = 1024
"""CloudWatch Logs takes no filter pattern of more characters (PutMetricFilter)."""


@lru_cache(maxsize=256)
def parse(pattern: str) -> Pattern:
    """The pattern, ready to match. Raises FilterPatternError: where, what is wrong, what to write."""
    scanner = Scanner(pattern)
    if len(pattern) > LONGEST:
        scanner.fail(
            f"it has {len(pattern)} characters", f"{LONGEST} are the most; use several filters", at=LONGEST
        )
    scanner.skip_spaces()
    if scanner.peek() == "{":
        return parse_json(scanner)
    if scanner.peek() == "[":
        return parse_fields(scanner)
    return parse_text(scanner)


def matches(pattern: str, message: str) -> bool:
    """Whether CloudWatch Logs would let this event through. Raises FilterPatternError as :func:`parse`."""
    return parse(pattern).matches(message)
