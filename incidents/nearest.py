"""When an ID is not found: the IDs in the logs that look most like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from incidents.messages import Line

What = Literal["session", "request"]


def nearest_ids(asked: str, lines: Iterable[Line], what: What) -> tuple[str, ...]:
    """At most three IDs of the same sort, nearest first."""
    seen: dict[str, None] = {}
    for line in lines:
        if what == "session" and line.said.session_id:
            seen.setdefault(line.said.session_id)
        elif what == "request" and line.said.kind == "start" and line.said.request_ids:
            seen.setdefault(line.said.request_ids[0])
    return tuple(difflib.get_close_matches(asked, seen, n=3, cutoff=0.3))
