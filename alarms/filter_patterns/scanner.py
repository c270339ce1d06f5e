"""A place in a filter pattern, and the small steps that all three kinds of pattern take through it."""

from __future__ import annotations

import re
from typing import NoReturn

from alarms.filter_patterns.errors import FilterPatternError

_SPACES = re.compile(r"\s*")


class Scanner:
    """Reads a pattern from left to right.

    >>> scanner = Scanner('  "two words" rest')
    >>> scanner.skip_spaces(); scanner.quoted(); scanner.at
    'two words'
    13
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        """Index of the next character."""

    def peek(self, length: int = 1) -> str:
        """The next characters, fewer or none at the end."""
        return self.text[self.at : self.at + length]

    def skip_spaces(self) -> None:
        """Go on to the next character that is no white space."""
        found = _SPACES.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def take(self, word: str) -> bool:
        """Go past this word if it stands here."""
        here = self.text.startswith(word, self.at)
        self.at += len(word) if here else 0
        return here

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Go past what this expression finds here; None, and nothing happens, where it finds nothing."""
        found = pattern.match(self.text, self.at)
        if found is None or not found[0]:
            return None
        self.at = found.end()
        return found[0]

    def quoted(self) -> str:
        r"""Go past a phrase in double quotes and return it; ``\"`` and ``\\`` stand for ``"`` and ``\``."""
        start = self.at
        found = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL).match(self.text, self.at)
        if found is None:
            self.fail("a quoted phrase does not end", 'add the closing "', at=start)
        self.at = found.end()
        return re.sub(r'\\(["\\])', r"\1", found[1])

    def percented(self) -> str:
        """Go past a regular expression between percent signs and return it."""
        start = self.at
        end = self.text.find("%", start + 1)
        if end < 0:
            self.fail("a regular expression does not end", "add the closing %", at=start)
        self.at = end + 1
        return self.text[start + 1 : end]

    def fail(self, what: str, hint: str, at: int | None = None) -> NoReturn:
        """Raise FilterPatternError about this place, or another."""
        raise FilterPatternError(what, at=self.at if at is None else at, hint=hint)
