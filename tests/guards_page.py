"""The parts of docs/guards.md that the code can tell: ``python -m tests.guards_page`` writes them anew."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from unittest import mock

from guards import lines, names, records
from guards.records import About, Record
from guards.request import now_ms
from tests.guarded import REQUEST, SESSION, Context, http_event
from tests.guarded import records_in as records_of

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "guards.md"
DOLLARS_PER_GB: Final = 0.50
"""What a GB of logs is taken to cost."""

_ABOUT: Final = About("coaching-api", REQUEST, SESSION, "5759e988bd862e3fe1be46a994272793")
_START: Final = datetime(2026, 2, 9, 23, 48, 8, 688_000, UTC)
_TRACE: Final = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
_BLOCK: Final = re.compile(
    r"(<!-- ([a-z-]+): written by tests/guards_page\.py -->\n)(.*?)(<!-- end -->)", re.S
)


def examples() -> tuple[Record, ...]:
    """One record of each kind, of a request as it could have been on 2026-02-09."""

    def after(seconds: float) -> datetime:
        return _START + timedelta(seconds=seconds)

    return (
        records.request_start(
            _ABOUT._replace(session_id=None),  # nothing is bound yet
            at=_START,
            route="POST /coaching/message",
            received=after(-0.028),
            deadline=after(29.972),
            limit_by="gateway",
            cold_start=False,
        ),
        records.phase_start(
            _ABOUT, at=after(0.362), phase="extraction", phase_id=1, model="CLAUDE_3_5_HAIKU"
        ),
        records.phase_end(
            _ABOUT,
            at=after(22.262),
            phase="extraction",
            phase_id=1,
            start=after(0.362),
            duration=timedelta(seconds=21.9),
            outcome="ok",
            model="CLAUDE_3_5_HAIKU",
            facts={"input_tokens": 9214, "output_tokens": 611},
        ),
        records.request_past(
            _ABOUT, at=after(24.972), past="warning", elapsed=timedelta(seconds=25), open_phase=None
        ),
        records.request_end(
            _ABOUT,
            at=after(32.312),
            duration=timedelta(seconds=32.312),
            response_status=200,
            outcome="ok",
            client_gone=True,
        ),
    )


def record_blocks() -> str:
    """Each kind: what it says, by its function's docstring, and a line."""
    makers: tuple[Callable[..., Record], ...] = (
        records.request_start,
        records.phase_start,
        records.phase_end,
        records.request_past,
        records.request_end,
    )
    said = [(maker.__doc__ or "").splitlines()[0].replace("``", "`") for maker in makers]
    return "\n".join(
        f"**`{record[names.GUARD]}`** {what}\n\n```json\n{records.encode(record)}```\n"
        for what, record in zip(said, examples(), strict=True)
    )


ATTRIBUTES: Final = (
    (names.OTEL_METHOD, "request", "always"),
    (names.OTEL_ROUTE, "request", "always"),
    (names.OTEL_RESPONSE_STATUS, "request", "where an answer was given"),
    (names.OTEL_INVOCATION_ID, "request", "`faas`, in Lambda"),
    (names.OTEL_COLD_START, "request", "`faas`, in Lambda"),
    (names.OTEL_PHASE, "phase", "always"),
    (names.OTEL_REQUEST_MODEL, "phase", "`gen_ai`, where a model is named"),
    (names.OTEL_FACTS["input_tokens"], "phase", "`gen_ai`, where set; else `coaching.phase.input_tokens`"),
    (names.OTEL_FACTS["output_tokens"], "phase", "`gen_ai`, where set; else `coaching.phase.output_tokens`"),
    (f"{names.OTEL_PHASE}.<name>", "phase", "any other number that was set"),
    (names.OTEL_SESSION_ID, "request, phase", "once bound"),
    (names.OTEL_CONVERSATION_ID, "request, phase", "`gen_ai`, once bound"),
    (names.OTEL_ERROR_TYPE, "request, phase", "where it failed"),
)
"""Attribute, the span that has it, and when."""

INSTRUMENTS: Final = (
    (names.OTEL_PHASE_DURATION, "histogram, s", (names.OTEL_PHASE, names.OTEL_ERROR_TYPE)),
    (names.OTEL_REQUEST_DURATION, "histogram, s", (names.OTEL_ERROR_TYPE,)),
    (names.OTEL_REQUESTS_PAST, "counter", (names.OTEL_MARK,)),
)
"""Metric, its instrument and unit, and its attributes."""


def attribute_table() -> str:
    """The attributes of spans."""
    rows = (f"| `{name}` | {span} | {when} |" for name, span, when in ATTRIBUTES)
    return "\n".join(("| attribute | on the span of a | when |", "|---|---|---|", *rows, ""))


def instrument_table() -> str:
    """The metrics of OpenTelemetry."""
    rows = (f"| `{name}` | {sort} | {_code(*keys)} |" for name, sort, keys in INSTRUMENTS)
    return "\n".join(("| metric | instrument | attributes |", "|---|---|---|", *rows, ""))


def metric_table() -> str:
    """The metrics of CloudWatch, as the records declare them."""
    rows = (f"| `{name}` | {unit} | {_sets(sets)} |" for name, unit, sets in _declared())
    return "\n".join(("| metric | unit | dimension sets |", "|---|---|---|", *rows, ""))


def _declared() -> Iterator[tuple[str, str, list[list[str]]]]:
    past = [
        records.request_past(_ABOUT, at=_START, past=mark, elapsed=timedelta(), open_phase=None)
        for mark in names.REQUEST_PAST
    ]
    for record in (*examples()[2:3], *examples()[4:], *past):
        emf: Any = record[names.EMF]
        [declared] = emf["CloudWatchMetrics"]
        for metric in declared["Metrics"]:
            yield metric["Name"], metric["Unit"], declared["Dimensions"]


def _code(*words: str) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _sets(sets: list[list[str]]) -> str:
    return "; ".join(_code(*each) for each in sets)


def plain_handler() -> ModuleType:
    """The example, imported from its file."""
    path = ROOT / "examples" / "guarded" / "plain_handler.py"
    spec = importlib.util.spec_from_file_location("plain_handler", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def written(**environ: str) -> str:
    """The lines that the plain example writes for a last turn, two phases, behind an HTTP API."""
    turn = {"session_id": SESSION, "is_final": True, "conversation_s": 0.012, "extraction_s": 0.012}
    event = http_event(age_s=0.03, body=json.dumps(turn))
    output = io.StringIO()
    given = mock.patch.dict(os.environ, {"_X_AMZN_TRACE_ID": _TRACE, **environ})
    with given, contextlib.redirect_stdout(output):
        plain_handler().handler(event, Context())
    return output.getvalue()


def volumes() -> tuple[tuple[str, int, int], ...]:
    """What is written, in how many records and bytes."""
    about = lines.about_text(_ABOUT)
    marks = [lines.request_past(about, now_ms(), mark, 25_000.0, "extraction") for mark in names.REQUEST_PAST]
    return (
        ("a request of two phases", *_counted(written())),
        ("the same with `GUARD_START_RECORDS=0`", *_counted(written(GUARD_START_RECORDS="0"))),
        ("more, where it goes past all three marks", *_counted("".join(marks))),
    )


def _counted(text: str) -> tuple[int, int]:
    return len(records_of(text)), len(text)


def volume_table() -> str:
    """Bytes, and what a million requests of such cost at DOLLARS_PER_GB."""
    head = f"| written | records | bytes | a million requests, at {DOLLARS_PER_GB:.2f} $/GB |"
    rows = (
        f"| {what} | {count} | {size:,} | {size / 1000 * DOLLARS_PER_GB:.2f} $ |"
        for what, count, size in volumes()
    )
    return "\n".join((head, "|---|--:|--:|--:|", *rows, ""))


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    "records": record_blocks,
    "attributes": attribute_table,
    "instruments": instrument_table,
    "metrics": metric_table,
    "volume": volume_table,
}


def blocks_of(page: str) -> dict[str, str]:
    """The blocks that stand in a page, by name."""
    return {found[2]: found[3] for found in _BLOCK.finditer(page)}


def renewed(page: str) -> str:
    """The page with its blocks as the code tells them."""
    return _BLOCK.sub(lambda found: found[1] + BLOCKS[found[2]]() + found[4], page)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
