"""What was found, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from incidents.display import clean
from incidents.doctor.check import STATES, Check

SCHEMA: Final = "guard.doctor/1"


def text(checks: Sequence[Check]) -> str:
    """A line each, its fix below it, and how many of each there are.

    >>> print(text([Check("clock", None, "warning", "90 s off", "set it")]), end="")
    warning  clock: 90 s off
             fix: set it
    1 warning
    """
    lines = [line for check in checks for line in _lines(check)]
    counts = {state: sum(check.state == state for check in checks) for state in STATES}
    total = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return "".join(f"{clean(line)}\n" for line in (*lines, total))


def as_json(checks: Sequence[Check]) -> str:
    """The same as a document; docs/doctor.md says what is in it."""
    return json.dumps({"schema": SCHEMA, "checks": [asdict(check) for check in checks]}, indent=2) + "\n"


def _lines(check: Check) -> list[str]:
    about = "" if check.about is None else f" {check.about}"
    told = [f"{check.state:<8} {check.id}{about}: {check.said}"]
    return told if check.fix is None else [*told, f"{'':<8} fix: {check.fix}"]
