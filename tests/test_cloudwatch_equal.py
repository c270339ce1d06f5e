"""The same events give the same answer, whether they are read from files or from live log groups."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents import demo
from incidents.files import FileSource
from incidents.trace import Query, trace
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store
from tests.live import from_live, told

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
        report = from_live(fake, query)

    assert told(expected) == told(report)
    assert (5, True) == (len(report.findings), report.timeline.complete)


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
        report = from_live(fake, Query(session_id=session, since=since, until=since + timedelta(hours=2)))

    assert told(expected) == told(report)
    assert expected.timeline.requests
