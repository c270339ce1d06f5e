"""guard scan finds what went wrong without an ID: in saved logs and live ones, with what to type next."""

from __future__ import annotations

import functools
import gzip
import json
import os
import shlex
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from guards.limits import limits_for
from incidents import demo
from incidents.cloudwatch import calls, live
from incidents.events import Event
from incidents.meanings import load
from incidents.scan.judge import judged
from incidents.scan.run import scan_files
from incidents.scan.signs import MOST, Tally, Wanted
from incidents.scan.views import document
from incidents.sources import Question, Reading
from tests.cloudwatch_logs import errors
from tests.cloudwatch_logs.operations import Settings
from tests.cloudwatch_logs.server import Fault, serving
from tests.cloudwatch_logs.store import Store
from tests.forms_data import FULL_FORMS, NO_STREAM_FORMS, Logged, Writer, get_json_compact, ndjson
from tests.live import Clock
from tests.logs import (
    GROUP,
    OTHER_SESSION,
    OTHER_STREAM,
    SESSION,
    START,
    A,
    B,
    C,
    end,
    events,
    file_of,
    report,
    said,
    start,
)
from tests.test_cli import on_a_terminal
from tests.test_equal_forms import logged

WANTED = Wanted(load(), limits_for("http"))
FOUND = ["outlived-gateway", "stranded-success", "retry-refused", "slow-phase"]
SLOWEST = "ae220969-d5df-4cdc-a767-70f9fa8624de"


def turn(at: float, request: str, took: float, *middle: tuple[float, str], more: str = "") -> list[Any]:
    last = at + took
    done = [(last, end(request)), (last, report(request, took * 1000, more))]
    return [(at, start(request)), (at + 0.1, said("coaching_sessions.send_message")), *middle, *done]


def saved(folder: Path, *streams: list[Event]) -> str:
    return str(file_of(folder, sorted((each for of in streams for each in of), key=lambda each: each.at)))


def found(*paths: str, wanted: Wanted = WANTED) -> Any:
    return scan_files(paths, wanted)


def guard(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli.main, ["scan", *words], prog_name="guard", input=stdin)


def test_the_incident_is_found_without_its_id() -> None:
    """One session of 32 requests, with what was wrong, and the command that explains it."""
    scan = found(str(demo.logs()))
    [case] = scan.cases

    assert (32, demo.SESSION_ID, FOUND) == (scan.requests, case.session_id, list(case.rules))
    assert {"warning": 1, "critical": 1, "limit": 1, "refused": 1} == scan.past
    assert scan.complete


def test_the_next_command_of_a_case_explains_it() -> None:
    """What a scan prints can be typed."""
    told = json.loads(guard("--logs", str(demo.logs()), "--format", "json").stdout)
    [case] = told["cases"]
    words = shlex.split(case["next_command"])
    result = CliRunner().invoke(cli.main, words[1:], prog_name="guard")

    assert (0, True) == (result.exit_code, "retry-refused" in result.output)


def test_the_next_command_of_a_case_has_the_same_limits() -> None:
    """A gateway that waits longer is told to the trace as it was to the scan."""
    limit = ("--gateway-limit-ms", "60000")
    [case] = json.loads(guard("--logs", str(demo.logs()), *limit, "--format", "json").stdout)["cases"]

    assert list(limit) == shlex.split(case["next_command"])[-2:]


INCIDENT = [each for each in logged(demo.logs().read_bytes()) if 1770680880000 <= each.ms < 1770680940000]
"""The minute in which it happened."""


def told_in(folder: Path, writer: Writer, logged: list[Logged] = INCIDENT) -> dict[str, Any]:
    """What is told of events saved in a form, but for where they were saved."""
    paths = []
    for number, form in enumerate(writer(logged)):
        path = folder / (form.path or f"{number}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(form.data)
        paths.append(str(path))
    told = document(found(*paths), ())
    assert [] == told["skipped"]
    return {key: value for key, value in told.items() if key != "sources"}


@pytest.mark.parametrize("writer", FULL_FORMS, ids=lambda each: each.__name__)
def test_every_form_is_scanned_alike(tmp_path: Path, writer: Writer) -> None:
    """JSON of the CLI, indented or in one line, payloads, text and exports: all that NDJSON tells."""
    expected = told_in(tmp_path / "ndjson", ndjson)

    assert expected == told_in(tmp_path / "form", writer)
    assert [FOUND] == [case["rules"] for case in expected["cases"]]


@pytest.mark.parametrize("writer", NO_STREAM_FORMS, ids=lambda each: each.__name__)
def test_a_form_without_stream_names_is_scanned_alike(tmp_path: Path, writer: Writer) -> None:
    """Of one stream, which is all that get-log-events gives, as much is told as with its name."""
    [stream] = {each.stream for each in INCIDENT if f"START RequestId: {SLOWEST}" in each.message}
    alone = [each for each in INCIDENT if each.stream == stream]
    expected = told_in(tmp_path / "ndjson", ndjson, alone)

    assert expected == told_in(tmp_path / "form", writer, alone)
    assert ["outlived-gateway", "stranded-success"] == expected["cases"][0]["rules"][:2]


def test_a_compressed_file_is_scanned_alike(tmp_path: Path) -> None:
    """Piece by piece, with lines that go over the seams."""
    path = tmp_path / "demo.ndjson.gz"
    path.write_bytes(gzip.compress(demo.logs().read_bytes() * 1))

    assert found(str(demo.logs())).past == found(str(path)).past
    assert [FOUND] == [list(case.rules) for case in found(str(path)).cases]


@pytest.mark.parametrize("words", [("--logs", "-"), ("-",)], ids=["option", "argument"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input_is_scanned_alike(words: tuple[str, ...], pack: Any) -> None:
    """As the help says, - is what a pipe gives: gone through once, read again around the signs."""
    told, expected = (
        json.loads(guard(*asked, "--format", "json", stdin=data).stdout)
        for asked, data in ((words, pack(demo.logs().read_bytes())), (("--logs", str(demo.logs())), None))
    )
    for part in ("requests", "past", "per_minute", "complete"):
        assert expected[part] == told[part], part
    assert [FOUND] == [case["rules"] for case in told["cases"]]
    assert ["-"] == told["sources"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_scanned_alike(tmp_path: Path) -> None:
    """As a shell's <(...) gives one: it can be read only once."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(demo.logs().read_bytes(),), daemon=True)
    writer.start()
    scan = found(str(path))
    writer.join(30)

    assert (32, [FOUND]) == (scan.requests, [list(case.rules) for case in scan.cases])


def test_a_line_without_an_end_counts(tmp_path: Path) -> None:
    """The last REPORT of a file that ends without a newline is a request, as it is in a gzip."""
    data = Path(saved(tmp_path, events(*turn(0, A, 1), *turn(2, B, 1)))).read_bytes().rstrip(b"\n")
    plain, packed = tmp_path / "a.ndjson", tmp_path / "a.ndjson.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data))

    assert (2, 2) == (found(str(plain)).requests, found(str(packed)).requests)


@pytest.mark.parametrize(
    ("took", "past"),
    [(24.9, (0, 0, 0)), (25.1, (1, 0, 0)), (28.1, (1, 1, 0)), (30.1, (1, 1, 1))],
)
def test_marks_are_those_of_the_gateway(tmp_path: Path, took: float, past: tuple[int, ...]) -> None:
    """25 s, 28 s and 30 s of an HTTP API."""
    scan = found(saved(tmp_path, events(*turn(0, A, took))))

    assert past == tuple(scan.past.get(name, 0) for name in ("warning", "critical", "limit"))


def test_an_init_counts_where_a_report_tells_of_one(tmp_path: Path) -> None:
    """24 s and 5 s of init are past the critical mark."""
    scan = found(saved(tmp_path, events(*turn(0, A, 24, more="Init Duration: 5000.00 ms\t"))))

    assert 1 == scan.past["critical"]


def test_reports_of_json_logs_count(tmp_path: Path) -> None:
    """platform.report tells a request's end as REPORT does."""
    record = {"requestId": A, "metrics": {"durationMs": 31_000.0}, "status": "success"}
    line = json.dumps({"time": "2026-02-09T23:48:31Z", "type": "platform.report", "record": record})
    scan = found(saved(tmp_path, events((31, line))))

    assert (1, 1) == (scan.requests, scan.past["limit"])


def test_a_report_in_a_users_words_is_none(tmp_path: Path) -> None:
    """Only a line that begins so is one of Lambda's."""
    quoted = (0.5, f"the user wrote: {report(B, 40_000)}")
    scan = found(saved(tmp_path, events(*turn(0, A, 1, quoted))))

    assert (1, 0) == (scan.requests, scan.past.get("limit", 0))


def test_a_request_that_ran_meanwhile_is_found(tmp_path: Path) -> None:
    """A quick second request of the same session, in another environment, is overlapping."""
    quick = events(*turn(10, B, 2), stream=OTHER_STREAM)
    other = events(
        (11, start(C)),
        (11.1, said("coaching_sessions.send_message", OTHER_SESSION)),
        (12, end(C)),
        (12, report(C)),
    )
    scan = found(saved(tmp_path, events(*turn(0, A, 26)), quick), saved_in(tmp_path / "b", other))
    [case] = scan.cases

    assert "overlapping-requests" in case.rules
    assert [A, B] == [each.request_id for each in case.requests]


def saved_in(folder: Path, of: list[Event]) -> str:
    folder.mkdir()
    return str(file_of(folder, of))


NOT_ACTIVE = said("coaching_sessions.send_message.not_active", error_code="SESSION_NOT_ACTIVE")


def test_a_refusal_whose_request_is_not_there_makes_the_answer_incomplete(tmp_path: Path) -> None:
    """What --filter-pattern or a log that ends too early leaves is a sign that nobody can judge."""
    cut = turn(100, B, 1, (100.5, NOT_ACTIVE))[:-2]
    result = guard("--logs", saved(tmp_path, events(*turn(0, A, 1), *cut)), "--fail-on", "info")

    assert 5 == result.exit_code
    assert "1 sign was counted but not judged: its request is not here from beginning to end" in result.output


def test_signs_are_not_judged_where_requests_cannot_be_told_apart(tmp_path: Path) -> None:
    """Of two streams in a file that does not say so, a refusal may be anybody's: that is told."""
    told = told_in(tmp_path, get_json_compact)

    assert (1, False) == (told["unjudged"], told["complete"])


def test_a_sign_of_which_no_rule_says_anything_is_judged(tmp_path: Path) -> None:
    """Nobody waits for a queue's worker, however long it takes: that is an answer, and complete."""
    record = {"guard": "request.start/1", "request_id": A, "session_id": None, "route": "aws:sqs"}
    line = json.dumps({"level": "INFO", "timestamp": "2026-02-09T23:48:00Z", "service": "s", **record})
    scan = found(saved(tmp_path, events((0, start()), (0.1, line), (40, end()), (40, report(A, 40_000)))))

    assert (1, (), 0, True) == (scan.past["limit"], scan.cases, scan.unjudged, scan.complete)


def test_a_forged_report_does_not_make_the_answer_incomplete(tmp_path: Path) -> None:
    """A user's words that look like one stand in a request that was judged."""
    scan = found(saved(tmp_path, events(*turn(0, A, 1, (0.5, report(B, 40_000))))))

    assert (1, 0, True) == (scan.past["limit"], scan.unjudged, scan.complete)


def test_a_request_that_ends_after_the_time_asked_for_is_not_missed(tmp_path: Path) -> None:
    """Nobody asked for it, though its refusal was logged in that time."""
    rows = turn(0, A, 1) + turn(100, B, 100, (100.5, NOT_ACTIVE))
    scan = found(saved(tmp_path, events(*rows)), wanted=replace(WANTED, until=START + timedelta(seconds=110)))

    assert (1, (), 0, True) == (scan.past["refused"], scan.cases, scan.unjudged, scan.complete)


@pytest.mark.parametrize(("apart", "rule"), [(600, "retry-refused"), (3600, "request-refused")])
def test_a_refusal_is_told_however_late(tmp_path: Path, apart: float, rule: str) -> None:
    """With what completed the session in the quarter of an hour before, else as it stands."""
    done = turn(0, A, 5, (4, said("coaching_service.session_completed")))
    scan = found(saved(tmp_path, events(*done), events(*turn(apart, B, 1, (apart + 0.5, NOT_ACTIVE)))))

    assert [(rule,)] == [case.rules for case in scan.cases]


def test_the_worst_come_first(tmp_path: Path) -> None:
    """Critical before warning, and the longer of two before the other."""
    rows = [*turn(0, A, 26), *turn(100, B, 29), *turn(200, C, 40)]
    texts = [(at, text.replace(SESSION, f"sess_{round(at) // 100}")) for at, text in rows]
    scan = found(saved(tmp_path, events(*texts)))

    assert ["sess_2", "sess_1", "sess_0"] == [case.session_id for case in scan.cases]


def test_what_is_too_much_is_counted(tmp_path: Path) -> None:
    """Of more slow requests than are looked at, the slowest are, and the rest is told."""
    rows = [
        (at, text.replace(SESSION, f"sess_{number}"))
        for number in range(MOST + 5)
        for at, text in turn(number * 60, f"{number:08x}-1111-4222-8333-444444444444", 26 + number / 100)
    ]
    scan = found(saved(tmp_path, events(*rows)))

    assert (MOST + 5, 5, MOST) == (scan.past["warning"], scan.left_out, len(scan.cases))
    assert 26 + (MOST + 4) / 100 == pytest.approx(scan.cases[0].longest.total_seconds())


def test_a_time_can_be_named() -> None:
    """Only what ended in it is counted and told."""
    before = guard("--logs", str(demo.logs()), "--until", "2026-02-09T23:48Z", "--format", "json")
    told = json.loads(before.stdout)

    assert (0, []) == (told["past"]["limit"], told["cases"])
    assert 0 < told["requests"] < 32


@pytest.mark.parametrize(("bar", "code"), [(None, 0), ("critical", 1), ("info", 1)])
def test_scan_fails_only_where_asked(bar: str | None, code: int) -> None:
    """--fail-on makes it a check."""
    words = () if bar is None else ("--fail-on", bar)

    assert code == guard("--logs", str(demo.logs()), *words).exit_code


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    """What decodes is scanned; the exit code says that something is missing."""
    path = tmp_path / "cut.ndjson.gz"
    path.write_bytes(gzip.compress(demo.logs().read_bytes())[:-20_000])
    result = guard("--logs", str(path))

    assert 5 == result.exit_code
    assert "not read" in result.output


def test_nothing_to_scan_is_a_question_that_is_off() -> None:
    """Without logs: which option to type."""
    assert 2 == guard().exit_code
    assert 2 == guard("--logs", "nowhere/").exit_code


@pytest.mark.parametrize("more", [(), ("--fail-on", "info"), ("--format", "json")])
@pytest.mark.parametrize(
    "data", [b"", b"\x7fELF\0\1\n\2", b"nothing of a log\n"], ids=["empty", "binary", "text"]
)
def test_where_no_request_ended_nothing_matched(tmp_path: Path, data: bytes, more: tuple[str, ...]) -> None:
    """That is no clean bill: exit code 3, with what was searched; and no time, where none was asked for."""
    path = tmp_path / "some.log"
    path.write_bytes(data)
    result = guard("--logs", str(path), *more)

    assert (3, "") == (result.exit_code, result.stdout)
    assert f"no request ended in 1 source(s), {len(data)} bytes; searched {path}" in result.stderr


def test_a_time_without_requests_is_named() -> None:
    """What was asked for and held nothing."""
    result = guard("--logs", str(demo.logs()), "--until", "2026-01-01T00:00Z")

    assert 3 == result.exit_code
    assert "bytes, until 2026-01-01T00:00:00.000Z; searched" in result.stderr


def test_a_live_time_without_requests_is_named(alone: Clock) -> None:
    """It is the plan's, whoever asked for it."""
    store = Store()
    store.add_events(events((0, said("coaching_sessions.list")), ids=["1"]))
    with serving(store) as fake:
        result = live_scan(fake.url)

    assert 3 == result.exit_code
    assert ", since 2026-02-09T23:00:00.000Z, until 2026-02-10T00:00:00.000Z; searched" in result.stderr


def test_of_many_files_the_first_are_named(tmp_path: Path) -> None:
    """A folder with a thousand files does not fill the screen."""
    for number in range(9):
        (tmp_path / f"{number}.log").touch()
    result = guard("--logs", str(tmp_path))

    assert 3 == result.exit_code
    assert f"{tmp_path / '2.log'} and 6 more" in result.stderr
    assert "3.log" not in result.stderr


def test_what_could_not_be_read_may_hold_requests(tmp_path: Path) -> None:
    """A damaged file without a request is an incomplete answer, not one that nothing matched."""
    path = tmp_path / "cut.ndjson.gz"
    path.write_bytes(gzip.compress(demo.logs().read_bytes())[:40])
    result = guard("--logs", str(path))

    assert 5 == result.exit_code
    assert "no request ended" in result.stderr
    assert "the gzip data ends too early" in result.stderr


def test_a_refusal_alone_is_something(tmp_path: Path) -> None:
    """Where no request ended but one was refused, the answer is not that nothing matched."""
    result = guard("--logs", saved(tmp_path, events((0, NOT_ACTIVE))))

    assert 5 == result.exit_code
    assert f"No request ended in {tmp_path / 'logs.ndjson'}.\n" in result.stdout


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    clock = Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(
        live, "Calls", functools.partial(calls.Calls, sleep=clock.sleep, clock=clock.monotonic)
    )
    return clock


def demo_store() -> Store:
    store = Store()
    store.add_file(demo.logs())
    return store


WHEN = ("--since", "2026-02-09T23:00Z", "--until", "2026-02-10T00:00Z")


def live_scan(url: str, *words: str) -> Result:
    return guard("--log-group", GROUP, "--endpoint-url", url, "--region", "us-east-1", *WHEN, *words)


def test_live_logs_are_scanned_alike(alone: Clock) -> None:
    """The same requests a minute, the same cases, and the bytes that the plan had told."""
    files = json.loads(guard("--logs", str(demo.logs()), "--format", "json").stdout)
    with serving(demo_store()) as fake:
        result = live_scan(fake.url, "--format", "json")
        told = json.loads(result.stdout)

        assert fake.logs.scanned == told["bytes_scanned"]
    for part in ("requests", "past", "per_minute", "unjudged", "complete"):
        assert files[part] == told[part], part
    [one], [other] = files["cases"], told["cases"]
    assert {**one, "next_command": ""} == {**other, "next_command": ""}
    assert f"--log-group {GROUP}" in other["next_command"]


def test_a_request_that_ran_meanwhile_is_found_live(alone: Clock) -> None:
    """Its line with the session tells where it is, and then it is read whole."""
    store = Store()
    store.add_events(events(*turn(0, A, 26), ids=[f"1{index:055d}" for index in range(4)]))
    quick = events(*turn(10, B, 2), stream=OTHER_STREAM, ids=[f"2{index:055d}" for index in range(4)])
    store.add_events(quick)
    with serving(store) as fake:
        [case] = json.loads(live_scan(fake.url, "--format", "json").stdout)["cases"]

    assert "overlapping-requests" in case["rules"]
    assert [A, B] == [each["request_id"] for each in case["requests"]]


def test_a_live_scan_over_the_budget_is_not_made(alone: Clock) -> None:
    """Nothing is scanned unasked."""
    with serving(demo_store()) as fake:
        result = live_scan(fake.url, "--max-gb", "0.000001")

        assert (2, 0) == (result.exit_code, fake.logs.scanned)
    assert "raise --max-gb" in result.output


def test_a_live_scan_that_is_cut_off_says_so(alone: Clock) -> None:
    """Half of the signs, exit code 5 and the reason."""
    with serving(demo_store(), Settings(statuses_of={2: ("Timeout",)})) as fake:
        result = live_scan(fake.url)

    assert 5 == result.exit_code
    assert "60 minutes" in result.output


def test_a_live_scan_without_permission_ends_with_4(alone: Clock) -> None:
    """It names what the role needs."""
    with serving(demo_store(), Settings(), Fault("StartQuery", errors.DENIED)) as fake:
        result = live_scan(fake.url)

    assert 4 == result.exit_code
    assert "the role needs logs:StartQuery" in result.output


def test_a_live_plan_scans_nothing(alone: Clock) -> None:
    """Both queries with their price."""
    with serving(demo_store()) as fake:
        plan = json.loads(live_scan(fake.url, "--plan").stdout)

        assert 0 == fake.logs.scanned
    assert ["slow, refused and throttled requests", "how many requests there were"] == [
        step["finds"] for step in plan["steps"]
    ]
    assert ["Insights", "Insights"] == [step["engine"] for step in plan["steps"]]
    assert plan["estimated_bytes"] == sum(step["estimated_bytes"] for step in plan["steps"]) > 0


def test_a_live_plan_says_which_query_is_which(alone: Clock) -> None:
    """Both go over the same time: each line says what it finds."""
    with serving(demo_store()) as fake:
        result = live_scan(fake.url)
    lines = [line for line in result.stderr.splitlines() if ": Insights, " in line]

    assert [True, True] == [
        words in line
        for words, line in zip(
            (", slow, refused and throttled requests: ", ", how many requests there were: "),
            lines,
            strict=True,
        )
    ]


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_a_terminal_gets_whole_words(columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cut but what is longer than a line; a command goes on as a shell takes it, whole."""
    monkeypatch.delenv("COLUMNS", raising=False)
    folder = tmp_path / ("in-a-folder-with-a-name-longer-than-a-line-" * 3)
    folder.mkdir()
    logs = shutil.copy(demo.logs(), folder)
    sent = on_a_terminal("scan", "--logs", str(logs), columns=columns)
    shown, piped = sent.splitlines(), guard("--logs", str(logs)).stdout
    words = {word for line in shown for word in line.split()}
    room = columns - 11

    assert [] == [line for line in shown if len(line) > columns and len(line.rstrip(" \\").split()) > 1]
    assert [] == [word for word in piped.split() if len(word) < room and word[0] != "▃" and word not in words]
    joined = sent.replace("\\\n", " ")
    [command] = [line for line in joined.splitlines() if "guard trace" in line]
    assert shlex.split(piped.splitlines()[-1]) == shlex.split(command)


def test_a_pipe_gets_whole_lines() -> None:
    """A line for each request and each command, however long, so that it can be searched."""
    [command] = [
        line for line in guard("--logs", str(demo.logs())).stdout.splitlines() if "guard trace" in line
    ]

    assert ["guard", "trace", "--session", demo.SESSION_ID, "--logs", str(demo.logs())] == shlex.split(
        command
    )


@pytest.mark.parametrize(
    ("words", "last"),
    [(("--logs", "some.log"), "searched some.log"), ((), "--log-group")],
    ids=["nothing matched", "usage"],
)
def test_an_error_on_a_terminal_has_whole_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], last: str
) -> None:
    """What went wrong is told in lines that break between words, indented under its beginning."""
    monkeypatch.chdir(tmp_path)
    Path("some.log").touch()
    lines = on_a_terminal("scan", *words, columns=50).splitlines()

    assert [] == [line for line in lines if len(line) > 50]
    assert lines[-1].startswith("       ") and lines[-1].endswith(last)


class Reordered:
    """A source that numbers its events anew at each reading, as a live one does."""

    def __init__(self, held: list[Event]) -> None:
        self._held = held
        self.asked: list[Question] = []

    def read(self, question: Question) -> Reading:
        """All of it."""
        self.asked.append(question)
        numbered = tuple(replace(each, order=each.order + 100 * len(self.asked)) for each in self._held)
        return Reading("a.ndjson", numbered, len(numbered), (), 0, True, None, 0)


def test_an_event_with_another_number_is_no_other_event() -> None:
    """What was read around a sign is not new when it is read again: nothing more is asked for."""
    held = events(*turn(0, A, 31), ids=["1", "2", "3", "4"])
    source, tally = Reordered(held), Tally(WANTED)
    tally.take(held[-1], 0)
    [case] = judged([source], tally).cases

    assert (4, 2) == (len(case.requests[0].lines), len(source.asked))


def test_minutes_without_requests_are_in_the_line(tmp_path: Path) -> None:
    """The line of requests per minute has gaps where there were none."""
    scan = found(saved(tmp_path, events(*turn(0, A, 1), *turn(180, B, 1))))

    assert [1, 0, 0, 1] == [count for _, count in scan.per_minute]
    assert START == scan.per_minute[0][0] == datetime(2026, 2, 9, 23, 48, tzinfo=UTC)
    assert timedelta(minutes=3) == scan.per_minute[-1][0] - scan.per_minute[0][0]
