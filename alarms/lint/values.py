"""What a template says where the deployment has the last word: references, texts with gaps, the unknown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """Only the deployment knows: never judged."""

    why: str
    """The function that it comes from."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that a resource of the template will have."""

    logical_id: str
    attribute: str
    """"Ref", or the attribute's name."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of which only some parts are known."""

    parts: tuple[str | Reference | Unknown, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The resources that it names."""
        return tuple(part for part in self.parts if isinstance(part, Reference))


Value = Any
"""None, bool, int, float, str, lists and dicts of values, Reference, Text or Unknown."""


def joined(parts: list[Value]) -> str | Text | Unknown:
    """The parts as one text, as known as they are."""
    flat: list[str | Reference | Unknown] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Text) else [_part(part)])
    if all(isinstance(part, str) for part in flat):
        return "".join(part for part in flat if isinstance(part, str))
    return Text(tuple(flat))


def _part(value: Value) -> str | Reference | Unknown:
    if isinstance(value, str | Reference | Unknown):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else Unknown("a value that is no text")


def text(value: Value) -> str | None:
    """The text, where all of it is known; numbers and booleans too are texts to CloudFormation.

    >>> text(60), text(True), text(Unknown("Ref")) is None
    ('60', 'true', True)
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        found = joined([value])
        return found if isinstance(found, str) else None
    return None


def number(value: Value) -> float | None:
    """The number, also where it is written as a text; None where it is not known or none.

    >>> number("60"), number(True) is None
    (60.0, True)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if found - found == 0 else None  # neither infinite nor not a number


def whole(value: Value) -> int | None:
    """The whole number; None where it is not known or none."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def items(value: Value) -> list[Value] | None:
    """The items of a list; none where nothing is there; None where the list is not known."""
    if value is None:
        return []
    return value if isinstance(value, list) else None


def table(value: Value) -> dict[str, Value]:
    """The keys and values; none where there is no table, or it is not known."""
    return value if isinstance(value, dict) else {}


def references(value: Value) -> list[Reference]:
    """All resources that a value names, however deep."""
    if isinstance(value, Reference):
        return [value]
    if isinstance(value, Text):
        return list(value.references)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [found for each in inner for found in references(each)]


def texts(value: Value) -> Iterator[str]:
    """All texts in a value, however deep, as far as they are known."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Text):
        yield "".join(part for part in value.parts if isinstance(part, str))
    else:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        for each in inner:
            yield from texts(each)
