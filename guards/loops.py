"""One event loop for all invocations of a Lambda environment.

asyncio.run would close its loop, and leave the thread without one: clients kept from one invocation to the
next break, and so does Mangum, which asks the thread for its loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final

_threads: Final = threading.local()
"""Lambda has one thread; a local server that calls handlers may have more, and each its own loop."""


def completed(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine gives, run to its end; where a loop runs already, the coroutine, to be awaited."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _the_loop().run_until_complete(work)
    return work


def _the_loop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop | None = getattr(_threads, "loop", None)
    if loop is None or loop.is_closed():
        loop = _threads.loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # each time: an asyncio.run in between leaves the thread without one
    return loop
