"""What the engine asks of its surroundings, one step at a time.

The engine is made of generators. Each yields a step and is sent back what came of it, so that the same
protocol runs under asyncio, in a plain thread, or against a virtual clock that kills it between two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from guards.completion.states import Item
from guards.errors import GuardError

_T = TypeVar("_T")


class NoAnswer(GuardError):
    """A store or a queue gave no answer in time; what it was asked may have taken effect, now or later."""


@dataclass(frozen=True, slots=True)
class Do:
    """Call the store or the queue; sent back what it gives, or thrown what it raises."""

    name: str
    """The step's number in docs/completion.md, and a word."""
    work: Callable[[], Any]
    patient: bool = False
    """Whether it may take longer than Times.write: nobody waits for an answer."""


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to extract from a session; sent back None at once."""

    session: Item


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the extraction, but no longer than to a moment; sent back Done, Raised, or None: not yet."""

    until: float
    """In seconds since 1970; infinity: as long as it takes."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Cancel the extraction if that is possible, and forget it; sent back None."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Done:
    """The extraction gave a result."""

    result: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """The extraction raised."""

    error_type: str
    """The exception's type; its text may hold a user's words."""


Step = Do | Start | Wait | Stop | Pause
Steps = Generator[Step, Any, _T]
