"""What a test leaves running, and how it is kept out of the output of the tests after it.

Records go to standard output as it is when they are written. So a thread or a watched request that outlives
its test would write into what a later test reads as its own.
"""

from __future__ import annotations

import sys
import threading
from weakref import WeakSet

from guards.writer import Writer

_left: WeakSet[threading.Thread] = WeakSet()
_write = Writer.write


def _heard(self: Writer, line: str) -> bool:
    """Writer.write, but for threads that were left behind."""
    return True if threading.current_thread() in _left else _write(self, line)


def listen() -> None:
    """From here on it is known who writes a record."""
    Writer.write = _heard  # type: ignore[method-assign]


def let_go() -> None:
    """Whatever runs on writes no record any more: no thread, and no watcher of an open request."""
    heard = {threading.current_thread(), threading.main_thread()}
    if (module := sys.modules.get("guards.watcher")) is not None:
        for generation in list(module.watcher._running):
            module.watcher.forget(generation)
        heard.add(module.watcher._thread)  # it serves later tests too; those of a test's own watchers do not
    _left.update(each for each in threading.enumerate() if each not in heard)
