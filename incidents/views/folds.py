"""How much of a report a terminal shows: step by step from everything to the least."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from incidents.report import Report


@dataclass(frozen=True, slots=True)
class Fold:
    """How much is shown."""

    others: int | None = None
    """Rows for requests other than the worst; None draws each of them in full."""
    evidence: Literal["all", "first", "none"] = "all"
    remedies: bool = True
    air: bool = True
    """Empty rows between the parts, and a legend as long as it takes."""
    rows_each: int | None = None
    """The most rows for one advice or finding."""
    longer: int = 0
    """So many of them, advice first, may take one row more."""

    def most(self, index: int) -> int | None:
        """The most rows for the advice or finding at that place."""
        return None if self.rows_each is None else self.rows_each + (index < self.longer)


FULL: Final = Fold()


def folds(report: Report) -> Iterator[Fold]:
    """From everything to the least; the first that fits the terminal is shown."""
    texts = len(report.advice) + len(report.findings)
    others = len(report.timeline.requests)
    yield from (FULL, Fold(others, "first"), Fold(others, "none"), Fold(others, "none", remedies=False))
    yield Fold(min(others, 5), "none", remedies=False)
    least = Fold(min(others, 3), "none", remedies=False, air=False)
    yield least
    for each in (3, 2, 1):
        yield from (replace(least, rows_each=each, longer=longer) for longer in range(texts - 1, -1, -1))
    yield from (replace(least, others=shown, rows_each=1) for shown in (1, 0))
