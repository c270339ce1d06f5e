"""The same events give the same answer, whether they are read from files or from live log groups."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from incidents import demo
from incidents.events import Event
from incidents.files import FileSource
from incidents.trace import Query, trace
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store
from tests.live import from_live, told
from tests.logs import GROUP, START, at, end, file_of, report, said, start

API = "/aws/apigateway/coaching"

REAL = Path(__file__).parent / "data" / "real"
TRUTH = json.loads((REAL / "near-miss.truth.json").read_text(encoding="utf-8"))
DAY = datetime(2026, 2, 9, tzinfo=UTC)
DEMO = {
    "in half an hour": (DAY.replace(hour=23, minute=40), DAY.replace(hour=23, minute=59)),
    "in a day": (DAY, DAY + timedelta(days=1)),
}


@pytest.mark.parametrize("window", DEMO.values(), ids=list(DEMO))
@pytest.mark.parametrize("page", [37, 10_000])
def test_the_incident_is_told_alike(window: tuple[datetime, datetime], page: int) -> None:
    """By either engine, in many pages or one: the same requests, findings and session."""
    store = Store()
    store.add_file(demo.logs())
    expected = trace([FileSource(str(demo.logs()))], Query(session_id=demo.SESSION_ID))
    query = Query(session_id=demo.SESSION_ID, since=window[0], until=window[1])
    with serving(store, Settings(scanned_per_page=page)) as fake:
        found = from_live(fake, query)

    assert told(expected) == told(found)
    assert (5, True) == (len(found.findings), found.timeline.complete)


def test_the_recorded_run_is_told_alike() -> None:
    """Real lines, split records and bodies with other sessions' IDs among them."""
    file = REAL / "near-miss.events.ndjson.gz"
    store = Store()
    store.add_file(file)
    session = TRUTH["completed"][0]["session_id"]
    expected = trace([FileSource(str(file))], Query(session_id=session))
    first = json.loads(gzip.decompress(file.read_bytes()).splitlines()[0])["timestamp"]
    since = datetime.fromtimestamp(first // 1000, UTC)
    with serving(store) as fake:
        found = from_live(fake, Query(session_id=session, since=since, until=since + timedelta(hours=2)))

    assert told(expected) == told(found)
    assert expected.timeline.requests


def busy(seed: int) -> list[Event]:
    """Fifty sessions at once on ten environments, with decoys, ties, and a gateway that logs some of them."""
    dice = random.Random(seed)
    rows: list[tuple[float, str, str, str]] = []
    free = {f"2026/02/09/[$LATEST]{number:032x}": 0.0 for number in range(10)}
    for number in range(150):
        stream = min(free, key=lambda name: free[name])
        begin, took = free[stream] + dice.random(), dice.choice([0.4, 2, 26, 28.5, 31, 33])
        session, request = session_of(number % 50), f"{number:08x}-1111-4222-8333-444444444444"
        rows += [(when, GROUP, stream, text) for when, text in turn(dice, begin, took, request, session)]
        rows += [(when, API, "gateway-stream", text) for when, text in answers(dice, begin, took, request)]
        free[stream] = begin + took + 0.01
    rows.sort(key=lambda row: row[0])
    return [
        Event(at(when), text, group, stream, f"{number:056d}", "a", f"a:{number}", number)
        for number, (when, group, stream, text) in enumerate(rows)
    ]


def turn(
    dice: random.Random, begin: float, took: float, request: str, session: str
) -> list[tuple[float, str]]:
    other = session_of(dice.randrange(50))
    middle = [
        (begin + 0.1, said("coaching_sessions.send_message", session)),
        (begin + 0.1, "a body with " + json.dumps({"session_id": {"S": other}})),
        (begin + 0.1, "\n"),
        (begin + took * 0.8, said("coaching_service.session_completed", session)),
    ]
    if dice.random() < 0.2:
        middle = [(begin + 0.1, said("send_message.not_active", session, current_status="completed"))]
    return [
        (begin, start(request)),
        *middle,
        (begin + took, end(request)),
        (begin + took, report(request, took * 1000)),
    ]


def answers(dice: random.Random, begin: float, took: float, request: str) -> list[tuple[float, str]]:
    """A line of the access log: without Lambda's ID where the gateway gave up, or nothing at all."""
    if dice.random() < 0.3:
        return []
    gave_up = took > 30
    latency = 30_010 if gave_up else round(took * 1000) + 12
    line = {
        "requestId": f"gw-{request}",
        "requestTimeEpoch": round((at(begin).timestamp() - 0.012) * 1000),
        "status": "503" if gave_up else "200",
        "responseLatency": str(latency),
        "integrationRequestId": "-" if gave_up else request,
        "routeKey": "$default",
        "path": "/coaching/message",
        "httpMethod": "POST",
        "integrationErrorMessage": f"RequestId: {request} Error: quoted" if gave_up else "-",
    }
    return [(begin + latency / 1000, json.dumps(line))]


def session_of(number: int) -> str:
    return f"sess_{number:08x}-6bca-4ed9-9acc-1f99d849065a"


@pytest.fixture(scope="module", params=[1, 2])
def corpus(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Store]:
    made = busy(request.param)
    store = Store()
    store.add_events(made)
    return file_of(tmp_path_factory.mktemp("busy"), made), store


@pytest.mark.parametrize("hours", [0.4, 2])
def test_fifty_sessions_at_once_are_told_alike(corpus: tuple[Path, Store], hours: float) -> None:
    """Each session's requests, what the gateway said of them and what it could not say, by either engine."""
    path, store = corpus
    until = at(hours * 3600)
    seen: set[str] = set()
    with serving(store, Settings(scanned_per_page=400)) as fake:
        for number in (0, 7, 23, 49):
            expected = trace([FileSource(str(path))], Query(session_id=session_of(number)))
            found = from_live(fake, Query(session_id=session_of(number), since=START, until=until))

            assert told(expected) == told(found)
            seen |= {each.gateway.basis for each in found.timeline.requests if each.gateway.lines}

    assert {"observed"} <= seen


def test_a_gateways_request_id_leads_to_lambdas(corpus: tuple[Path, Store]) -> None:
    """The gateway's line names Lambda's request, whose lines are then read."""
    path, store = corpus
    wanted = next(
        json.loads(event.message)["requestId"]
        for event in store.group(API).events
        if json.loads(event.message)["integrationRequestId"] != "-"
    )
    expected = trace([FileSource(str(path))], Query(request_id=wanted))
    with serving(store) as fake:
        found = from_live(fake, Query(request_id=wanted, since=START, until=at(3600)))

    assert told(expected) == told(found)
    assert 1 == len(found.timeline.requests)


def test_a_gateway_that_quotes_lambda_is_read_closely(corpus: tuple[Path, Store]) -> None:
    """Its lines hold Lambda's words after a timeout; all of its traffic is not read for that."""
    _, store = corpus
    lines = [json.loads(event.message) for event in store.group(API).events]
    wanted = next(
        line["integrationRequestId"]
        for line, after in pairwise(lines)
        if line["integrationRequestId"] != "-" and after["status"] == "503"
    )
    with serving(store) as fake:
        from_live(fake, Query(request_id=wanted, since=START, until=at(3600)))
        reads = [asked for operation, asked in fake.calls if operation == "FilterLogEvents"]

    whole = [asked for asked in reads if asked["logGroupName"] == API and "logStreamNames" in asked]
    assert whole
    assert max(asked["endTime"] - asked["startTime"] for asked in whole) <= 2 * 60_000
