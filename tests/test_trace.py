"""One question to several sources: which requests are chosen, and what is said where there is none."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from guards.errors import NothingMatched, NothingMatchedYet, SourceFailed
from incidents import demo
from incidents.files import FileSource
from incidents.report import Report
from incidents.trace import Query, trace
from tests.forms_data import Logged, Saved, csv_events, csv_query, results_json
from tests.logs import OTHER_SESSION, SESSION, A, B, Held, answer, end, events, file_of, report, said, start

GATEWAY_ID = "99999999-1111-4222-8333-444444444444"


def gateway_line(**more: object) -> str:
    """A gateway's access log line about a request that began at the start."""
    known = {"requestId": GATEWAY_ID, "httpMethod": "POST", "path": "/coaching/message", "status": "503"}
    return json.dumps(known | {"responseLatency": "30001"} | more)


SLOW = ((0, start()), (1, said("coaching_service.send_message")), (32, end()), (32, report(ms=32_000)))


def asked_by_request(request_id: str, *held: Held) -> Report:
    return trace(held, Query(request_id=request_id))


def results_without_streams(rows: Sequence[Logged]) -> list[Saved]:
    """The rows of a query that names a time and a message only."""
    [whole] = results_json(rows)
    document = json.loads(whole.data)
    kept = [[cell for cell in row if cell["field"] != "@logStream"] for row in document["results"]]
    return [Saved(json.dumps(document | {"results": kept}).encode())]


def ids(of: Report) -> list[str]:
    return [request.request_id for request in of.timeline.requests]


def test_a_request_is_found_by_its_lambda_id():
    """Whatever session its lines name, and no other request with it."""
    rows = (*SLOW, (40, start(B)), (41, said("coaching_service.send_message")), (42, end(B)))

    assert [A] == ids(asked_by_request(A, Held(events(*rows))))


def test_a_request_is_found_by_the_applications_own_id():
    """An X-Request-ID that a line of it carries."""
    rows = (SLOW[0], (1, said("Request started", request_id=GATEWAY_ID)), *SLOW[2:])

    assert [A] == ids(asked_by_request(GATEWAY_ID, Held(events(*rows))))


def test_a_request_is_found_by_the_gateways_id():
    """Where the gateway's log says which Lambda request it stands for."""
    gateway = Held(
        events((30, gateway_line(**{"integration.requestId": A})), stream="gw", source="gw.ndjson"),
        "gw.ndjson",
    )
    found = asked_by_request(GATEWAY_ID, Held(events(*SLOW)), gateway)

    assert [A] == ids(found)
    assert [(503, "observed")] == [
        (r.gateway.client_status, r.gateway.basis) for r in found.timeline.requests
    ]


def test_a_gateways_id_without_lambdas_says_what_the_log_lacks():
    """The line was seen: that is more than no match."""
    gateway = Held(events((30, gateway_line()), stream="gw", source="gw.ndjson"), "gw.ndjson")

    with pytest.raises(NothingMatched, match=r"a gateway logged it.*\$context\.integration\.requestId"):
        asked_by_request(GATEWAY_ID, Held(events(*SLOW)), gateway)


def test_a_request_that_only_quotes_the_session_is_not_chosen():
    """Membership is what the line says, not what it contains."""
    rows = (*SLOW, (40, start(B)), (41, f'b\'{{"Item": "{SESSION}"}}\''), (42, end(B)), (42, report(B)))

    assert [A] == ids(answer(*rows))


def test_the_halves_of_a_stream_in_two_sources_are_one_request():
    """START in one file, END and REPORT in the other: nothing is missing."""
    rows = (*SLOW[:2], (2, "in the middle"), *SLOW[2:])
    halves = Held(events(*rows[:2])), Held(events(*rows[2:], source="b.ndjson"), "b.ndjson")
    [request] = trace(halves, Query(session_id=SESSION)).timeline.requests

    assert 32.0 == request.duration.total_seconds()
    assert 5 == len(request.lines)


def test_a_line_that_two_requests_share_is_used_once():
    """A gateway's answer about an ID that ran twice: used + other is what was parsed."""
    again = [(at + 60, text) for at, text in SLOW]
    gateway = Held(
        events((30, gateway_line(**{"integration.requestId": A})), stream="gw", source="gw.ndjson"),
        "gw.ndjson",
    )
    counts = trace([Held(events(*SLOW, *again)), gateway], Query(session_id=SESSION)).sources

    assert [(8, 0), (1, 0)] == [(count.used, count.other) for count in counts]


def test_an_init_far_before_a_request_is_not_part_of_it():
    """An environment that was kept ready began an hour before: the request's lines begin at START."""
    rows = ((-3600, "INIT_START Runtime Version: python:3.11.v1"), *SLOW)
    [request] = answer(*rows).timeline.requests

    assert [text for _, text in SLOW] == [line.event.message for line in request.lines]


# --- no answer --------------------------------------------------------------------------------------


def test_no_match_names_what_was_searched_and_the_nearest_id():
    """A typing error at the end of an ID is seen at once."""
    with pytest.raises(NothingMatched) as caught:
        answer(*SLOW, session=SESSION[:-1] + "0")

    assert f"nearest seen: {SESSION}; searched a.ndjson" in str(caught.value)
    assert 3 == caught.value.exit_code


@pytest.mark.parametrize("asked", ["58a0ffa3", "session-1", "SESS_58A0", "7"])
def test_an_id_of_another_shape_is_answered_with_those_there_are(asked):
    """It is not said that no session was seen where one was."""
    rows = (*SLOW, (40, said("coaching_service.send_message", OTHER_SESSION)))

    with pytest.raises(NothingMatched, match="nearest seen: sess_"):
        answer(*rows, session=asked)


@pytest.mark.parametrize("writer", [csv_query, csv_events, results_without_streams])
def test_lines_that_name_no_stream_are_told(tmp_path, writer):
    """Their ID is not its own nearest match: how many lines hold it, and how to save them."""
    incident = [json.loads(line) for line in demo.logs().read_text("utf-8").splitlines()]
    logged = [Logged(each["logStream"], each["timestamp"], each["message"]) for each in incident]
    path = tmp_path / "saved"
    path.write_bytes(writer(logged)[0].data)

    with pytest.raises(NothingMatched, match=r"\d\d line\(s\) are of it, but name no stream") as caught:
        trace([FileSource(str(path))], Query(session_id=demo.SESSION_ID))
    assert "save them with @logStream" in str(caught.value)
    assert "nearest" not in str(caught.value)


def test_no_match_in_json_logs_names_the_nearest_request():
    """Lambda's JSON format has no RequestId: text."""
    begins = {"time": "2026-02-09T23:48:00Z", "type": "platform.start", "record": {"requestId": A}}

    with pytest.raises(NothingMatched, match=f"nearest seen: {A}"):
        asked_by_request(B, Held(events((0, json.dumps(begins)))))


def test_an_unreadable_source_beside_a_good_one_is_answered_and_told(tmp_path):
    """The good one's request is there, the bad one is a skip with its reason, the answer incomplete."""
    good = file_of(tmp_path, events(*SLOW))
    found = trace([FileSource(str(good)), FileSource(str(tmp_path / "gone"))], Query(session_id=SESSION))
    bad = found.sources[1]

    assert [A] == ids(found)
    assert not found.timeline.complete
    assert (0, 0, 1, False) == (bad.used, bad.other, bad.skipped_count, bad.complete)
    assert "gone cannot be read: No such file" in bad.skipped[0].reason


def test_no_match_beside_an_unreadable_source_is_not_final(tmp_path):
    """The ID may be in what could not be read: exit code 5, and the file is named."""
    good = file_of(tmp_path, events(*SLOW))

    with pytest.raises(NothingMatchedYet, match=r"not read, or not to the end: .*gone$") as caught:
        trace([FileSource(str(good)), FileSource(str(tmp_path / "gone"))], Query(session_id="sess_none"))
    assert 5 == caught.value.exit_code


def test_sources_that_cannot_be_read_at_all_are_no_answer(tmp_path):
    """A file that is not there, or a gzip file of which nothing decodes: exit code 4."""
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(6) + b"\xff" * 50)

    for name, reason in (("gone", "No such file"), ("bad.gz", "corrupt at byte")):
        with pytest.raises(SourceFailed, match=reason) as caught:
            trace([FileSource(str(tmp_path / name))], Query(session_id=SESSION))
        assert 4 == caught.value.exit_code
