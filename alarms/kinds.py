"""The kinds of alarm there are, in words: what each means, where to look, what to do.

The words stand in ``kinds.toml``; descriptions and runbooks are made of them.

>>> KINDS["api-5xx"].hits_users
True
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alarm: the words that every alarm of it carries."""

    id: str
    """Stable: the end of the alarm's name, and the name of its runbook."""
    meaning: str
    """One line: what is so while it is in ALARM."""
    query: str
    """The Logs Insights query that shows what set it off; {limit_ms} and the like are filled in."""
    look: tuple[str, ...]
    """Where to look first, in order."""
    now: tuple[str, ...]
    """What to do for those who are hit."""
    change: tuple[str, ...]
    """What keeps it from coming back."""
    blind: tuple[str, ...]
    """What it cannot see."""
    hits_users: bool = False
    """Whether users are being hit while it is in ALARM: the composite reads it."""


def _kind(id_: str, words: dict[str, Any]) -> Kind:
    lists = {key: tuple(value) for key, value in words.items() if isinstance(value, list)}
    return Kind(id=id_, **{**words, **lists})


def _load() -> dict[str, Kind]:
    told = tomllib.loads((files("alarms") / "kinds.toml").read_text(encoding="utf-8"))
    return {id_: _kind(id_, words) for id_, words in told.items()}


KINDS: Final[dict[str, Kind]] = _load()
"""Every kind, by its ID."""
