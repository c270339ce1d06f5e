"""Records as lines say exactly what the contract's functions say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from guards import lines, names, records
from guards.records import About

texts = st.text(max_size=40)
maybe = st.none() | texts
moments = st.integers(0, 4_000_000_000_000)
lengths = st.floats(0, 1e9, allow_nan=False)
abouts = st.builds(About, texts, maybe, maybe, maybe)
outcomes = st.sampled_from(["ok", "error"])


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def same(line: str, record: records.Record) -> None:
    """The same fields in the same order, with the same values."""
    assert line.endswith("\n") and line.count("\n") == 1 and line.isascii()
    assert list(record.items()) == list(json.loads(line).items())


@given(
    abouts, moments, maybe, moments, st.none() | moments, st.booleans(), st.none() | st.integers(-9999, -1)
)
def test_request_start_is_the_contracts(about, now, route, received, deadline, cold, skew):
    """A line filled in is the record built and encoded, whatever the values."""
    limit_by = None if deadline is None else "gateway"
    line = lines.request_start(lines.about_text(about), now, route, received, deadline, limit_by, cold, skew)
    expected = records.request_start(
        about,
        at=at(now),
        route=route,
        received=at(received),
        deadline=None if deadline is None else at(deadline),
        limit_by=limit_by,
        cold_start=cold,
        clock_skew_ms=skew,
    )

    same(line, expected)


@given(abouts, moments, texts, st.integers(1), st.none() | st.integers(1), maybe)
def test_phase_start_is_the_contracts(about, now, phase, number, parent, model):
    """A line filled in is the record built and encoded, whatever the values."""
    line = lines.phase_start(lines.about_text(about), lines.moment(now), phase, number, parent, model)

    same(
        line,
        records.phase_start(about, at=at(now), phase=phase, phase_id=number, parent_id=parent, model=model),
    )


facts = st.none() | st.dictionaries(st.sampled_from(names.PHASE_FACTS), st.integers(0, 10**9))


@given(abouts, moments, texts, st.integers(1), moments, lengths, outcomes, maybe, maybe, facts)
def test_phase_end_is_the_contracts(about, now, phase, number, start, length, outcome, error, model, learned):
    """A line filled in is the record built and encoded, whatever the values."""
    length = round(length, 1)
    line = lines.phase_end(
        lines.about_text(about),
        now,
        phase,
        number,
        lines.moment(start),
        length,
        outcome,
        error,
        model,
        learned,
    )
    expected = records.phase_end(
        about,
        at=at(now),
        phase=phase,
        phase_id=number,
        start=at(start),
        duration=timedelta(milliseconds=length),
        outcome=outcome,
        error_type=error,
        model=model,
        facts=learned,
    )

    same(line, expected)


@given(abouts, moments, st.sampled_from(["warning", "critical", "limit"]), lengths, maybe)
def test_request_past_is_the_contracts(about, now, mark, elapsed, phase):
    """A line filled in is the record built and encoded, whatever the values."""
    line = lines.request_past(lines.about_text(about), now, mark, elapsed, phase)
    elapsed = timedelta(milliseconds=elapsed)

    same(line, records.request_past(about, at=at(now), past=mark, elapsed=elapsed, open_phase=phase))


counts = st.integers(0, 10**6)


@given(
    abouts,
    moments,
    lengths,
    st.none() | st.integers(100, 599),
    outcomes,
    st.booleans(),
    counts,
    counts,
    maybe,
)
def test_request_end_is_the_contracts(
    about, now, length, status, outcome, gone, lost_records, lost_spans, error
):
    """A line filled in is the record built and encoded, whatever the values."""
    length = round(length, 1)
    line = lines.request_end(
        lines.about_text(about), now, length, status, outcome, gone, lost_records, lost_spans, error
    )
    expected = records.request_end(
        about,
        at=at(now),
        duration=timedelta(milliseconds=length),
        response_status=status,
        outcome=outcome,
        client_gone=gone,
        dropped_records=lost_records,
        dropped_spans=lost_spans,
        error_type=error,
    )

    same(line, expected)
