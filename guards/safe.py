"""What may leave the process: names that a developer gave and numbers, never a user's words."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from typing import Final, cast

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}")
_LONGEST: Final = 64
_MOST: Final = 64
"""So many names of a kind are kept apart. Each is a metric of its own, billed by the month."""
OTHER: Final = "other"
UNNAMED: Final = "unnamed"
_LONGEST_TEXT: Final = 256
HIDDEN: Final = "hidden"
Fact = str | int | float


class Names:
    """Names of a kind, of which there can only be so many: all beyond are called other.

    >>> names = Names(most=2)
    >>> [names.of(name) for name in ("a", "b", "c", "a")]
    ['a', 'b', 'other', 'a']
    """

    def __init__(self, most: int = _MOST) -> None:
        self._known: dict[str, str] = {}
        self._most = most
        self._lock = threading.Lock()

    def of(self, name: str) -> str:
        """The name, or other."""
        found = self._known.get(name)
        if found is not None:
            return found
        with self._lock:
            if len(self._known) >= self._most:
                return OTHER
            return self._known.setdefault(name, name)


_phases: Final = Names()
_errors: Final = Names()


def phase_name(name: object) -> str:
    """A phase's name as it is recorded.

    >>> phase_name("extraction"), phase_name("x" * 100), phase_name(None)
    ('extraction', 'unnamed', 'unnamed')
    """
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or not name.isprintable():
        return UNNAMED
    return _phases.of(name)


def model_name(model: object) -> str | None:
    """A model's code or ID; text that can be none is hidden.

    >>> model_name("us.anthropic.claude-sonnet-4-5-v1:0"), model_name("I feel stuck"), model_name(None)
    ('us.anthropic.claude-sonnet-4-5-v1:0', 'hidden', None)
    """
    if model is None:
        return None
    return model if isinstance(model, str) and _MODEL.fullmatch(model) else HIDDEN


def error_type_of(kind: type[BaseException] | None) -> str | None:
    """The name of an exception's type, as OpenTelemetry's error.type wants it; None for none."""
    return None if kind is None else _errors.of(kind.__qualname__[:_LONGEST])


def facts(attributes: Mapping[str, object]) -> dict[str, Fact]:
    """Of some attributes those that may leave: numbers, and text that GUARD_SAFE_ATTRIBUTES names.

    >>> facts({"attempts": 2, "prompt": "I feel stuck at work", "cached": True})
    {'attempts': 2, 'cached': True}
    """
    kept = {name: value for name, value in attributes.items() if _may_leave(name, value)}
    return cast(dict[str, Fact], kept)


def _may_leave(name: str, value: object) -> bool:
    if not name.isidentifier() or len(name) > _LONGEST:
        return False
    if isinstance(value, int | float):
        return abs(value) < 1e15  # neither is infinity, and NaN is less than nothing
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and name in _named_safe()


def _named_safe() -> list[str]:
    return [name.strip() for name in os.environ.get("GUARD_SAFE_ATTRIBUTES", "").split(",")]
