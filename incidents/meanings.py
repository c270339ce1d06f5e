"""What an application's log lines mean: event names to phases, milestones and statuses, as data.

The built-in file, ``coaching_api.toml`` beside this module, knows the coaching API. A user extends it with
a file of the same shape (``--meanings FILE``, or ``meanings`` in the configuration): later entries for an
event name win; ``replace = true`` at the top of the file drops the built-in ones.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from guards.errors import BadUsage
from incidents.messages import Line

BUILT_IN = os.path.join(os.path.dirname(__file__), "coaching_api.toml")
_Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one event name means. Names of fields are names of the line's own fields."""

    opens_call: bool = False
    """A call to the model begins here."""
    refines_call: bool = False
    """A call begins here, unless one is open already: the same call seen one layer further down."""
    closes_call: bool = False
    """The open call ends here."""
    fails_call: bool = False
    """The open call, if any, ends here, in an error."""
    duration_ms_field: str | None = None
    """Holds the call's exact length; the call ends at the line."""
    model_field: str | None = None
    """Holds the model code."""
    error_type_field: str | None = None
    """Holds the type of the error."""
    error_type: str | None = None
    """The type of the error, where no field holds it."""
    next_phase: str | None = None
    """Calls from here on are this phase."""
    milestone: str | None = None
    """A moment that matters: session-completed, session-saved, request-refused, ..."""
    session_status: str | None = None
    """The session has this status from here on."""
    session_status_field: str | None = None
    """Holds the session's status."""
    refusal: str | None = None
    """Field that must hold the value in ``refusal_value`` for the milestone to stand."""
    refusal_value: str | None = None
    response_status: int | None = None
    """The handler answers with this HTTP status."""
    response_status_field: str | None = None
    """Holds the HTTP status."""
    method_field: str | None = None
    path_field: str | None = None
    begins_request: bool = False
    """The first line of a request, where no START line was saved."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """How a throttled model provider shows in lines."""

    events: frozenset[str] = frozenset()
    """Event names that say so."""
    phrases: tuple[str, ...] = ()
    """Text that says so, in lines of ``levels``."""
    levels: frozenset[str] = frozenset()
    unless: tuple[str, ...] = ()
    """Text that marks a decoy."""
    patterns: tuple[re.Pattern[str], ...] = ()
    """What says so from the start of a line, whatever its level."""

    def said_by(self, line: Line) -> bool:
        """Whether a line tells that the model provider throttled or retried."""
        text = line.event.message
        if any(decoy in text for decoy in self.unless):
            return False
        if line.said.name in self.events or any(pattern.match(text) for pattern in self.patterns):
            return True
        return line.said.level in self.levels and any(phrase in text for phrase in self.phrases)


@dataclass(frozen=True, slots=True)
class Meanings:
    """The dictionary of one application's log lines."""

    events: Mapping[str, Meaning]
    default_phase: str = "conversation"
    """What a call is when nothing before it says otherwise."""
    throttling: Throttling = field(default_factory=Throttling)

    def of(self, name: str | None) -> Meaning | None:
        """What an event name means; None when it is not known.

        >>> load().of("coaching_service.session_completed").milestone
        'session-completed'
        """
        return None if name is None else self.events.get(name)


def load(extra: Iterable[_Path] = ()) -> Meanings:
    """The built-in meanings, extended or replaced by the user's files, in order.

    Raises BadUsage where a file cannot be read or says something unknown.
    """
    merged = _parse(BUILT_IN)
    for path in extra:
        data = _parse(path)
        merged = data if data.pop("replace", False) else _merge(merged, data)
    return _meanings(merged)


def _merge(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    throttling = {**base.get("throttling", {}), **more.get("throttling", {})}
    events = {**base.get("event", {}), **more.get("event", {})}
    return {**base, **more, "event": events, "throttling": throttling}


def _parse(path: _Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise BadUsage(f"the meanings file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadUsage(f"the meanings file {path} is no valid TOML: {error}") from error
    _check(data, path)
    return data


# A field's annotation, as written above, to what TOML must hold for it.
_TYPES: dict[object, tuple[type, str]] = {
    "bool": (bool, "true or false"),
    "str | None": (str, "a text"),
    "int | None": (int, "a whole number"),
}
_MEANING = {each.name: _TYPES[each.type] for each in fields(Meaning)}
_LISTS = {each.name: (list, "a list of texts") for each in fields(Throttling)}
_TOP: dict[str, tuple[type, str]] = {
    "event": (dict, 'tables: [event."its.name"]'),
    "throttling": (dict, "a table: [throttling]"),
    "default_phase": (str, "a text"),
    "replace": (bool, "true or false"),
}


def _check(data: dict[str, Any], path: _Path) -> None:
    _check_table(data, _TOP, f"the meanings file {path}")
    for name, entry in data.get("event", {}).items():
        where = f"the meanings file {path}, in the event {name!r},"
        if not isinstance(entry, dict):
            raise BadUsage(f"{where} has no table", hint='an event is a table: [event."its.name"]')
        _check_table(entry, _MEANING, where)
    where = f"the meanings file {path}, in [throttling],"
    throttling = data.get("throttling", {})
    _check_table(throttling, _LISTS, where)
    for pattern in throttling.get("patterns", ()):
        _check_pattern(pattern, where)


def _check_table(table: dict[str, Any], known: Mapping[str, tuple[type, str]], where: str) -> None:
    for key, value in table.items():
        if key not in known:
            raise BadUsage(f"{where} says {key!r}, which is not known", hint=f"known are {', '.join(known)}")
        wanted, described = known[key]
        texts = not isinstance(value, list) or all(isinstance(each, str) for each in value)
        if type(value) is not wanted or not texts:
            raise BadUsage(f"{where} says {key} = {str(value)[:60]!r}", hint=f"it must be {described}")


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadUsage(f"{where} has the pattern {pattern[:60]!r}, which is none: {error}") from error


def _meanings(data: dict[str, Any]) -> Meanings:
    told = data.get("throttling", {})
    return Meanings(
        events=MappingProxyType({name: Meaning(**entry) for name, entry in data.get("event", {}).items()}),
        default_phase=data.get("default_phase", "conversation"),
        throttling=Throttling(
            events=frozenset(told.get("events", ())),
            phrases=tuple(told.get("phrases", ())),
            levels=frozenset(told.get("levels", ())),
            unless=tuple(told.get("unless", ())),
            patterns=tuple(re.compile(pattern) for pattern in told.get("patterns", ())),
        ),
    )
