"""The record contract: what guards write is what incidents read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards import names, records
from guards.errors import GuardError, RecordTooLarge
from guards.records import About, Record

ABOUT = About(
    "coaching-api",
    "ae220969-d5df-4cdc-a767-70f9fa8624de",
    "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a",
    "5759e988bd862e3fe1be46a994272793",
)
AT = datetime(2026, 2, 9, 23, 48, 30, 950_000, tzinfo=UTC)
EPOCH_MS = 1_770_680_910_950
COMMON = {"level", "timestamp", "guard", "service", "request_id", "session_id", "trace_id"}


def started() -> Record:
    return records.request_start(
        ABOUT,
        at=AT,
        route="POST /coaching/message",
        received=AT,
        deadline=AT + timedelta(seconds=30),
        limit_by="gateway",
        cold_start=True,
    )


def phase_started(**changed: object) -> Record:
    return (
        records.phase_start(ABOUT, at=AT, phase="extraction", phase_id=3, model="CLAUDE_3_5_HAIKU") | changed
    )


def phase_ended() -> Record:
    return records.phase_end(
        ABOUT,
        at=AT,
        phase="extraction",
        phase_id=3,
        start=AT - timedelta(milliseconds=4012.3),
        duration=timedelta(milliseconds=4012.3),
        outcome="ok",
    )


def past(mark: names.Mark) -> Record:
    return records.request_past(
        ABOUT, at=AT, past=mark, elapsed=timedelta(seconds=25), open_phase="extraction"
    )


def ended() -> Record:
    return records.request_end(
        ABOUT,
        at=AT,
        duration=timedelta(milliseconds=32312),
        response_status=200,
        outcome="ok",
        client_gone=True,
    )


ALL = [started(), phase_started(), phase_ended(), past("warning"), past("critical"), past("limit"), ended()]
METRICS = [record for record in ALL if "_aws" in record]


@pytest.mark.parametrize(
    ("record", "kind", "own"),
    [
        (started(), "request.start/1", {"route", "received", "deadline", "limit_by", "cold_start"}),
        (phase_started(), "phase.start/1", {"phase", "phase_id", "parent_id", "model"}),
        (
            phase_ended(),
            "phase.end/1",
            {"phase", "phase_id", "start", "PhaseDuration", "outcome", "error_type", "_aws"},
        ),
        (
            past("warning"),
            "request.past/1",
            {"past", "elapsed_ms", "open_phase", "RequestPastWarning", "_aws"},
        ),
        (
            ended(),
            "request.end/1",
            {"RequestDuration", "response_status", "outcome", "client_gone", "dropped_records", "_aws"},
        ),
    ],
)
def test_record_has_the_fields_of_the_contract_and_no_other(record: Record, kind: str, own: set[str]) -> None:
    """Each kind of record has exactly the fields that the contract names for it."""
    assert kind == record["guard"]
    assert COMMON | own == set(record)


def test_written_phase_end_is_the_line_of_the_contract() -> None:
    """A phase's end says when it started, how long it took and how it ended, in the contract's units."""
    line = json.loads(records.encode(phase_ended()))

    assert (
        "2026-02-09T23:48:30.950Z",
        "2026-02-09T23:48:26.937Z",
        4012.3,
        "ok",
        "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a",
    ) == (line["timestamp"], line["start"], line["PhaseDuration"], line["outcome"], line["session_id"])


@pytest.mark.parametrize("record", METRICS, ids=lambda record: record["guard"])
def test_metric_record_is_embedded_metric_format(record: Record) -> None:
    """Every metric and every dimension that the metadata names stands in the record, stamped when written."""
    line = json.loads(records.encode(record))
    [directive] = line["_aws"]["CloudWatchMetrics"]
    [metric] = directive["Metrics"]

    assert EPOCH_MS == line["_aws"]["Timestamp"]
    assert "CoachingGuard" == directive["Namespace"]
    assert isinstance(line[metric["Name"]], int | float)
    assert all(isinstance(line[name], str) for dimensions in directive["Dimensions"] for name in dimensions)


def test_metrics_have_no_dimension_but_service_and_phase() -> None:
    """Dimensions are service, or service and phase: no ID ever makes a metric of its own."""
    directives = [record["_aws"]["CloudWatchMetrics"][0] for record in METRICS]  # type: ignore[index]
    found = {directive["Metrics"][0]["Name"]: directive["Dimensions"] for directive in directives}

    assert {
        "PhaseDuration": [["service"], ["service", "phase"]],
        "RequestPastWarning": [["service"]],
        "RequestPastCritical": [["service"]],
        "RequestPastLimit": [["service"]],
        "RequestDuration": [["service"]],
    } == found


@pytest.mark.parametrize(("mark", "level"), [("warning", "WARN"), ("critical", "ERROR"), ("limit", "ERROR")])
def test_past_record_counts_one_in_the_metric_of_its_mark(mark: names.Mark, level: str) -> None:
    """A request past a mark counts one in that mark's metric, at a level that Lambda's filter knows."""
    record = past(mark)

    assert 1 == record[names.REQUEST_PAST[mark]]
    assert (level, 25000, "extraction") == (record["level"], record["elapsed_ms"], record["open_phase"])


def test_failed_phase_is_an_error_line() -> None:
    """A phase that failed is logged at ERROR with the error's type."""
    record = records.phase_end(
        ABOUT,
        at=AT,
        phase="conversation",
        phase_id=1,
        start=AT,
        duration=timedelta(0),
        outcome="error",
        error_type="ThrottlingException",
    )

    assert ("ERROR", "error", "ThrottlingException") == (
        record["level"],
        record["outcome"],
        record["error_type"],
    )


def test_time_without_a_zone_is_refused() -> None:
    """A naive datetime would be read as local time and move a phase by hours."""
    with pytest.raises(GuardError, match=r"datetime\.now\(UTC\)"):
        records.rfc3339(datetime(2026, 2, 9, 23, 48))


def test_long_words_are_cut_so_that_the_line_fits() -> None:
    """A model name of 5,000 characters is cut to a line of 4 kB; IDs stay whole."""
    line = records.encode(phase_started(model="M" * 5000))
    read = json.loads(line)

    assert len(line.encode()) <= 4096
    assert "M" * 509 + "..." == read["model"]
    assert ABOUT.session_id == read["session_id"]


def test_line_that_just_fits_is_not_cut() -> None:
    """A line of exactly 4096 bytes, newline included, goes out as it is; one byte more does not."""
    room = 4096 - len(records.encode(phase_started(model="")))

    assert room == len(json.loads(records.encode(phase_started(model="M" * room)))["model"])
    assert 512 == len(json.loads(records.encode(phase_started(model="M" * (room + 1))))["model"])


def test_id_too_long_for_a_line_is_refused() -> None:
    """An ID is never cut, since that would name another session: the record is refused instead."""
    with pytest.raises(RecordTooLarge, match=r"phase\.start/1 record has \d+ bytes, 4096 are allowed"):
        records.encode(phase_started(session_id="s" * 5000))


@given(st.text(st.characters(exclude_categories=()), max_size=3000))
def test_any_text_makes_one_line_that_fits(text: str) -> None:
    """Newlines, separators, lone surrogates: whatever a model holds, a record is one short line."""
    line = records.encode(started() | {"route": text} | phase_started(model=text, phase=text))

    assert len(line.encode("ascii")) <= 4096
    assert [line] == line.splitlines(keepends=True)
    assert ("phase.start", 1) == records.record_kind(json.loads(line))


@pytest.mark.parametrize(
    ("guard", "kind"),
    [
        ("request.past/1", ("request.past", 1)),
        ("phase.end/2", ("phase.end", 2)),
        ("phase.end", None),
        ("phase.end/0", None),
        ("phase.end/1\n", None),
        ("phase.end/\u0661", None),
        ("phase.middle/1", None),
        (1, None),
        (["phase.end/1"], None),
        (None, None),
    ],
)
def test_only_our_own_kinds_are_recognised(guard: object, kind: tuple[str, int] | None) -> None:
    """A line is a record when it names one of our kinds and a version, whatever else it holds."""
    assert kind == records.record_kind({"guard": guard})
    assert records.record_kind({}) is None
