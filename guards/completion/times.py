"""How long each part of a completion may take.

>>> Times().hand_over, Times().least
(4.5, 5.5)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Durations in seconds."""

    answer: float = 1.0
    """The answer is out so long before the deadline."""
    write: float = 1.5
    """One call of the store or of the queue gives up after so long; their clients must be set so."""
    stop: float = 0.5
    """A cancelled extraction is waited for so long."""
    skew: float = 2.0
    """Two machines' clocks differ by so much at most; else an extraction may run twice."""
    lease: float = 60.0
    """A worker's lease. When a worker dies, the work waits for its end."""
    renew: float = 20.0
    """A worker prolongs its lease so often."""
    pause: float = 20.0
    """Between a failed attempt and the next; doubled each time."""
    sweep: float = 30.0
    """The sweeper leaves a job alone for so long after its lease."""
    retry_after: int = 2
    """A client is told to ask again after so many whole seconds."""
    attempts: int = 5
    """So many extractions are begun for one job, at most."""

    @property
    def hand_over(self) -> float:
        """An inline extraction is stopped so long before the deadline: stop, release, send, answer."""
        return self.answer + self.stop + 2 * self.write

    @property
    def least(self) -> float:
        """With so much time left a request is answered in time: claim, look again, send, answer."""
        return self.answer + 3 * self.write

    def pause_after(self, attempt: int) -> float:
        """Before the next attempt.

        >>> [Times().pause_after(attempt) for attempt in (1, 2, 3, 9)]
        [20.0, 40.0, 80.0, 600.0]
        """
        return min(600.0, self.pause * 2.0 ** (attempt - 1))
