"""What a pass looks for, by the settings: made before most of the program is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final

from guards.limits import Limits, limits_for
from incidents.asked import limit_set, several
from incidents.meanings import Meanings, load
from incidents.paths import STANDARD_INPUT
from incidents.scan.sweep import Sweep, Wish
from incidents.scan.usual import Usual

REPORTS: Final = ("REPORT RequestId: ", "platform.report")
"""Text that the last line of each request holds, in either log format."""

_LARGE: Final = 16 << 20


def refusals(meanings: Meanings) -> frozenset[str]:
    """Values that mark a refused request, by the meanings of the application's lines."""
    values = (meaning.refusal_value for meaning in meanings.events.values())
    return frozenset(value for value in values if value)


def throttlings(meanings: Meanings) -> tuple[str, ...]:
    """Text that lines about a throttled provider hold, where it is not told by a pattern."""
    return (*meanings.throttling.phrases, *sorted(meanings.throttling.events))


def wish(
    meanings: Meanings,
    limits: Limits,
    since: datetime | None,
    until: datetime | None,
    *,
    throttled: bool = False,
) -> Wish:
    """What to look for: the ends of requests, refusals, and where asked for throttling."""
    marks = (*REPORTS, *sorted(refusals(meanings)), *(throttlings(meanings) if throttled else ()))
    return Wish(tuple(dict.fromkeys(marks)), Usual.of(limits.warning, since, until))


def begin(paths: Sequence[str], settings: Mapping[str, Any]) -> Sweep | None:
    """A pass over the first file, where it is large and no time is asked for: it goes on during the imports.

    Raises BadUsage for meanings that cannot be read.
    """
    given = {"since", "until"} & settings.keys()
    if given or not paths or paths[0] == STANDARD_INPUT or not (size := _size(paths[0])) >= _LARGE:
        return None
    limits = limits_for(settings.get("gateway", "http"), limit_set(settings))
    meanings = load(several(settings.get("meanings")))
    throttled = bool(settings.get("throttled"))
    return Sweep(paths[0], size, wish(meanings, limits, None, None, throttled=throttled))


@contextmanager
def beginning(paths: Sequence[str], settings: Mapping[str, Any]) -> Iterator[Sweep | None]:
    """A pass as ``begin`` has it; whatever happens meanwhile, none of its processes is left."""
    begun = begin(paths, settings)
    try:
        yield begun
    finally:
        if begun is not None:
            begun.close()


def _size(path: str) -> int:
    """Of a file that may be one of events; 0 for any other."""
    with suppress(OSError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return os.fstat(file.fileno()).st_size if file.read(1) == b"{" else 0
    return 0
