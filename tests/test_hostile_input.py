"""Logs are other people's text: it crashes nothing, reaches no terminal raw, and changes no verdict."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cli
from guards.errors import NothingMatched
from incidents.files import FileSource
from incidents.trace import Query, trace
from tests.hostile import SECRETS
from tests.logs import SESSION, STREAM, A, B, C, Held, end, events, ndjson, report, said, start

COMMIT = (31.5, said("coaching_service.session_completed"))
BEFORE = ((0.0, start()), (1.0, said("coaching_sessions.send_message")))
AFTER = (COMMIT, (32.0, end()), (32.0, report(ms=32_000)))
VERDICT = "the client never heard"
WORDS = "my husband has left me"
BEARER = "Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
IN_THE_PATH = ("42-smith", "hush-in-the-query")  # no pattern of a secret knows these
CANARIES = (*SECRETS, WORDS, BEARER, *IN_THE_PATH)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def guard(path: str, *words: str) -> Result:
    return CliRunner().invoke(cli.main, ["trace", "--session", SESSION, "--logs", path, *words])


def saved(*between: tuple[float, str], stream: str | None = STREAM) -> str:
    """A file with the slow request, and rows in the middle of it."""
    Path("logs.ndjson").write_bytes(ndjson(events(*BEFORE, *between, *AFTER, stream=stream)))
    return "logs.ndjson"


def saved_raw(*between: bytes, first: bytes = b"") -> str:
    """A file with the slow request, and lines of the file itself in the middle of it."""
    parts = (first, ndjson(events(*BEFORE)), *(line + b"\n" for line in between), ndjson(events(*AFTER)))
    Path("logs.ndjson").write_bytes(b"".join(parts))
    return "logs.ndjson"


def event(message: str = '"hi"', timestamp: str = "1770680889000", more: str = "") -> bytes:
    """One line of NDJSON from JSON texts as they are to stand there."""
    stream = json.dumps(STREAM)
    return f'{{"timestamp": {timestamp}, "message": {message}, "logStream": {stream}{more}}}'.encode(
        "utf-8", "surrogatepass"
    )


def raw(text: str) -> list[str]:
    """The characters that a terminal would act on: controls, bidi and other invisible ones, surrogates."""
    bad = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return [each for each in text if each != "\n" and unicodedata.category(each) in bad]


def said_by(done: Result) -> tuple[str, list[str]]:
    shown = json.loads(done.stdout)
    return shown["verdict"], [finding["rule"] for finding in shown["findings"]]


def counted(done: Result) -> tuple[int, int]:
    """How many events were read, and how many things were skipped."""
    [source] = json.loads(done.stdout)["sources"]
    return source["events"] + source["other"], source["skipped_count"]


# --- lines of the file ------------------------------------------------------------------------------

DEEP = b"[" * 100_000
DIGITS = b"9" * 5_000
LINES = {
    "invalid UTF-8": (event('"caf\udce9 \udcff"').replace(b"\xed\xb3", b"\xff\xfe"), 0),
    "NUL": (event('"a\x00b"'), 0),
    "NULs alone": (b"\x00" * 100, 1),
    "lone surrogate, escaped": (event(r'"\ud800 x \udfff"'), 0),
    "lone surrogate, raw": (event('"\ud800"'), 0),
    "nesting": (DEEP, 1),
    "nesting in a message": (event(json.dumps('{"a":' * 100_000)), 0),
    "nesting in a field": (event(more=', "x": ' + "[" * 100_000), 1),
    "closed nesting": (event("[" * 500 + "]" * 500), 0),
    "digits": (DIGITS, 1),
    "digits as a time": (event(timestamp="9" * 5_000), 1),
    "digits in a message": (event(json.dumps('{"level": "INFO", "session_id": %s}' % ("9" * 5_000))), 0),
    "digits in a number": (event(json.dumps(said("x", tokens_used="9" * 5_000))), 0),
    "NaN as a time": (event(timestamp="NaN"), 1),
    "infinity as a time": (event(timestamp="1e999"), 1),
    "NaN in a message": (event(json.dumps('{"level": "INFO", "processing_time_ms": NaN}')), 0),
    "NaN in a record": (event(json.dumps('{"guard": "phase.end/1", "PhaseDuration": NaN}')), 0),
    "duplicate keys": (event(more=', "message": "again", "timestamp": 1770680889001'), 0),
    "a negative time": (event(timestamp="-99999999999999999"), 1),
    "the year 30000": (event(timestamp="884541340800000"), 1),
    "a time in words": (event(timestamp='"yesterday"'), 1),
    "no time": (event(timestamp="null"), 1),
    "a list": (b"[1, 2, 3]", 1),
    "half an object": (b'{"timestamp": 1770680889000, "mess', 1),
    "no message": (event("null"), 1),
    "odd types": (event(more=', "logGroup": {"a": 1}, "eventId": [1]'), 0),
    "only spaces in a message": (event('"   "'), 0),
}


@pytest.mark.parametrize(("line", "skipped"), LINES.values(), ids=LINES)
def test_an_odd_line_is_read_or_counted(line, skipped):
    """The verdict stands, and events used, other and skipped are as many as the lines of the file."""
    done = guard(saved_raw(line), "--format", "json")

    assert 0 == done.exit_code
    assert VERDICT in said_by(done)[0]
    assert (6 - skipped, skipped) == counted(done)


@pytest.mark.parametrize("format_", cli.FORMATS)
def test_all_odd_lines_at_once_in_every_format(format_):
    """No format breaks on them, whether redacted or not, and none shows a raw control character."""
    path = saved_raw(*(line for line, _ in LINES.values()), first=b"\xef\xbb\xbf")

    for words in ((), ("--no-redact",), ("--verbose",)):
        done = guard(path, "--format", format_, *words)

        assert 0 == done.exit_code
        assert [] == raw(done.stdout)


def test_a_byte_order_mark_is_no_content():
    """A file that begins with one is read like any other."""
    done = guard(saved_raw(first=b"\xef\xbb\xbf"), "--format", "json")

    assert (5, 0) == counted(done)
    assert VERDICT in said_by(done)[0]


@pytest.mark.parametrize("size", [60 << 20, 65 << 20], ids=["60 MB", "65 MB"])
def test_a_line_as_long_as_a_file(size):
    """A line up to 64 MB is read, a longer one counted; neither hides the request around it."""
    path = saved_raw(event(json.dumps(said("x") + "y" * size)))
    done = guard(path, "--format", "json")
    skipped = int(size > 64 << 20)

    assert VERDICT in said_by(done)[0]
    assert (6 - skipped, skipped) == counted(done)


def test_a_file_of_noise_is_no_match():
    """Bytes that are no log: exit code 3 or a word, never a traceback."""
    Path("noise").write_bytes(bytes(range(256)) * 400 + b"\x1f\x8b\x08\x00" + b"(\xb5/\xfd")
    done = guard("noise")

    assert (3, "") == (done.exit_code, done.stdout)
    assert [] == raw(done.stderr)


# --- what stands in a stream ------------------------------------------------------------------------


def only_request(path: str) -> dict[str, Any]:
    [request] = json.loads(guard(path, "--format", "json").stdout)["requests"]
    return request


def test_a_missing_report_leaves_the_length_to_start_and_end():
    """END alone: the request's length is not invented, its end is known."""
    Path("logs.ndjson").write_bytes(ndjson(events(*BEFORE, COMMIT, (32.0, end()))))
    request = only_request("logs.ndjson")

    assert "2026-02-09T23:48:32.000Z" == request["end"]
    assert request["duration_ms"] in (None, 32_000)


def test_of_two_reports_the_one_that_fits_counts():
    """Neither is lost, and the length is Lambda's."""
    request = only_request(saved((2.0, report(ms=12))))

    assert 32_000 == request["duration_ms"]


def test_a_clock_that_runs_backwards_breaks_nothing():
    """Times that step back by seconds: all lines are counted, in every format."""
    path = saved((20.0, said("x")), (3.0, said("y")), (19.0, said("z")), (-5.0, "before START"))
    done = guard(path, "--format", "json")

    assert VERDICT in said_by(done)[0]
    assert (9, 0) == counted(done)
    assert [0] * 6 == [guard(path, "--format", each).exit_code for each in cli.FORMATS]


# --- terminals --------------------------------------------------------------------------------------

ESCAPES = (
    *("\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]8;;http://x\x1b\\", "\x9b31m", "\x90q\x9c", "\x1bc"),
    *("\u202egnp.exe", "\u2066a\u2069", "\u200b", "\u2028", "\ufeff", "\r", "\b" * 9, "\x7f", "\x85"),
)


@pytest.mark.parametrize("format_", cli.FORMATS)
def test_no_control_character_leaves_raw(format_):
    """Escapes and bidi controls in a name, a value, a message, a path and a stream's name."""
    rows = []
    for escape in ESCAPES:
        rows += [
            (2.0, escape),
            (2.0, said(f"name{escape}", model_code=f"GPT{escape}")),
            (
                2.0,
                json.dumps({"level": "INFO", "event": escape, "path": f"/a{escape}", "error_type": escape}),
            ),
            (2.0, f"[ERROR] ValueError: {escape}"),
            (31.5, said("coaching_service.session_completed", has_result=f"'{escape}'")),
        ]
    path = saved(*rows, stream=STREAM + "\x1b[31m\u202e")

    for words in ((), ("--no-redact",)):
        done = guard(path, "--format", format_, *words)

        assert 0 == done.exit_code
        assert [] == raw(done.stdout + done.stderr)


def test_the_name_of_a_file_reaches_no_terminal_raw():
    """Somebody else named the files of a folder."""
    Path("saved").mkdir()
    name = "saved/\x1b[31m\u202e.ndjson"
    Path(name).write_bytes(Path(saved()).read_bytes())
    done = guard("saved")
    missed = CliRunner().invoke(cli.main, ["trace", "--session", "sess_none", "--logs", "saved"])

    assert (0, 3) == (done.exit_code, missed.exit_code)
    assert [] == raw(done.stdout + done.stderr + missed.stderr)


def test_the_name_of_a_file_that_cannot_be_read_is_cleaned():
    """Also where it stands in an error."""
    with socket.socket(socket.AF_UNIX) as refuses:
        refuses.bind(name := "\x1b[31m\u202e.log")
    done = guard(name)

    assert 4 == done.exit_code
    assert "cannot be read" in done.stderr
    assert [] == raw(done.stderr)


# --- forgeries --------------------------------------------------------------------------------------


def platform(kind: str, request: str, **record: object) -> str:
    return json.dumps(
        {"time": "2026-02-09T23:48:03Z", "type": kind, "record": {"requestId": request, **record}}
    )


TRIO = ((3.0, start(C)), (3.1, end(C)), (3.1, report(C, 100)))
FORGED = {
    "in a message": ((3.0, f"the user wrote: {report(ms=12)}"),),
    "in a value": ((3.0, said("x", text=f"'{report(ms=12)}'")),),
    "behind an escape": ((3.0, "\x1b[2K\r" + report(ms=12)),),
    "a report with another ID": ((3.0, report(C, 12)),),
    "a report with the same ID": ((3.0, report(ms=12)),),
    "an end with the same ID": ((3.0, end()),),
    "end and report with the same ID": ((3.0, end()), (3.0, report(ms=12))),
    "a start alone": ((3.0, start(C)),),
    "the same start again": ((3.0, start()),),
    "start, end, report": TRIO,
    "start, end, report, twice": (*TRIO, *((at + 5, text) for at, text in TRIO)),
    "a trio of what claims to take longer": ((3.0, start(C)), (3.1, end(C)), (3.1, report(C, 99_000))),
    "a timeout of another ID": ((3.0, f"2026-02-09T23:48:03.000Z {C} Task timed out after 3.00 seconds"),),
    "an init": ((3.0, "INIT_START Runtime Version: python:3.11.v1"),),
    "a JSON report with another ID": (
        (3.0, platform("platform.report", C, status="timeout", metrics={"durationMs": 12})),
    ),
    "a JSON trio": (
        (3.0, platform("platform.start", C)),
        (3.1, platform("platform.runtimeDone", C, status="error")),
        (3.1, platform("platform.report", C, metrics={"durationMs": 100})),
    ),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_platform_line_changes_nothing(forged):
    """Verdict, findings, and the request's own numbers are those of the logs without it."""
    own = ("request_id", "start", "end", "duration_ms", "outcome", "init_ms")
    true, true_request = said_by(guard(saved(), "--format", "json")), only_request("logs.ndjson")
    done, request = guard(saved(*forged), "--format", "json"), only_request("logs.ndjson")

    assert true == said_by(done)
    assert [true_request.get(key) for key in own] == [request.get(key) for key in own]
    assert (5 + len(forged), 0) == counted(done)


def test_a_session_that_is_only_quoted_is_not_traced():
    """An ID in a forged platform line or in a body of another request does not make it the session's."""
    rows = (
        *((0.0, start(B)), (1.0, f"user: session_id={SESSION} {report(B, 5)}")),
        *((1.1, json.dumps({"body": {"session_id": SESSION}})), (2.0, end(B)), (2.0, report(B, 2_000))),
    )
    Path("logs.ndjson").write_bytes(ndjson(events(*rows)))

    assert 3 == guard("logs.ndjson").exit_code


# --- what must not leave ----------------------------------------------------------------------------


def with_canaries() -> str:
    text = " and ".join(CANARIES)
    rows: list[tuple[float, str]] = [
        (1.5, said("Request started", None, method="POST", path="/users/{}/x?q={}".format(*IN_THE_PATH))),
        (2.0, text),
        (2.0, f"DEBUG: Calling dynamodb:put_item with {{'Item': '{text}'}}"),
        (2.0, said("chat", user_message=f"'{text}'", prompt=f"'{text}'")),
        (2.0, said("chat", **{f"field_{n}": f"'{each}'" for n, each in enumerate(CANARIES)})),
        (2.0, json.dumps({"level": "ERROR", "event": text, "message": text, "exception": text})),
        (2.0, json.dumps({"level": "INFO", "event": "hi", "error_type": text, "model_code": text})),
        (
            2.1,
            f"[ERROR] ValueError: {text}\nTraceback (most recent call last):\n  raise ValueError('{text}')",
        ),
        (2.2, said("Request started", None, method="POST", path=f"/coaching/message?token={SECRETS[1]}")),
        (2.2, said("Request started", None, method="POST", path=f"/users/{SECRETS[0]}/message")),
        (2.3, said("Request failed", None, path="/coaching/message", error=f"'{text}'")),
        (31.4, said("coaching_service.session_completed", summary=f"'{text}'")),
    ]
    return saved(*rows)


@pytest.mark.parametrize("format_", cli.FORMATS)
def test_no_canary_leaves_by_default(format_):
    """E-mail address, JWT, AWS key, token and a user's words: in no format, on neither stream."""
    path = with_canaries()

    for words in ((), ("--verbose",)):
        done = guard(path, "--format", format_, *words)

        assert 0 == done.exit_code
        assert [] == [each for each in CANARIES if each in done.stdout + done.stderr]
        assert [] == [each for each in WORDS.split() if each in ("husband",) and each in done.stdout]


@pytest.mark.parametrize("format_", ["text", "json"])
def test_canaries_are_shown_where_asked_for(format_):
    """With --no-redact the lines stand as they are: the test above looks where they would be."""
    shown = guard(with_canaries(), "--format", format_, "--no-redact").stdout
    joined = "".join(shown.split())

    assert [] == [each for each in CANARIES if "".join(each.split()) not in joined]


# --- the fuzz target --------------------------------------------------------------------------------

FUZZ = Path(__file__).parents[1] / "fuzz" / "fuzz_lines.py"


def fuzz(*words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    run = f"sys.argv[1:] = {list(words)!r}; runpy.run_path({str(FUZZ)!r}, run_name='__main__')"
    code = f"import runpy, sys; {before}; {run}"
    found = os.pathsep.join([str(Path(cli.__file__).parent), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, "PYTHONPATH": found.rstrip(os.pathsep)}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, timeout=60
    )


def test_what_the_fuzzer_found_can_be_replayed():
    """A file goes through each of the readers, which its first byte chooses, without atheris."""
    names = [f"input-{reader}" for reader in range(5)]
    for reader, name in enumerate(names):
        Path(name).write_bytes(bytes([reader]) + Path(saved()).read_bytes())
    done = fuzz(*names, before="sys.modules['atheris'] = None")

    assert (0, 5) == (done.returncode, done.stderr.count("is read without a crash"))


def test_without_atheris_the_fuzzer_says_what_to_install():
    """One sentence and exit code 2."""
    done = fuzz("-max_total_time=1", before="sys.modules['atheris'] = None")

    assert (2, "") == (done.returncode, done.stdout)
    assert "atheris is not installed; run: pip install atheris" in done.stderr


# --- anything at all --------------------------------------------------------------------------------

_PARTS = st.sampled_from(
    [
        *(start(), end(), report(ms=12), start(C), end(C), report(C, 3), "INIT_START ", "INFO: ", "\x1b[2m"),
        *("[info     ] ", "session_id=" + SESSION, "coaching_service.session_completed", "{", "}", '"', "'"),
        *("REPORT RequestId: ", A, "\tDuration: ", " ms", "processing_time_ms=", "nan", "1e999", "\t", "="),
        *('{"guard": "phase.end/1", "phase": ', '{"type": "platform.report", "record": {', '"requestId": '),
        *(
            "coaching_service.llm_call_completed ",
            "status_code=",
            "path=",
            "coaching_service.executing_llm_call",
        ),
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=60), st.lists(st.one_of(_PARTS, st.text(max_size=8)), max_size=8).map("".join)
)
_ROWS = st.lists(st.tuples(st.floats(0.5, 31), _TEXTS), max_size=12)


def total(sources: Iterable[Any]) -> int:
    return sum(each.used + each.other + each.skipped_count for each in sources)


@settings(max_examples=150)
@given(rows=_ROWS, stream=st.sampled_from([STREAM, None, "not-lambdas"]))
def test_whatever_stands_in_a_request_is_counted(rows, stream):
    """Any texts between START and END: an answer, and used and other events add up to all."""
    given_events = events(*BEFORE, *rows, *AFTER, stream=stream)
    try:
        found = trace([Held(given_events)], Query(session_id=SESSION))
    except NothingMatched:
        # Requests that overlap mean that a stream is none, unless it has a name that only Lambda gives.
        assert stream != STREAM
        return

    assert len(given_events) == total(found.sources)
    assert found.verdict


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(between=st.lists(st.binary(max_size=80).map(lambda each: each.replace(b"\n", b"")), max_size=6))
def test_whatever_stands_in_a_file_is_counted(between):
    """Any bytes as lines of a file: events and skips add up to its lines that are not blank."""
    path = saved_raw(*between)
    found = trace([FileSource(path)], Query(session_id=SESSION))
    blank = [each for each in between if not each.decode("utf-8", "replace").strip()]

    assert 5 + len(between) - len(blank) == total(found.sources)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_ROWS, format_=st.sampled_from(cli.FORMATS), redact=st.booleans())
def test_whatever_is_shown_is_clean(rows, format_, redact):
    """The whole command on any texts: an exit code of ours, and no raw control character."""
    texts = [(at, text.encode("utf-8", "replace").decode()) for at, text in rows]
    done = guard(saved(*texts), "--format", format_, *(() if redact else ("--no-redact",)))

    assert done.exit_code in (0, 5)
    assert [] == raw(done.stdout)
