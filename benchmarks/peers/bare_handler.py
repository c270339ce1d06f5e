"""The floor: the handler with nothing in it that tells anybody anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from request import ANSWER, invocation, serve


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer."""
    return ANSWER


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)
