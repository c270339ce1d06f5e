"""Patterns of words: ``ERROR "Task timed out" -Retry``, ``?ERROR ?WARN``, ``%5\\d\\d%``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from alarms.filter_patterns.regex import compile_regex
from alarms.filter_patterns.scanner import Scanner

_WORD = re.compile(r'[^\s"]+')
_PLAIN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Term:
    """A word, phrase or expression that stands somewhere in the event; upper and lower case differ."""

    text: str | re.Pattern[str]

    def found_in(self, message: str) -> bool:
        """Whether it stands anywhere in the text, also within a longer word.

        >>> Term("Exception").found_in("Caught IllegalArgumentException")
        True
        """
        if isinstance(self.text, str):
            return self.text in message
        return self.text.search(message) is not None


@dataclass(frozen=True, slots=True)
class TextPattern:
    """Terms to be found, in any order."""

    every: tuple[Term, ...]
    """All of them must stand in the event."""
    some: tuple[Term, ...]
    """With ``?``: one of them must. Together with terms of another kind they are ignored, as AWS says."""
    none: tuple[Term, ...]
    """With ``-``: none of them may."""

    @property
    def ignores_optional(self) -> bool:
        """Whether there are ``?`` terms that make no difference."""
        return bool(self.some and (self.every or self.none))

    def matches(self, message: str) -> bool:
        """Whether the event has what the pattern asks for; the empty pattern matches every event."""
        if self.some and not self.ignores_optional:
            return any(term.found_in(message) for term in self.some)
        return all(term.found_in(message) for term in self.every) and not any(
            term.found_in(message) for term in self.none
        )


def parse_text(scanner: Scanner) -> TextPattern:
    """The rest of the pattern as terms."""
    kinds: dict[str, list[Term]] = {"": [], "?": [], "-": []}
    scanner.skip_spaces()
    while scanner.peek():
        sign = scanner.peek() if scanner.peek() in ("?", "-") else ""
        scanner.take(sign)
        if sign == "-":
            scanner.skip_spaces()  # AWS's own example has: "ERROR" - "Exiting"
        kinds[sign].append(_term(scanner, sign))
        scanner.skip_spaces()
    return TextPattern(every=tuple(kinds[""]), some=tuple(kinds["?"]), none=tuple(kinds["-"]))


def _term(scanner: Scanner, sign: str) -> Term:
    if scanner.peek() == '"':
        return Term(scanner.quoted())
    if scanner.peek() == "%":
        return Term(compile_regex(scanner))
    start = scanner.at
    word = scanner.match(_WORD)
    if word is None:
        scanner.fail(f"nothing follows the {sign!r}", "write the term right after it", at=max(start - 1, 0))
    plain = _PLAIN.match(word)
    if plain is None or plain[0] != word:
        wrong = word[len(plain[0]) if plain else 0]
        at = start + word.index(wrong)
        scanner.fail(f"the term {word!r} holds {wrong!r}", f'put it in double quotes: {sign}"{word}"', at=at)
    return Term(word)
