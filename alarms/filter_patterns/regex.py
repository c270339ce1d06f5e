"""The regular expressions of filter patterns: a small part of what others know under that name.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
"""

from __future__ import annotations

import re
import warnings
from typing import Final

from alarms.filter_patterns.scanner import Scanner

_PLAIN: Final = frozenset(":_#=@/;,-^$?[]{}|\\*+. ")
"""Besides letters and digits. The page does not list the space, and nothing says that it is refused."""

MOST_IN_ONE: Final = 2
"""A JSON or space-delimited pattern may hold so many."""


def compile_regex(scanner: Scanner) -> re.Pattern[str]:
    """Go past ``%...%`` and return its expression, which is searched for anywhere in a text."""
    start = scanner.at
    text = scanner.percented()
    _check(text, scanner, start)
    try:
        with warnings.catch_warnings():
            # Python warns of character classes that may mean something else in a later version.
            warnings.simplefilter("ignore")
            return re.compile(text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        scanner.fail(f"%{text}% is no regular expression: {error}", "escape its operators with \\", at=start)


def _check(text: str, scanner: Scanner, start: int) -> None:
    if not text:
        scanner.fail("a regular expression is empty", "write it between the percent signs", at=start)
    escaped = False
    for place, character in enumerate(text, start + 1):
        if not escaped and not _allowed(character):
            scanner.fail(
                f"regular expressions here do not take {character!r}",
                "only letters, digits, : _ # = @ / ; , - and ^ $ ? [ ] { } | \\ * + . may stand there",
                at=place,
            )
        escaped = character == "\\" and not escaped


def _allowed(character: str) -> bool:
    return character in _PLAIN or (character.isascii() and character.isalnum())
