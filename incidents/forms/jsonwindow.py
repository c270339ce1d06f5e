"""The stretch of a JSON text that is at hand, and how one value is taken from it.

A value that is complete costs one call of the decoder. One that the window cuts is tried again when the
window has doubled, so that the tries are linear in sum. One that is broken is passed over by its brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from incidents.forms.base import LONGEST, TOO_DEEP, TOO_LONG

CUT_OFF: Final = "the document is cut off here"
MALFORMED: Final = "not valid JSON; reading goes on behind it"
LOST: Final = "not valid JSON; reading goes on at the next line that begins an object or array"

_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile("[ \t\r\n\ufeff]*")
_OUTSIDE = re.compile(r'"|\n[\[{]?|[\[{]+|[\]}]+')
_INSIDE = re.compile(r'["\n]|\\.?', re.DOTALL)
_AT_TOP = re.compile(r'["\n,]|[\[{]+|[\]}]+')
_NEAR_END = 10  # no literal, number's exponent or \u escape that is cut in half is longer


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is not JSON."""

    line: int
    reason: str
    seen: tuple[str, ...] = ()


@dataclass(slots=True)
class Window:
    """The stretch of text at hand; what lies before ``at`` has been read."""

    blocks: Iterator[str]
    text: str = ""
    at: int = 0
    line: int = 1
    read: int = 0
    """Characters passed over so far."""
    lost: bool = False
    """True where what follows can no longer be told from what is inside a broken value."""
    cut: bool = False
    """True when the text ended inside a document."""
    seen: tuple[str, ...] = ()
    """The keys of the object so far."""

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._pass(_SPACE.match(self.text, self.at).end())  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def step(self) -> None:
        """Pass over one character."""
        self._pass(self.at + 1)

    def give_up(self) -> None:
        """What follows makes no sense here: the end of the text, or not JSON."""
        self.cut = self.cut or not self.peek()
        self.lost = not self.cut

    def take(self) -> Any:
        """The value that begins here, or Broken."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if not self._incomplete(error):
                    return self._broken(MALFORMED)
                if len(self.text) - self.at > LONGEST:
                    return self._broken(TOO_LONG)
                if not self._grow():
                    return self._ended()
            except RecursionError:
                return self._broken(TOO_DEEP)
            except ValueError:
                return self._broken("a number with too many digits")
            else:
                # A number or literal that touches the end of the window may go on behind it.
                near_end = end >= len(self.text) - _NEAR_END and not isinstance(value, (dict, list, str))
                if not near_end or not self._grow():
                    line, long = self.line, end - self.at > LONGEST
                    self._pass(end)
                    return Broken(line, TOO_LONG, self.seen) if long else value

    def resume(self) -> None:
        """Pass over everything up to the next line that begins an object or an array."""
        self.lost = False
        while self.peek() not in ("", "[", "{"):
            newline = self.text.find("\n", self.at)
            while newline < 0 and self._pass_block():
                newline = self.text.find("\n", self.at)
            self._pass(newline + 1 if newline >= 0 else len(self.text))

    def _incomplete(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self.text) - _NEAR_END

    def _ended(self) -> Broken | None:
        """The text ended inside a value: cut off there, or earlier with another document behind it."""
        line = self.line
        self._skip_value()
        if not self.cut:
            return Broken(line, CUT_OFF, self.seen)
        self.line = line
        return None

    def _cut(self) -> None:
        self.cut = True
        self._pass(len(self.text))

    def _broken(self, reason: str) -> Broken:
        line = self.line
        self._skip_value()
        return Broken(line, reason, self.seen)

    def _skip_value(self) -> None:
        """Pass over a value that cannot be decoded, to the bracket that closes it."""
        depth, inside = 0, False
        while True:
            found = (_INSIDE if inside else _OUTSIDE if depth else _AT_TOP).search(self.text, self.at)
            mark = found[0] if found else ""
            if found is None or (mark in ("\\", "\n") and found.end() == len(self.text)):
                # The end of the window, perhaps in the middle of a mark.
                self._pass(found.start() if found else len(self.text))
                if not self._more():
                    return self._cut()
                continue
            if mark == '"':
                inside = not inside
            elif depth and not inside and mark == "\n":
                pass
            elif mark[0] in "[{":
                depth += len(mark)
            elif mark[0] in "]}" and len(mark) < depth:
                depth -= len(mark)
            elif mark[0] in "]}":
                return self._pass(found.start() + depth)
            elif mark[0] in "\n,":
                # Strings hold no newline, and a bracket that begins a line begins another document.
                self.lost = inside or depth > 0
                return self._pass(found.start())
            self._pass(found.end())

    def _pass(self, to: int) -> None:
        self.line += self.text.count("\n", self.at, to)
        self.read += to - self.at
        self.at = to

    def _pass_block(self) -> bool:
        self._pass(len(self.text))
        return self._more()

    def _grow(self) -> bool:
        """Add at least as much again as is at hand, so that retries stay linear in sum."""
        return self._more(at_least=len(self.text) - self.at)

    def _more(self, at_least: int = 1) -> bool:
        parts, size = [self.text[self.at :]], 0
        while size < at_least and (block := next(self.blocks, None)) is not None:
            parts.append(block)
            size += len(block)
        self.text, self.at = "".join(parts), 0
        return size > 0
