"""Patterns of JSON events, ready to match: ``{ $.status >= 500 && $.path = "/coaching/*" }``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from alarms.filter_patterns.values import ORDER, Comparison

Step = str | int | None
"""A property's name, an element's index, or None for ``*``: all of them."""


@dataclass(frozen=True, slots=True)
class Selector:
    """A path to values.

    >>> list(Selector(("users", None, "id")).values({"users": [{"id": 1}, {"id": 2}, {}]}))
    [1, 2]
    """

    steps: tuple[Step, ...]

    def values(self, document: Any) -> Iterator[Any]:
        """What stands there; nothing where nothing does."""
        found = [document]
        for step in self.steps:
            found = [inner for each in found for inner in _inside(each, step)]
        yield from found


def _inside(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        if step is None:
            return list(value.values())
        return [value[step]] if step in value else []
    if isinstance(value, list):
        if step is None:
            return value
        return [value[step]] if isinstance(step, int) and step < len(value) else []
    return []


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on what a selector leads to."""

    selector: Selector
    kind: Literal["compare", "IS NULL", "IS TRUE", "IS FALSE", "NOT EXISTS", "EXISTS"]
    comparison: Comparison | None = None
    """For "compare" only."""

    def holds(self, document: Any) -> bool:
        """Whether any value there is as told; an array or object is comparable with nothing."""
        values = self.selector.values(document)
        if self.kind in ("NOT EXISTS", "EXISTS"):
            return any(True for _ in values) == (self.kind == "EXISTS")
        if self.comparison is None:
            wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}[self.kind]
            return any(value is wanted for value in values)
        return any(compare(self.comparison, value) for value in values)


def compare(comparison: Comparison, value: Any) -> bool:
    """Whether a JSON value compares so. Numbers are in order with numbers only.

    >>> at_least = Comparison(">=", "500", 500.0, None)
    >>> compare(at_least, 503), compare(at_least, "503")
    (True, False)
    """
    if isinstance(value, dict | list) or value is None:
        return False
    if isinstance(value, bool):
        return comparison.holds("true" if value else "false")
    if isinstance(value, str):
        return comparison.operator not in ORDER and comparison.holds(value)
    if comparison.operator in ORDER or (comparison.number is not None and comparison.regex is None):
        return _numbers(comparison, value)
    return comparison.holds(json.dumps(value))


def _numbers(comparison: Comparison, value: float) -> bool:
    if comparison.number is None:
        return False
    if comparison.operator in ORDER:
        return ORDER[comparison.operator](value, comparison.number)
    return (value == comparison.number) == (comparison.operator == "=")


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by && (all) or || (any)."""

    joint: Literal["all", "any"]
    parts: tuple[Group | Test, ...]

    def holds(self, document: Any) -> bool:
        """Whether they hold for a JSON document."""
        held = (part.holds(document) for part in self.parts)
        return all(held) if self.joint == "all" else any(held)


@dataclass(frozen=True, slots=True)
class JsonPattern:
    """Conditions on an event that is one JSON document."""

    condition: Group | Test

    def matches(self, message: str) -> bool:
        """Whether the event is JSON, an object or an array, and the condition holds."""
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict | list) and self.condition.holds(document)
