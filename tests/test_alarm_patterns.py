"""The metric filters match the real lines that they are for, and no others."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from alarms import access_log
from alarms.filter_patterns import matches
from alarms.log_alarms import outlived_json_pattern, outlived_pattern, path_pattern, refused_pattern
from alarms.queries import call_durations
from incidents import demo
from incidents.access_logs import AccessLogFormat

REAL = Path(__file__).parent / "data" / "real" / "near-miss.events.ndjson.gz"


def messages(text: bytes) -> list[str]:
    return [json.loads(line)["message"] for line in text.decode().splitlines()]


DEMO = messages(Path(demo.logs()).read_bytes())
NEAR_MISS = messages(gzip.decompress(REAL.read_bytes()))

OUTLIVED = "REPORT RequestId: ae220969-d5df-4cdc-a767-70f9fa8624de\tDuration: 32312.00 ms"


def test_the_request_that_outlived_the_gateway_is_counted_once():
    """Of the incident's 3,043 events the filter counts the one REPORT over 30 s."""
    [found] = [message for message in DEMO if matches(outlived_pattern(30_000), message)]

    assert found.startswith(OUTLIVED)


def test_a_request_that_only_came_near_the_limit_is_not_counted():
    """In the recorded run the slowest request took 26.4 s: none over 30 s, one over 26 s."""
    counts = [sum(matches(outlived_pattern(limit), each) for each in NEAR_MISS) for limit in (30_000, 26_000)]

    assert [0, 1] == counts


@pytest.mark.parametrize(
    "rest", ["", "\nXRAY TraceId: 1-2\tSegmentId: 3\tSampled: true", "\tStatus: timeout"]
)
def test_whatever_follows_the_duration_is_counted_all_the_same(rest):
    """A REPORT of a timeout, or with X-Ray on a second line, counts like any other."""
    line = f"{OUTLIVED}\tBilled Duration: 32312 ms\tMemory Size: 1024 MB\tMax Memory Used: 184 MB\t{rest}"

    assert matches(outlived_pattern(30_000), line)


def test_the_limit_itself_is_not_over_the_limit():
    """Of 30,000.00 and 30,000.01 ms, only the second outlived the gateway."""
    lines = [
        f"REPORT RequestId: r\tDuration: {took} ms\tBilled Duration: 1 ms"
        for took in ("30000.00", "30000.01")
    ]

    assert [False, True] == [matches(outlived_pattern(30_000), line) for line in lines]


def test_a_function_that_logs_as_json_is_counted_too():
    """platform.report over the limit counts, platform.runtimeDone and a shorter one do not."""
    events = [
        json.dumps({"type": kind, "record": {"metrics": {"durationMs": took}}})
        for kind, took in (
            ("platform.report", 32312.0),
            ("platform.report", 29000.0),
            ("platform.runtimeDone", 32312.0),
        )
    ]

    assert [True, False, False] == [matches(outlived_json_pattern(30_000), each) for each in events]


def test_a_refusal_in_colours_is_counted_once():
    """The refused retry of the incident stands on one line, its error code glued to ANSI codes."""
    [found] = [message for message in DEMO if matches(refused_pattern(), message)]

    assert "\x1b[35mSESSION_NOT_ACTIVE\x1b[0m" in found


def test_no_refusal_is_counted_in_a_run_without_one():
    """The recorded run refused nobody."""
    assert not any(matches(refused_pattern(), message) for message in NEAR_MISS)


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_the_path_filter_reads_our_access_log(kind):
    """A 503 on the message path counts; a 400 there and a 503 elsewhere do not."""
    answers = (("/dev/coaching/message", 503), ("/coaching/message", 400), ("/coaching/start", 503))
    lines = [access_log_line(access_log.FORMATS[kind], path, status) for path, status in answers]

    assert [True, False, False] == [matches(path_pattern("/coaching/message"), line) for line in lines]


def test_the_path_filter_reads_a_status_in_quotes():
    """AWS's own examples of formats have the status as a text."""
    line = '{"path":"/coaching/message","status":"503"}'

    assert matches(path_pattern("/coaching/message"), line)


@pytest.mark.parametrize("kind", ["http", "rest"])
def test_guard_trace_reads_our_access_log(kind):
    """The format to paste gives guard trace the status, both request IDs and the gateway's own words."""
    text = access_log.FORMATS[kind]
    line = AccessLogFormat.parse(text).read(access_log_line(text, "/coaching/message", 503))

    assert line is not None
    assert (503, "the-lambda-request") == (line.fields["status"], line.fields["integration.requestId"])
    assert "Endpoint request timed out" == line.fields["integrationErrorMessage"]


def test_the_dashboards_query_reads_the_durations_of_calls():
    """The expression in the Insights query finds the 21,900 ms between the ANSI codes."""
    [expression] = re.findall(r"parse @message /(.+)/", call_durations())
    expression = expression.replace("(?<", "(?P<")
    took = [re.search(expression, message) for message in DEMO if "llm_call_completed" in message]

    assert "21900" in [found["took_ms"] for found in took if found]
    assert None not in took


def access_log_line(text: str, path: str, status: int) -> str:
    """What API Gateway writes with a format: unset variables print a dash."""
    known = {
        "path": path,
        "status": status,
        "httpMethod": "POST",
        "integration.requestId": "the-lambda-request",
        "integrationErrorMessage": "Endpoint request timed out",
        "integration.error": "Endpoint request timed out",
    }
    return re.sub(r"\$context\.([\w.]+)", lambda found: str(known.get(found[1], "-")), text)
