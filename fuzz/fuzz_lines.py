"""Fuzz what reads other people's bytes: the reader of one line, and the forms of saved files.

    python fuzz/fuzz_lines.py -max_total_time=600 [CORPUS]    look for inputs that crash (needs atheris)
    python fuzz/fuzz_lines.py FILE...                         replay inputs, without atheris

Words that begin with ``-`` go to libFuzzer, and so does a folder: its corpus. The first byte of an input says
which reader gets the rest, so that one corpus serves all.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable

# From a checkout: the folder above this one is where the packages are.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_MISSING = "fuzz_lines: atheris is not installed; run: pip install atheris (replaying files works without it)"


def main(words: list[str]) -> int:
    """Replay the files that are named, or fuzz where none is."""
    files = [word for word in words if os.path.isfile(word)]
    if files:
        return _replay(files)
    try:
        import atheris
    except ImportError:
        print(_MISSING, file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["incidents", "guards"]):
        target = _target()
    atheris.Setup([sys.argv[0], *words], target)
    atheris.Fuzz()
    return 0


def _replay(files: list[str]) -> int:
    target = _target()
    for name in files:
        with open(name, "rb") as file:
            target(file.read())
        print(f"fuzz_lines: {name} is read without a crash", file=sys.stderr)
    return 0


def _target() -> Callable[[bytes], None]:
    """The readers, imported here so that they can be instrumented."""
    from guards.errors import BadUsage
    from incidents.access_logs import AccessLogFormat
    from incidents.display import clean
    from incidents.events import Event, Skip
    from incidents.forms import Origin, recognise, recognition  # noqa: F401  # all forms, instrumented
    from incidents.forms.ndjson import read_ndjson_line
    from incidents.meanings import load
    from incidents.messages import Line
    from incidents.reading import read_message
    from incidents.redact import shown

    throttling = load().throttling
    access_log = AccessLogFormat.parse("$context.requestId [$context.requestTime] $context.status")

    def line(data: bytes) -> None:
        text = data.decode("utf-8", "surrogateescape")
        said = read_message(text, access_log)
        assert all(0 < len(each) <= 128 for each in said.request_ids), said.request_ids

    def form(data: bytes) -> None:
        size, data = max(data[:1], default=0) + 1, data[1:]
        found = recognise(data[: 1 << 16], None)
        whole = _told(found.events([data], Origin("fuzz", None)))
        pieces = _told(found.events(_cut(data, size), Origin("fuzz", None)))
        assert whole == pieces, found.name

    def _told(each: Iterable[Event | Skip]) -> list[Event | Skip]:
        told = list(each)
        assert all(isinstance(one, Event | Skip) for one in told)
        return told

    def ndjson(data: bytes) -> None:
        read_ndjson_line(data, source="fuzz", place="fuzz:1", order=0)

    def view(data: bytes) -> None:
        from datetime import UTC, datetime

        text = data.decode("utf-8", "replace")
        event = Event(datetime(2026, 2, 9, tzinfo=UTC), text, None, None, None, "fuzz", "fuzz:1", 0)
        told = Line(event, read_message(text))
        throttling.said_by(told)
        for redact in (True, False):
            text = shown(told, redact=redact)
            assert text == clean(text), text

    def format_(data: bytes) -> None:
        head, _, rest = data.decode("utf-8", "replace").partition("\n")
        with contextlib.suppress(BadUsage):
            AccessLogFormat.parse(head[:200]).read(rest)

    readers = (line, form, ndjson, view, format_)

    def target(data: bytes) -> None:
        if data:
            readers[data[0] % len(readers)](data[1:])

    return target


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
