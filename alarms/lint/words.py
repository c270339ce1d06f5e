"""How findings say it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from alarms.lint.alarm import Alarm

_LONGEST: Final = 255
"""CloudWatch's names are no longer; comparing longer ones would only take time."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that someone may have meant; None where none is near.

    >>> nearest("Durations", ["Duration", "Errors"]), nearest("duration", ["Duration"])
    ('Duration', 'Duration')
    """
    listed = [each for each in known if len(each) <= _LONGEST]
    if len(name) > _LONGEST:
        return None
    plain = {each.lower(): each for each in reversed(listed)}
    if name.lower() in plain:
        return plain[name.lower()]
    return next(iter(get_close_matches(name, listed, n=1, cutoff=0.8)), None)


def without_data(alarm: Alarm) -> str:
    """What an alarm does that never gets a datapoint."""
    return {
        "missing": "it stays in INSUFFICIENT_DATA and never fires",
        "notBreaching": "it stays OK and never fires",
        "ignore": "it keeps its first state and never fires",
        "breaching": "it is in ALARM always, whatever happens",
    }.get(alarm.missing or "", "it never fires on what happens")


def dimension_set(names: Iterable[str]) -> str:
    """A dimension set in braces.

    >>> dimension_set({"Stage", "ApiId"}), dimension_set([])
    ('{ApiId, Stage}', '{} (no dimensions)')
    """
    listed = sorted(names)
    return f"{{{', '.join(listed)}}}" if listed else "{} (no dimensions)"


def listed(words: Iterable[str]) -> str:
    """Alternatives in a row.

    >>> listed(["a", "b", "c"])
    'a, b or c'
    """
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def sentence(hint: str) -> str:
    """The words as the beginning of a sentence; the rest keeps its case.

    >>> sentence("write ALARM")
    'Write ALARM'
    """
    return hint[:1].upper() + hint[1:]


def quantity(value: float) -> str:
    """A number as one writes it.

    >>> quantity(25_000.0), quantity(0.5)
    ('25,000', '0.5')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def short(text: str, longest: int = 60) -> str:
    """A text of a template in quotes, cut where it is long.

    >>> short("a" * 70, 10)
    "'aaaaaaaaaa...'"
    """
    return repr(text if len(text) <= longest else text[:longest] + "...")
