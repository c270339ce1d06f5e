"""JSON of any size, value by value: the elements of the arrays that hold events, one at a time.

>>> [(item.key, item.value) for item in json_items(['{"events":[{"a":1},{"a":2}],', '"nextToken":"x"}'])]
[('events', {'a': 1}), ('events', {'a': 2}), (None, {'nextToken': 'x'})]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from incidents.forms.base import LONGEST
from incidents.forms.jsonwindow import CUT_OFF, LOST, Broken, Window

STREAMED: Final = ("events", "results")
"""The arrays of a top-level object whose elements are handed out one by one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One value."""

    line: int
    key: str | None
    """The array that it is an element of; ``[]`` for an array without a key; None for a whole object."""
    value: Any
    seen: tuple[str, ...] = ()
    """The keys of the object so far."""
    around: Mapping[str, Any] = field(default_factory=dict)
    """For an element of an array: the other members of the object so far."""


def json_items(blocks: Iterable[str]) -> Iterator[Item | Broken]:
    """The values of all documents in ``blocks``, whatever stands between them.

    A top-level object comes last, without the arrays whose elements were handed out before it.
    """
    window = Window(iter(blocks))
    while mark := window.peek():
        window.seen = ()
        if mark == "{":
            yield from _object(window)
        elif mark == "[":
            yield from _array(window, "[]", {})
        else:
            window.lost = True
        if window.lost:
            yield Broken(window.line, LOST, window.seen)
            window.resume()
    if window.cut:
        yield Broken(window.line, CUT_OFF, window.seen)


def _object(window: Window) -> Iterator[Item | Broken]:
    line, start = window.line, window.read
    members: dict[str, Any] = {}
    window.step()
    while (mark := window.peek()) != "}":
        if mark == ",":
            window.step()
            continue
        key = window.take() if mark == '"' else None
        if not isinstance(key, str) or window.peek() != ":":
            return window.give_up()
        window.step()
        window.seen = (*window.seen[-99:], key)
        if window.peek() == "[" and _is_streamed(key, members):
            before = window.read
            yield from _array(window, key, members)
            start += window.read - before
        else:
            members[key] = value = window.take()
            if isinstance(value, Broken):
                yield value
                del members[key]
        if window.lost or window.read - start > LONGEST:
            return window.give_up()
    window.step()
    yield Item(line, None, members, window.seen)


def _is_streamed(key: str, members: dict[str, Any]) -> bool:
    # A subscription's events need their stream and type, which come first unless a tool sorted the keys.
    return key in STREAMED or (key == "logEvents" and "logStream" in members and "messageType" in members)


def _array(window: Window, key: str, around: dict[str, Any]) -> Iterator[Item | Broken]:
    window.step()
    while (mark := window.peek()) != "]":
        if mark == ",":
            window.step()
            continue
        if mark in ("", ":", "}"):
            return window.give_up()
        line, value = window.line, window.take()
        if isinstance(value, Broken):
            yield value
        elif not window.cut:
            yield Item(line, key, value, window.seen, around)
        if window.lost or window.cut:
            return
    window.step()
