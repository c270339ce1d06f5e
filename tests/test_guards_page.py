"""docs/guards.md says what the code does."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

import guards
from guards import breaker, names, phase, request, writer
from tests import guards_page
from tests.guarded import SESSION, Context, http_event, of_kind, records_in
from tests.guards_page import ATTRIBUTES, INSTRUMENTS, PAGE, blocks_of, examples
from tests.otel import installed

TEXT = PAGE.read_text(encoding="utf-8")
MEASURED = "volume"
"""A block with figures that differ by a byte or two from run to run."""


def figures(block: str) -> list[float]:
    """The whole numbers of the table of volumes: records and bytes."""
    rows = re.findall(r"^\|.*\| (\d+) \| ([\d,]+) \|", block, re.M)
    return [float(number.replace(",", "")) for row in rows for number in row]


def test_every_block_stands_in_the_page() -> None:
    """None was lost in editing."""
    assert set(guards_page.BLOCKS) == set(blocks_of(TEXT))


@pytest.mark.parametrize("name", sorted(set(guards_page.BLOCKS) - {MEASURED}))
def test_block_is_what_the_code_says(name: str) -> None:
    """After a change: python -m tests.guards_page."""
    assert guards_page.BLOCKS[name]() == blocks_of(TEXT)[name]


def test_log_volume_is_as_measured() -> None:
    """The plain handler, run here, writes so many records and, to 1 %, so many bytes."""
    told, measured = figures(blocks_of(TEXT)[MEASURED]), figures(guards_page.volume_table())

    assert 6 == len(told)
    assert pytest.approx(measured, rel=0.01) == told


def test_a_record_of_each_kind_is_shown() -> None:
    """In the order in which they are written."""
    assert [f"{kind}/1" for kind in names.RECORD_KINDS] == [record["guard"] for record in examples()]


def test_every_public_name_is_explained() -> None:
    """What the package exports is what the page's first table lists."""
    listed = re.findall(r"^\| `(\w+)` \|", TEXT.partition("## The deadline")[0], re.M)

    assert set(guards.__all__) - {"__version__"} == set(listed)


def test_every_variable_is_explained() -> None:
    """A GUARD_* variable that the code reads has its row, and no other has."""
    sources = "".join(path.read_text("utf-8") for path in Path(guards.__file__).parent.glob("*.py"))
    [_, table] = TEXT.split("## Variables")
    listed = set(re.findall(r"^\| `(GUARD_\w+)`", table, re.M))

    assert set(re.findall(r"\bGUARD_[A-Z_]+", sources)) == listed


def test_the_bounds_are_the_codes_own() -> None:
    """The times that the page promises under faults."""
    faults = TEXT.partition("## When something fails")[2]

    assert f"at most {request.PATIENCE_S * 1000:.0f} ms" in faults
    assert f"waits {writer._DRAINING_MS} ms, once" in faults
    assert f"after {breaker.FIRST_S:.0f} s" in faults
    assert f"up to {breaker.LONGEST_S:.0f} s" in faults


@guards.guard_handler(service_name="coaching-api")
def handler(event: Any, context: Any) -> Any:
    guards.bind(session_id=SESSION)
    with phase("conversation", model="CLAUDE_SONNET_4_5") as p:
        p.set(input_tokens=812, output_tokens=77, attempts=2)
    with phase("extraction"):
        if event.get("fails"):
            raise ValueError("I feel stuck at work")
    return {"statusCode": 200}


def test_spans_have_the_attributes_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all conventions opted into, a request that succeeds and one that fails have each, and no other."""
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental,faas")
    otel = installed(monkeypatch)
    handler(http_event(), Context())
    with pytest.raises(ValueError):
        handler(http_event(fails=True), Context())
    otel.tracer_provider.force_flush(5_000)
    seen: dict[str, set[str]] = {"request": set(), "phase": set()}
    for span in otel.exporter.spans:
        seen["request" if span.parent is None else "phase"] |= set(span.attributes or {})

    assert {
        kind: {name.replace("<name>", "attempts") for name, spans, _ in ATTRIBUTES if kind in spans}
        for kind in seen
    } == seen


def test_metrics_have_the_attributes_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed request that passes its limit is in each instrument with each attribute."""
    otel = installed(monkeypatch)
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "50")

    @guards.guard_handler
    def late(event: Any, context: Any) -> None:
        with phase("conversation"):
            time.sleep(0.1)
            raise ValueError

    with pytest.raises(ValueError):
        late(http_event(), Context())
    seen = {
        name: {key for point in otel.points(name) for key in point.attributes} for name, _, _ in INSTRUMENTS
    }

    assert {name: set(attributes) for name, _, attributes in INSTRUMENTS} == seen


def test_the_examples_of_the_page_run() -> None:
    """The one for tests, as written."""
    [example] = [each for each in re.findall(r"```python\n(.*?)```", TEXT, re.S) if "capture_phases" in each]

    exec(compile(example, str(PAGE), "exec"), {})  # it is our own text


def test_what_the_table_of_volumes_counts_are_the_records_of_one_request() -> None:
    """With start records a start and an end for the request and its two phases, else the ends."""
    written = records_in(guards_page.written())
    kinds = ("request.start", "phase.start", "phase.end", "request.end")

    assert [1, 2, 2, 1] == [len(of_kind(written, kind)) for kind in kinds]
