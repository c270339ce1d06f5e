"""The handler with coaching-guard: one decorator, one bind, two phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from request import ANSWER, PHASES, SERVICE, SESSION, invocation, serve

from guards import bind, guard_handler, phase

(CONVERSATION, SONNET), (EXTRACTION, HAIKU) = PHASES


@guard_handler(service_name=SERVICE)
def handler(event: Any, context: Any) -> dict[str, Any]:
    """Two phases of nothing."""
    bind(session_id=SESSION)
    with phase(CONVERSATION, model=SONNET):
        pass
    with phase(EXTRACTION, model=HAIKU):
        pass
    return ANSWER


def prepared(count: int) -> Callable[[], None]:
    """So many requests, ready to be served."""
    invocations = [invocation() for _ in range(count)]
    return lambda: serve(handler, invocations)
