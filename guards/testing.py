"""For users' tests: which phases their code went through.

>>> from guards import phase
>>> with capture_phases() as phases:
...     with phase("extraction", model="CLAUDE_3_5_HAIKU"):
...         pass
>>> [(each.name, each.model, each.outcome) for each in phases]
[('extraction', 'CLAUDE_3_5_HAIKU', 'ok')]
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guards.phases import Phase, listeners
from guards.writer import writer


@contextmanager
def capture_phases() -> Iterator[list[Phase]]:
    """The phases that end inside, in order of their ends, in any thread or task; no record is written."""
    phases: list[Phase] = []
    listeners.append(phases.append)
    try:
        with writer.silenced():
            yield phases
    finally:
        listeners.remove(phases.append)
