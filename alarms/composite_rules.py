"""The rules of composite alarms: ``(ALARM("a") OR ALARM(b)) AND NOT ALARM("deploying")``.

>>> rule = parse('ALARM("a") AND NOT OK(b)')
>>> rule.names
('a', 'b')
>>> rule.holds({"a": "ALARM", "b": "ALARM"}.__getitem__)
True

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal, NoReturn, get_args

from guards.errors import BadUsage

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
STATES: Final[tuple[State, ...]] = get_args(State)
LONGEST: Final = 10_240
"""CloudWatch takes no longer rule."""
_DEEPEST: Final = 50

StateOf = Callable[[str], State]
"""An alarm's name, or ARN, to the state that it is in."""


class CompositeRuleError(BadUsage):
    """CloudWatch would refuse this rule: where, what is wrong, what to write."""

    def __init__(self, what: str, *, at: int, hint: str) -> None:
        super().__init__(f"at character {at + 1} of the alarm rule: {what}", hint=hint)
        self.at = at
        """Index into the rule, from 0."""


@dataclass(frozen=True, slots=True)
class Constant:
    """TRUE or FALSE."""

    value: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The alarms that are read: none."""
        return ()

    def holds(self, state_of: StateOf) -> bool:
        """Its value, whatever the states."""
        return self.value


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So many of these alarms are in a state; ``ALARM(a)`` is one of one."""

    count: int
    state: State
    names: tuple[str, ...]
    negated: bool = False
    """Whether those are counted that are not in the state."""

    def holds(self, state_of: StateOf) -> bool:
        """Whether so many are."""
        return sum((state_of(name) == self.state) != self.negated for name in self.names) >= self.count


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Rule

    @property
    def names(self) -> tuple[str, ...]:
        """The alarms that are read."""
        return self.inner.names

    def holds(self, state_of: StateOf) -> bool:
        """Whether the inner rule does not hold."""
        return not self.inner.holds(state_of)


@dataclass(frozen=True, slots=True)
class Joined:
    """Rules joined by AND (all) or OR (any)."""

    joint: Literal["all", "any"]
    parts: tuple[Rule, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The alarms that are read, each once, from left to right."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def holds(self, state_of: StateOf) -> bool:
        """Whether all, or any, of them hold."""
        held: Iterable[bool] = (part.holds(state_of) for part in self.parts)
        return all(held) if self.joint == "all" else any(held)


Rule = Constant | AtLeast | Not | Joined

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<mark>[(),])|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<word>[^\s(),\"']+))"
)
_BARE: Final = re.compile(r"[^()\"']+?(?=\s*\))")
_AT_LEAST: Final = re.compile(
    r"\s*\(\s*(?P<count>\d{1,3})(?P<share>%?)\s*,\s*(?P<not>NOT\s+)?(?P<state>OK|ALARM|INSUFFICIENT_DATA)\s*,"
    r"\s*\((?P<names>[^()]*)\)\s*\)",
    re.ASCII,
)


def parse(text: str) -> Rule:
    """The rule, ready to hold or not. Raises CompositeRuleError."""
    if len(text) > LONGEST:
        raise CompositeRuleError(f"it has {len(text)} characters", at=LONGEST, hint=f"{LONGEST} are the most")
    parser = _Parser(text)
    rule = parser.either(0)
    if parser.word() is not None:
        parser.fail(f"{parser.word()!r} stands where AND or OR should", "join the parts with AND or OR")
    return rule


class _Parser:
    """Reads a rule from left to right: OR binds least, then AND, then NOT."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def fail(self, what: str, hint: str, at: int | None = None) -> NoReturn:
        place = self.at + len(self.text[self.at :]) - len(self.text[self.at :].lstrip())
        raise CompositeRuleError(what, at=place if at is None else at, hint=hint)

    def word(self) -> str | None:
        """The next token as it is written; None at the end."""
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            return self.text[self.at :].strip() or None
        return found[0].strip()

    def take(self, *words: str) -> bool:
        """Go past the next token if it is one of these, in upper or lower case."""
        found = _TOKEN.match(self.text, self.at)
        if found is None or found[0].strip().upper() not in words:
            return False
        self.at = found.end()
        return True

    def either(self, depth: int) -> Rule:
        parts = [self.both(depth)]
        while self.take("OR"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else Joined("any", tuple(parts))

    def both(self, depth: int) -> Rule:
        parts = [self.negated(depth)]
        while self.take("AND"):
            parts.append(self.negated(depth))
        return parts[0] if len(parts) == 1 else Joined("all", tuple(parts))

    def negated(self, depth: int) -> Rule:
        negations = 0
        while self.take("NOT"):
            negations += 1
        rule = self.one(depth)
        return Not(rule) if negations % 2 else rule

    def one(self, depth: int) -> Rule:
        if self.take("TRUE"):
            return Constant(True)
        if self.take("FALSE"):
            return Constant(False)
        if self.take("AT_LEAST"):
            return self.at_least()
        for state in STATES:
            if self.take(state):
                return AtLeast(1, state, (self.alarm(state),))
        return self.group(depth)

    def group(self, depth: int) -> Rule:
        start = self.at
        if not self.take("("):
            said = "the rule ends" if self.word() is None else f"{self.word()!r} stands"
            hint = 'write ALARM("name"), OK("name"), INSUFFICIENT_DATA("name"), TRUE or FALSE'
            self.fail(f"{said} where a condition should", hint)
        if depth == _DEEPEST:
            self.fail("parentheses are nested too deep", f"{_DEEPEST} are the most", at=start)
        rule = self.either(depth + 1)
        if not self.take(")"):
            self.fail("a parenthesis is not closed", "add the )", at=start)
        return rule

    def alarm(self, state: str) -> str:
        """The name in ``("name")`` or ``(name)``."""
        start = self.at
        if not self.take("("):
            self.fail(f"no parenthesis follows {state}", f'write {state}("name")')
        name = self.name()
        if not self.take(")"):
            self.fail(f"{state}( is not closed", "put the name in double quotes and add the )", at=start)
        return name

    def name(self) -> str:
        found = _TOKEN.match(self.text, self.at)
        if found and (found["double"] or found["single"]):
            self.at = found.end()
            return found["double"] or found["single"]
        bare = _BARE.match(self.text, self.at)
        if bare is None or not bare[0].strip():
            self.fail("an alarm's name is missing", 'write it in double quotes: ALARM("name")')
        self.at = bare.end()
        return bare[0].strip()

    def at_least(self) -> Rule:
        """The rest of ``AT_LEAST(2, ALARM, (a, b, c))``; the number may be a share, as in 50%."""
        found = _AT_LEAST.match(self.text, self.at)
        names = tuple(part.strip().strip("\"'") for part in found["names"].split(",")) if found else ()
        if found is None or not all(names):
            self.fail("AT_LEAST is not complete", "write AT_LEAST(2, ALARM, (a, b, c))")
        self.at = found.end()
        count = int(found["count"])
        wanted = ceil(count * len(names) / 100) if found["share"] else count
        state = next(each for each in STATES if each == found["state"])
        return AtLeast(wanted, state, names, negated=found["not"] is not None)
