"""What may leave the process: names that a developer gave and numbers, never a user's words."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_MODEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,127}")
_PHASE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 _.,:;/()<>\[\]#+*=-]{0,63}")
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
        self.known: dict[str, str] = {}
        """Each name so far, by itself."""
        self._most = most
        self._lock = threading.RLock()  # a signal's handler may have phases too

    def of(self, name: str) -> str:
        """The name, or other."""
        found = self.known.get(name)
        if found is not None:
            return found
        with self._lock:
            if len(self.known) >= self._most:
                return OTHER
            return self.known.setdefault(name, name)


_phases: Final = Names()
_known_phases: Final = _phases.known
_errors: Final = Names()


def exact(text: str) -> str:
    """The text itself, without what a subclass such as an enumeration makes of it.

    >>> from enum import StrEnum
    >>> exact(StrEnum("Model", {"HAIKU": "CLAUDE_3_5_HAIKU"}).HAIKU)
    'CLAUDE_3_5_HAIKU'
    """
    return str.__str__(text)


def phase_name(name: object) -> str:
    """A phase's name as it is recorded.

    >>> phase_name("extraction"), phase_name("x" * 100), phase_name("jane@example.com")
    ('extraction', 'unnamed', 'unnamed')
    """
    # Most have been seen before, which is the quicker question. Each is a metric's dimension, and CloudWatch
    # takes those in ASCII only, and not blank; an @ stands in addresses, not in names.
    if type(name) is not str:
        if not isinstance(name, str):
            return UNNAMED
        name = exact(name)
    return _known_phases.get(name) or (_phases.of(name) if _PHASE.fullmatch(name) else UNNAMED)


def model_name(model: object) -> str | None:
    """A model's code or ID; text that can be none is hidden.

    >>> model_name("us.anthropic.claude-sonnet-4-5-v1:0"), model_name("I feel stuck"), model_name(None)
    ('us.anthropic.claude-sonnet-4-5-v1:0', 'hidden', None)
    """
    if model is None:
        return None
    if type(model) is not str:
        if not isinstance(model, str):
            return HIDDEN
        model = exact(model)
    return model if _is_model(model) else HIDDEN


@lru_cache(64)  # a process has few models, and they are asked for again and again
def _is_model(text: str) -> bool:
    return _MODEL.fullmatch(text) is not None


def error_type_of(kind: type[BaseException] | None) -> str | None:
    """The name of an exception's type, as OpenTelemetry's error.type wants it; None for none."""
    return None if kind is None else _errors.of(kind.__qualname__[:_LONGEST])


def facts(attributes: Mapping[str, object]) -> dict[str, Fact]:
    """Of some attributes those that may leave: numbers, and text that GUARD_SAFE_ATTRIBUTES names.

    >>> facts({"attempts": 2, "prompt": "I feel stuck at work", "cached": True})
    {'attempts': 2, 'cached': True}
    """
    told = ((name, _fact(name, value)) for name, value in attributes.items())
    return {name: fact for name, fact in told if fact is not None}


def _fact(name: str, value: object) -> Fact | None:
    """The value as it may leave; None where it may not, or cannot be looked at."""
    try:
        if not name.isidentifier() or len(name) > _LONGEST:
            return None  # keys of somebody's data, not names that a developer wrote
        if isinstance(value, int | float):
            # Neither is infinity, and NaN is less than nothing.
            return _plain(value) if abs(value) < 1e15 else None
        return value if _is_safe_text(name, value) else None  # type: ignore[return-value]
    except Exception:
        return None


def _plain(value: int | float) -> int | float:
    """Without what a subclass makes of it when it is written."""
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, int) else float(value)


def _is_safe_text(name: str, value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT and name in _named_safe()


def _named_safe() -> list[str]:
    return [name.strip() for name in os.environ.get("GUARD_SAFE_ATTRIBUTES", "").split(",")]
