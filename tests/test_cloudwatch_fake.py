"""The fake of CloudWatch Logs is as strict as the service: what passes here is not passed by accident."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import Fake, serving
from tests.cloudwatch_logs.store import Store
from tests.logs import GROUP, OTHER_SESSION, OTHER_STREAM, SESSION, START, events, report, said, start

ROOT = Path(__file__).resolve().parent.parent
MS = round(START.timestamp() * 1000)
SECOND = MS // 1000
ROWS = [
    (0.0, start()),
    (1.0, said("coaching_service.send_message")),
    (1.0, "a tie"),
    (1.0, "another tie"),
    (2.0, said("coaching_service.send_message", OTHER_SESSION)),
    (3.0, report(ms=26_000)),
]


def store(*, copies: int = 1) -> Store:
    held = Store()
    for number in range(copies):
        held.add_events(events(*ROWS, ids=[f"{number:030d}{index:026d}" for index in range(len(ROWS))]))
    held.add_events(events((1.5, "elsewhere"), stream=OTHER_STREAM, ids=["9" * 56]))
    return held


def client(fake: Fake) -> Any:
    return boto3.client(
        "logs",
        region_name="us-east-1",
        endpoint_url=fake.url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=5),
    )


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving(store()) as running:
        yield running


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


def query(fake: Fake, text: str, start: int = SECOND, end: int = SECOND + 10) -> list[dict[str, str]]:
    logs = client(fake)
    query_id = logs.start_query(logGroupNames=[GROUP], startTime=start, endTime=end, queryString=text)[
        "queryId"
    ]
    while (answer := logs.get_query_results(queryId=query_id))["status"] != "Complete":
        pass
    return [{each["field"]: each["value"] for each in row} for row in answer["results"]]


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (f'"{SESSION}"', 1),
        ("tie -another", 1),
        ('?START ?"REPORT RequestId"', 2),
        ("nowhere", 0),
        ("", 7),
    ],
)
def test_filter_pattern_lets_through_what_it_names_and_nothing_else(
    fake: Fake, pattern: str, count: int
) -> None:
    """Decoys of another session and stream stay behind."""
    found = client(fake).filter_log_events(logGroupName=GROUP, filterPattern=pattern)["events"]

    assert count == len(found)


def test_filter_pages_may_be_empty_and_lead_on() -> None:
    """A page holds what matched among the events looked at, perhaps nothing, with a token for the next."""
    with serving(store(), Settings(scanned_per_page=1)) as fake:
        logs, sizes, token = client(fake), [], {}
        while True:
            page = logs.filter_log_events(logGroupName=GROUP, filterPattern=f'"{SESSION}"', **token)
            sizes.append(len(page["events"]))
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}

    assert [0, 1, 0, 0, 0, 0, 0] == sizes


def test_filter_refuses_what_the_service_refuses(fake: Fake) -> None:
    """A group or stream that is none, a pattern that does not parse, another read's token, bounds."""
    call = client(fake).filter_log_events

    assert "ResourceNotFoundException" == refusal(call, logGroupName="/aws/lambda/none")
    assert "ResourceNotFoundException" == refusal(call, logGroupName=GROUP, logStreamNames=["none"])
    assert "InvalidParameterException" == refusal(call, logGroupName=GROUP, filterPattern="a:b")
    assert "InvalidParameterException" == refusal(call, logGroupName=GROUP, nextToken="x")
    assert "InvalidParameterException" == refusal(call, logGroupName=GROUP, limit=10_001)
    assert "InvalidParameterException" == refusal(call, logGroupName="a group")
    assert "InvalidParameterException" == refusal(call)


def test_get_log_events_ends_when_the_token_stays() -> None:
    """The events of one stream before the end of the range, and a token that repeats at the end."""
    with serving(store()) as fake:
        logs = client(fake)
        asked = {"logGroupName": GROUP, "logStreamName": OTHER_STREAM, "startFromHead": True}
        first = logs.get_log_events(**asked)
        again = logs.get_log_events(**asked, nextToken=first["nextForwardToken"])

        assert ["elsewhere"] == [each["message"] for each in first["events"]]
        assert ([], first["nextForwardToken"]) == (again["events"], again["nextForwardToken"])
        assert [] == logs.get_log_events(**asked, endTime=MS + 1500)["events"]


def test_query_finds_times_and_streams(fake: Fake) -> None:
    """Rows have the fields that were asked for and @ptr, newest first unless sorted."""
    text = f'fields @timestamp, @logStream | filter @message like "{SESSION}"'
    [row] = query(fake, text)

    assert {"@timestamp", "@logStream", "@ptr"} == set(row)
    assert "2026-02-09 23:48:01.000" == row["@timestamp"]


def test_query_gives_ties_in_no_order(fake: Fake) -> None:
    """Three events of one millisecond come in several orders, so that nobody can rely on one."""
    text = 'fields @message | filter @timestamp like "01.000" | sort @timestamp asc'
    orders = {tuple(row["@message"] for row in query(fake, text)) for _ in range(20)}

    assert len(orders) > 1
    assert 1 == len({frozenset(order) for order in orders})


def test_query_knows_lambdas_reports(fake: Fake) -> None:
    """@type and @duration come from the REPORT line, so that slow requests can be asked for."""
    assert 1 == len(query(fake, 'fields @duration | filter @type = "REPORT" and @duration >= 25000'))
    assert [] == query(fake, 'fields @duration | filter @type = "REPORT" and @duration >= 26001')


def test_query_counts_by_minute(fake: Fake) -> None:
    """stats count(*) by bin() gives one row a minute."""
    [row] = query(fake, 'filter @type = "START" | stats count(*) as requests by bin(1m)')

    assert {"bin(1m)": "2026-02-09 23:48:00.000", "requests": "1"} == row


@pytest.mark.parametrize(
    "text",
    [
        "fields @message | dedup @logStream",
        'filter @message like "a" or',
        "filter @message like /a/",
        "fields @message | estimate | limit 3",
        "fields @message || limit 3",
        "limit 0",
        'filter @message ~= "a"',
        "stats avg(@duration) by @logStream",
    ],
)
def test_query_that_is_not_understood_is_refused(fake: Fake, text: str) -> None:
    """Every word of a query must be known: an unknown one cannot be ignored."""
    asked = {"logGroupNames": [GROUP], "startTime": SECOND, "endTime": SECOND + 1, "queryString": text}

    assert "MalformedQueryException" == refusal(client(fake).start_query, **asked)


def test_query_takes_whole_seconds_and_fifty_groups_at_most(fake: Fake) -> None:
    """Times are inclusive seconds; a range that ends before it begins and 51 groups are refused."""
    call = client(fake).start_query
    text = {"queryString": "fields @message"}

    assert 1 == len(query(fake, "fields @message", SECOND, SECOND))
    asked = {"logGroupNames": [GROUP], "startTime": SECOND + 1, "endTime": SECOND, **text}
    assert "InvalidParameterException" == refusal(call, **asked)
    asked = {"logGroupNames": [f"g{n}" for n in range(51)], "startTime": 0, "endTime": 1, **text}
    assert "InvalidParameterException" == refusal(call, **asked)


def test_running_query_gives_partial_results() -> None:
    """While it runs, half of the rows; when it is complete, all, in pages."""
    with serving(store(copies=3), Settings(statuses=("Running", "Complete"), rows_per_page=10)) as fake:
        logs = client(fake)
        asked = {"startTime": SECOND, "endTime": SECOND + 10, "queryString": "fields @message"}
        query_id = logs.start_query(logGroupNames=[GROUP], **asked)["queryId"]
        partial, whole = (logs.get_query_results(queryId=query_id) for _ in range(2))
        rest = logs.get_query_results(queryId=query_id, nextToken=whole["nextToken"])

    assert ("Running", 9) == (partial["status"], len(partial["results"]))
    assert ("Complete", 10, 9) == (whole["status"], len(whole["results"]), len(rest["results"]))


def test_estimate_scans_nothing(fake: Fake) -> None:
    """It tells the bytes that the query would scan, and none are charged."""
    text = f'fields @timestamp | filter @message like "{SESSION}"'
    [row] = query(fake, f"{text} | estimate")
    charged = fake.logs.scanned
    query(fake, text)

    assert 0 == charged
    assert int(row["estimatedBytesScanned"]) == fake.logs.scanned


def test_query_that_ended_cannot_be_stopped(fake: Fake) -> None:
    """StopQuery works once, on a query that runs."""
    logs = client(fake)
    asked = {"startTime": SECOND, "endTime": SECOND + 10, "queryString": "fields @message"}
    query_id = logs.start_query(logGroupNames=[GROUP], **asked)["queryId"]

    assert logs.stop_query(queryId=query_id)["success"]
    assert "InvalidParameterException" == refusal(logs.stop_query, queryId=query_id)
    assert "Cancelled" == logs.get_query_results(queryId=query_id)["status"]


def test_limits_are_kept_when_switched_on() -> None:
    """The sixth FilterLogEvents of one second is throttled; too many queries at once are refused."""
    held = store()
    held.now_ms = lambda: MS + 60_000
    with serving(held, Settings(rates={"FilterLogEvents": 5}, most_queries=1)) as fake:
        logs = client(fake)
        for _ in range(5):
            logs.filter_log_events(logGroupName=GROUP)
        asked = {"startTime": SECOND, "endTime": SECOND + 10, "queryString": "fields @message"}
        logs.start_query(logGroupNames=[GROUP], **asked)

        assert "ThrottlingException" == refusal(logs.filter_log_events, logGroupName=GROUP)
        assert "LimitExceededException" == refusal(logs.start_query, logGroupNames=[GROUP], **asked)


def test_event_is_seen_when_it_has_been_ingested() -> None:
    """Three seconds after it happened, and not before."""
    held = store()
    held.now_ms = lambda: MS + 3_000
    with serving(held) as fake:
        seen = client(fake).filter_log_events(logGroupName=GROUP)["events"]

    assert [start()] == [each["message"] for each in seen]


def test_the_fake_can_be_tried_by_hand() -> None:
    """`python3 run.py fake-aws` serves the demo, and each command that it prints works."""
    command = [sys.executable, "-m", "tests.cloudwatch_logs", "0"]
    fake = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert fake.stdout
        lines = [fake.stdout.readline() for _ in range(7)]
        keys = dict(word.split("=", 1) for word in lines[2].split()[1:])
        for line in lines[3:]:
            words = shlex.split(line)[1:]
            done = subprocess.run(
                [sys.executable, "-c", "from cli import main; main()", *words],
                capture_output=True,
                text=True,
                timeout=60,
                env={**os.environ, **keys},
                cwd=ROOT,
            )
            assert 0 == done.returncode, done.stderr
            assert "sess_58a0ffa3" in done.stdout
    finally:
        fake.terminate()
        fake.wait(10)
