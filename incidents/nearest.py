"""When an ID is not found: the IDs in the logs that look most like it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

from incidents.messages import Line

What = Literal["session", "request"]


def nearest_ids(asked: str, lines: Iterable[Line], what: What, *, alike: float = 0.3) -> tuple[str, ...]:
    """At most three IDs of the same sort, nearest first, in whatever case they are written.

    ``alike``, from 0 to 1, is how much an ID must look like the one asked for.
    """
    seen: dict[str, str] = {}
    for line in lines:
        found = _id(line, what)
        if found is not None:
            seen.setdefault(found.casefold(), found)
    near = difflib.get_close_matches(asked.casefold(), seen, n=3, cutoff=alike)
    return tuple(seen[each] for each in near)


def _id(line: Line, what: What) -> str | None:
    if what == "session":
        return line.said.session_id
    return line.said.request_ids[0] if line.said.kind == "start" and line.said.request_ids else None
