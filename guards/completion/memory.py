"""Sessions in this process's memory: for users' tests, and for the protocol's own.

>>> store = MemoryStore({"session_id": "sess_1", "status": "active"})
>>> session = store.load("sess_1")
>>> store.save("sess_1", {"title": "Goals"}, Expected.of(session)).took
True
>>> store.save("sess_1", {"title": "Overwritten"}, Expected.of(session)).took
False
>>> store.items["sess_1"]["title"]
'Goals'
"""

from __future__ import annotations

import copy
import threading
from typing import Any

from guards.completion.states import SESSION_ID, Item, Job, Session
from guards.completion.store import ConditionalStore
from guards.completion.writes import Expected, Outcome, Write, applied, judged

__all__ = ["Expected", "MemoryDispatch", "MemoryStore"]


class MemoryStore(ConditionalStore):
    """A table of sessions behind one lock."""

    def __init__(self, *items: Item) -> None:
        self.items: dict[str, dict[str, Any]] = {item[SESSION_ID]: dict(item) for item in items}
        """Session ID -> item, replaced as a whole by each write."""
        self._lock = threading.Lock()

    def load(self, session_id: str) -> Session | None:
        """The session as it stands."""
        item = self.items.get(session_id)
        return None if item is None else Session.of(copy.deepcopy(item))  # a change in place is no save

    def apply(self, write: Write) -> Outcome:
        """Do one conditional write."""
        with self._lock:
            before = self.items.get(write.session_id)
            after = applied(write, before)
            if after is None:
                return judged(write, before)
            self.items[write.session_id] = after
        return Outcome(True, Session.of(after))

    def lapsed(self, before: float, limit: int) -> list[Job]:
        """Jobs whose lease ended before a moment."""
        with self._lock:
            sessions = [Session.of(item) for item in self.items.values()]
        owed = [each.job for each in sessions if each.is_open and each.lease_until < before]
        return owed[:limit]


class MemoryDispatch:
    """A queue that only notes what was sent: (job, delay in seconds).

    >>> queue = MemoryDispatch()
    >>> queue.send(Job("sess_1", "job"), 30.0)
    >>> queue.sent
    [(Job(session_id='sess_1', job_id='job'), 30.0)]
    """

    def __init__(self) -> None:
        self.sent: list[tuple[Job, float]] = []

    def send(self, job: Job, delay: float) -> None:
        """Note it."""
        self.sent.append((job, delay))
