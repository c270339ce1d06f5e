"""What was found, for people and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from incidents.display import clean
from incidents.doctor.check import STATES, Check
from incidents.views import Options
from incidents.views.rows import paint, paragraph, row

SCHEMA: Final = "guard.doctor/1"

_WHOLE: Final = Options()
_TOLD_EACH: Final = 2
"""Of so many of a kind that are well, each has its line; more have one together."""


def text(checks: Sequence[Check], options: Options = _WHOLE) -> str:
    """A line each, its fix below it, and how many of each there are.

    On a terminal lines are wrapped at words, beside the states.

    >>> print(text([Check("clock", None, "warning", "90 s off", "set it")]), end="")
    warning  clock: 90 s off
             fix: set it
    1 warning
    """
    counts = Counter(check.state for check in checks)
    total = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
    rows = [each for lead, said in _folded(checks) for each in _wrapped(lead, said, options)]
    return "".join(f"{line}\n" for line in (*rows, total))


def as_json(checks: Sequence[Check]) -> str:
    """The same as a document; docs/doctor.md says what is in it."""
    return json.dumps({"schema": SCHEMA, "checks": [asdict(check) for check in checks]}, indent=2) + "\n"


def _wrapped(lead: str, said: str, options: Options) -> list[str]:
    """The lead and the text beside it; off a terminal in one line, however long."""
    if options.rows is None:
        return [f"{lead}{clean(said)}"]
    return paint(paragraph(row(lead), clean(said), options), options).splitlines()


def _folded(checks: Sequence[Check]) -> Iterator[tuple[str, str]]:
    well = Counter(check.id for check in checks if check.state == "ok")
    told: set[str] = set()
    for check in checks:
        if check.state != "ok" or well[check.id] <= _TOLD_EACH:
            yield from _lines(check)
        elif check.id not in told:
            told.add(check.id)
            yield f"{check.state:<8} ", f"{check.id}: {well[check.id]}, all well"


def _lines(check: Check) -> Iterator[tuple[str, str]]:
    about = "" if check.about is None else f" {check.about}"
    yield f"{check.state:<8} ", f"{check.id}{about}: {check.said}"
    if check.fix is not None:
        yield " " * 9, f"fix: {check.fix}"
