"""The same events give the same answer, whatever form they were saved in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from incidents import demo
from incidents.files import FileSource
from incidents.trace import Query, trace
from incidents.views import Options, view
from tests.forms_data import FULL_FORMS, Logged, Writer, export, filter_json, ndjson, sam, tail

REAL = Path(__file__).parent / "data" / "real"
TRUTH = json.loads((REAL / "near-miss.truth.json").read_text(encoding="utf-8"))


def logged(lines: bytes) -> list[Logged]:
    """The events of NDJSON. Some tools cut off white space at the end of a message: here it is gone."""
    found = map(json.loads, lines.splitlines())
    return [Logged(each["logStream"], each["timestamp"], each["message"].rstrip()) for each in found]


@pytest.fixture(scope="module")
def incident() -> list[Logged]:
    """The demo, in the two minutes of the incident."""
    begin, end = 1770680880000, 1770680940000
    return [each for each in logged(demo.logs().read_bytes()) if begin <= each.ms < end]


@pytest.fixture(scope="module")
def recorded() -> list[Logged]:
    """The recorded run."""
    return logged(gzip.decompress((REAL / "near-miss.events.ndjson.gz").read_bytes()))


def answer(folder: Path, writer: Writer, events: list[Logged], session: str) -> dict[str, Any]:
    """What is told of the events saved in a form, but for where they were saved and their log group."""
    paths = list(_written(folder, writer, events))
    report = trace([FileSource(str(path)) for path in paths], Query(session_id=session))
    told = json.loads(view("json")(report, Options()))
    return {
        part: _without(told[part], {"log_group", "source"}) for part in ("requests", "findings", "session")
    }


def _written(folder: Path, writer: Writer, events: list[Logged]) -> Iterator[Path]:
    for number, saved in enumerate(writer(events)):
        path = folder / (saved.path or f"{number}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(saved.data)
        yield path


def _without(value: Any, keys: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, keys) for key, each in value.items() if key not in keys}
    return [_without(each, keys) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("writer", FULL_FORMS, ids=lambda writer: writer.__name__)
def test_every_form_tells_the_incident_alike(tmp_path, incident, writer):
    """The same requests, findings and session, from every form that carries stream and millisecond time."""
    expected = answer(tmp_path / "ndjson", ndjson, incident, demo.SESSION_ID)

    assert expected == answer(tmp_path / "form", writer, incident, demo.SESSION_ID)
    assert 5 == len(expected["findings"])


@pytest.mark.parametrize("writer", [filter_json, tail, export, sam], ids=lambda writer: writer.__name__)
def test_the_recorded_run_is_told_alike(tmp_path, recorded, writer):
    """Real lines, split records and request bodies among them, do not depend on the form either."""
    session = TRUTH["completed"][0]["session_id"]
    expected = answer(tmp_path / "ndjson", ndjson, recorded, session)

    assert expected == answer(tmp_path / "form", writer, recorded, session)
    assert expected["requests"]


def test_two_forms_at_once_tell_no_more_than_one(tmp_path, incident):
    """The same events saved twice are the same events."""
    both = [*_written(tmp_path / "a", ndjson, incident), *_written(tmp_path / "b", tail, incident)]
    report = trace([FileSource(str(path)) for path in both], Query(session_id=demo.SESSION_ID))
    alone = trace([FileSource(str(both[0]))], Query(session_id=demo.SESSION_ID))

    assert [(r.request_id, len(r.lines)) for r in alone.timeline.requests] == [
        (r.request_id, len(r.lines)) for r in report.timeline.requests
    ]
    assert [each.rule for each in alone.findings] == [each.rule for each in report.findings]
