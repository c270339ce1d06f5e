"""The Chrome trace: processes, tracks and slices that a viewer can lay out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.report import Report
from incidents.timeline import Gateway, Phase
from incidents.views import Options
from incidents.views.perfetto import render
from tests.hostile import SECRETS, hostile
from tests.reports import THIRTY, at, finding, incident, report, request


def events(given: Report, ph: str) -> list[dict[str, Any]]:
    """The trace's events of one kind."""
    return [each for each in json.loads(render(given, Options()))["traceEvents"] if each["ph"] == ph]


def tracks(given: Report) -> dict[int, str]:
    """The name of each track."""
    return {e["tid"]: e["args"]["name"] for e in events(given, "M") if e["name"] == "thread_name"}


def slices(given: Report) -> list[tuple[str, str, int]]:
    """Track, name and milliseconds of each slice."""
    names = tracks(given)
    return [(names[e["tid"]], e["name"], e["dur"] // 1000) for e in events(given, "X")]


def test_client_and_server_have_a_track_each():
    """The client's 30 s stand above the server's 32.3 s, the phases and the gap below."""
    assert [
        ("client", "client: 503", 30000),
        ("client", "client: 400", 150),
        ("server", "POST /coaching/message", 32312),
        ("server", "POST /coaching/message", 150),
        ("phases", "unaccounted", 362),
        ("phases", "extraction", 21900),
        ("phases", "unaccounted", 10000),
    ] == slices(incident())


def test_times_are_microseconds_since_1970():
    """A slice stands where the incident was."""
    start = events(incident(), "X")[0]["ts"]

    assert datetime(2026, 2, 9, 23, 48, 8, 688000, UTC) == datetime.fromtimestamp(start / 1e6, UTC)


def test_streams_are_processes():
    """Two log streams are two processes, each named, and no track number stands in both."""
    given = report(request("a", log_stream="one"), request("b", log_stream="two", start=0.5))
    named = [e["args"]["name"] for e in events(given, "M") if e["name"] == "process_name"]

    assert ["/aws/lambda/coaching-api-4b4d001 one", "/aws/lambda/coaching-api-4b4d001 two"] == named
    assert [1, 1, 2, 2] == [e["pid"] for e in events(given, "X")]
    assert 4 == len({e["tid"] for e in events(given, "X")})


def test_phases_that_overlap_stand_on_tracks_of_their_own():
    """A viewer drops slices that overlap on one track without nesting, so none do."""
    times = {"a": (at(0), at(4)), "b": (at(2), at(6)), "c": (at(5), at(7))}
    work = tuple(Phase(name, start, end, "recorded", end) for name, (start, end) in times.items())
    found = [e for e in events(report(request(duration=8, phases=work)), "X") if e["name"] in "abc"]

    assert ["a", "c", "b"] == [e["name"] for e in found]
    assert 2 == len({e["tid"] for e in found})


def test_the_init_that_was_waited_for_comes_first():
    """The client waits from the init on; the server's track shows it before the request."""
    answer = Gateway("http", THIRTY, 200, timedelta(seconds=5), "inferred")
    cold = replace(request(gateway=answer), init_duration=timedelta(seconds=4), init_waited=True)

    assert [("client", "client: 200", 5000), ("server", "init", 4000)] == slices(report(cold))[:2]


def test_an_unknown_answer_is_not_invented():
    """Where nothing tells what the client got, the slice says so and runs to the last line."""
    silent = request(duration=None, last_seen=at(12), gateway=Gateway("http", THIRTY, None, None, "none"))
    client = events(report(silent), "X")[0]

    assert ("client: unknown", 12_000_000, True) == (
        client["name"], client["dur"], client["args"]["answer_not_seen"]
    )  # fmt: skip


def test_findings_and_milestones_are_instants():
    """What is wrong stands at its time, also a finding about no request."""
    told = replace(incident(), findings=(*incident().findings, finding("incomplete-data", request_id=None)))
    names = [e["name"] for e in events(told, "i")]

    assert ["extraction-triggered", "session-completed", "critical: outlived-gateway"] == names[:3]
    assert "critical: incomplete-data" in names


def test_a_clock_that_runs_backwards_gives_no_negative_slice():
    """No slice is shorter than nothing, however absurd the times."""
    far = replace(request(), start=datetime.max.replace(tzinfo=UTC), end=datetime.min.replace(tzinfo=UTC))

    assert [] == [e for e in events(report(far), "X") if e["dur"] < 0 or e["ts"] < 0]


@given(st.text())
def test_hostile_text_stays_text(text: str):
    """Whatever stands in any field, the trace is JSON, encodable and without control characters."""
    for redact in (True, False):
        rendered = render(hostile(text), Options(redact=redact))
        rendered.encode()

        assert [] == [each for each in rendered if each < " " and each != "\n"]
        assert {"M", "X", "i"} == {e["ph"] for e in json.loads(rendered)["traceEvents"]}


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves(secret: str):
    """An address, a token or a key is nowhere in the trace."""
    assert secret not in render(hostile(secret), Options())
