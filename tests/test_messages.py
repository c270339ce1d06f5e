"""What one log message says, and what hostile text cannot make it say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from incidents.messages import Message
from incidents.reading import read_message

REQUEST = "ae220969-d5df-4cdc-a767-70f9fa8624de"
SESSION = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
OTHER = "sess_00000000-0000-4000-8000-000000000000"
AT = datetime(2026, 2, 9, 23, 48, 31, tzinfo=UTC)
TIME = "2026-02-09T23:48:31.000000Z"


def coloured(event: str, pairs: str = "", before: str = "INFO: ") -> str:
    """A line as structlog's console renderer prints it; pairs as ``key=value``, split at two spaces."""
    text = f"{before}\x1b[2m{TIME}\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] \x1b[1m{event:<30}\x1b[0m"
    text += " [\x1b[0m\x1b[1m\x1b[34mcoaching.src.services\x1b[0m]\x1b[0m"
    for key, _, value in (pair.partition("=") for pair in pairs.split("  ") if pair):
        text += f" \x1b[36m{key}\x1b[0m=\x1b[35m{value}\x1b[0m"
    return text


def plain(event: str, pairs: str = "", logger: str = " [coaching.src.services]") -> str:
    return f"{TIME} [info     ] {event:<30}{logger} {pairs}".rstrip()


def fields(text: str) -> dict[str, object]:
    return dict(read_message(text).fields or {})


def platform(kind: str, **record: object) -> str:
    return json.dumps({"time": TIME, "type": f"platform.{kind}", "record": record})


# --- structlog's console ------------------------------------------------------------------------


@pytest.mark.parametrize("line", [coloured, plain])
def test_a_console_line_gives_event_level_time_and_session(line) -> None:  # type: ignore[no-untyped-def]
    """
    A structlog console line reads the same with colours and without.
    """
    pairs = f"session_id={SESSION}  status=completed"
    text = line("coaching_session.saved", pairs if line is coloured else pairs.replace("  ", " "))

    assert Message(
        "log",
        session_id=SESSION,
        name="coaching_session.saved",
        level="INFO",
        at=AT,
        fields={"session_id": SESSION, "status": "completed"},
    ) == read_message(text)


@pytest.mark.parametrize(
    "before",
    ["", "INFO: ", f"[INFO]\t2026-02-09T23:48:31.004Z\t{REQUEST}\t"],
    ids=["bare", "basic", "runtime"],
)
def test_a_console_line_is_known_behind_each_prefix(before: str) -> None:
    """
    Bare, behind basicConfig's level and behind Lambda's own prefix, which adds its request ID.
    """
    said = read_message(coloured("coaching_service.session_completed", f"session_id={SESSION}", before))

    assert ("coaching_service.session_completed", SESSION, AT) == (said.name, said.session_id, said.at)
    assert ((REQUEST,) if REQUEST in before else ()) == said.request_ids


def test_an_event_of_several_words_is_one_name() -> None:
    """
    Event names may hold spaces, with or without padding.
    """
    long = "LLM generation completed via Converse API"

    assert "Request completed" == read_message(plain("Request completed", "status_code=200")).name
    assert long == read_message(plain(long, "tokens=3225", logger="")).name
    assert long == read_message(coloured(long, "tokens=3225")).name


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("9016", 9016),
        ("0.7", 0.7),
        ("1e-07", 1e-07),
        ("True", True),
        ("None", None),
        ("", ""),
        ("007", "007"),
        ("9" * 5000, "9" * 5000),
        ("nan", "nan"),
        ("'FastAPI application initializing'", "FastAPI application initializing"),
        ('"it\'s a=b"', "it's a=b"),
        (r"'a\nb\x1b\u2028\'c\''", "a\nb\x1b\u2028'c'"),
        ("['core_values', 'purpose']", "['core_values', 'purpose']"),
        ("Decimal('20')", "Decimal('20')"),
        ("<Status.ACTIVE: 'active'>", "<Status.ACTIVE: 'active'>"),
        ("http://127.0.0.1:36107/account", "http://127.0.0.1:36107/account"),
    ],
)
def test_a_console_value_is_read_as_the_repr_it_is(written: str, value: object) -> None:
    """
    Numbers, words and quoted text become values, any other repr stays text, and the next field is found.
    """
    for text in (coloured("e", f"a={written}  b=1"), plain("e", f"a={written} b=1")):
        assert {"a": value, "b": 1} == fields(text)


@pytest.mark.parametrize(
    "value",
    [
        f"'the user wrote session_id={OTHER} here'",
        f'"it\'s session_id={OTHER}"',
        rf"'it\'s session_id={OTHER} \"quoted\"'",
        f"['a', 'session_id={OTHER} b']",
        f"{{'body': {{'session_id={OTHER} x': 1}}}}",
        f"Turn(text='a session_id={OTHER} b', n=1)",
    ],
)
def test_a_session_inside_a_value_is_not_the_lines_own(value: str) -> None:
    """
    An ID in a quoted string, a list or an object is quoted text, and the real field behind it counts.
    """
    for line in (coloured, plain):
        gap = "  " if line is coloured else " "
        assert read_message(line("turn", f"content={value}")).session_id is None
        assert SESSION == read_message(line("turn", f"content={value}{gap}session_id={SESSION}")).session_id


@pytest.mark.parametrize(
    "text",
    [
        coloured(f"user wrote session_id={OTHER}"),
        coloured(f"wrote session_id={OTHER} [x] a=1"),
        plain(f"user wrote session_id={OTHER}"),
        plain(f"wrote session_id={OTHER} twice", "a=1"),
        plain("wrote session_id=s_2", "a=1", logger=""),
        f"{TIME} [info     ] wrote that session_id=s_2",
        f"INFO: the user wrote session_id={OTHER}",
        f'b\'{{"session_id": "{OTHER}"}}\'',
    ],
)
def test_a_session_inside_the_event_or_plain_text_is_not_the_lines_own(text: str) -> None:
    """
    What a user wrote into an event's text makes no session field.
    """
    assert read_message(text).session_id is None


def test_a_console_line_with_two_sessions_says_none() -> None:
    """
    One session field with two values is a forgery or an error, and names no session.
    """
    assert read_message(coloured("e", f"session_id={OTHER}  session_id={SESSION}")).session_id is None
    assert SESSION == read_message(coloured("e", f"session_id={SESSION}  session_id={SESSION}")).session_id


def test_an_escape_inside_a_value_does_not_end_it() -> None:
    """
    A reset code that a value holds raw does not start a new field.
    """
    assert {"a": "x\x1b[0my", "b": 1} == fields(coloured("e", "a=x\x1b[0my  b=1"))


def test_a_reset_inside_the_event_does_not_end_it() -> None:
    """
    The event is all that is bold, up to where the renderer goes on.
    """
    said = read_message(coloured("a \x1b[0mb", f"session_id={SESSION}"))

    assert ("a \x1b[0mb", SESSION) == (said.name, said.session_id)


def test_the_first_of_two_equal_keys_counts() -> None:
    """
    A key that stands twice keeps its first value, in a console line as in a REPORT.
    """
    twice = f"REPORT RequestId: {REQUEST}\tDuration: 1.00 ms\tDuration: 2.00 ms"

    assert {"a": 1} == fields(coloured("e", "a=1  a=2")) == fields(plain("e", "a=1 a=2"))
    assert {"requestId": REQUEST, "durationMs": 1.0} == fields(twice)


def test_a_traceback_under_a_console_line_adds_no_fields() -> None:
    """
    Fields end where the renderer breaks the line for an exception.
    """
    for line in (coloured("e", "a=1"), plain("e", "a=1")):
        assert {"a": 1} == fields(line + f"\nTraceback\n  session_id={OTHER} b=2")
    assert {} == fields(f"{TIME} [info     ] failed\nTraceback session_id={OTHER}")


def test_a_value_that_was_cut_off_costs_only_itself() -> None:
    """
    A line cut inside a quoted value keeps what stood before it.
    """
    said = read_message(plain("e", f"session_id={SESSION} prompt='# You are"))

    assert ("e", SESSION, {"session_id": SESSION}) == (said.name, said.session_id, said.fields)


def test_fields_named_as_the_renderers_own_do_not_clash() -> None:
    """
    Fields called message, event, level or name stay fields.
    """
    said = read_message(coloured("lambda_startup", "message='hi'  event=x  level=loud  name=n"))

    assert ("lambda_startup", "INFO") == (said.name, said.level)
    assert {"message": "hi", "event": "x", "level": "loud", "name": "n"} == said.fields


# --- Lambda's own lines ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"the user wrote\nREPORT RequestId: {REQUEST}\tDuration: 1.00 ms",
        f" REPORT RequestId: {REQUEST}\tDuration: 1.00 ms",
        f"Remember: REPORT RequestId: {REQUEST}\tDuration: 1.00 ms",
        f"START the END RequestId: {REQUEST}",
        f"INFO: START RequestId: {REQUEST} Version: $LATEST",
        f"INFO: END RequestId: {REQUEST}",
        f"[INFO]\t{TIME}\t{REQUEST}\tEND RequestId: {REQUEST}",
        f"{TIME} said: {REQUEST} Task timed out after 30.03 seconds",
        plain("said", f"text='REPORT RequestId: {REQUEST}'"),
        json.dumps({"level": "INFO", "message": f"REPORT RequestId: {REQUEST}\tDuration: 1.00 ms"}),
        json.dumps({"level": "INFO", "message": platform("report", requestId=REQUEST)}),
        json.dumps({"body": json.loads(platform("report", requestId=REQUEST))}),
        f"[INFO]\t{TIME}\t{REQUEST}\t" + platform("report", requestId=REQUEST),
        f"INFO: the user wrote {platform('report', requestId=REQUEST)}",
        '{"time":"now","type":"platform.report","record":"none"}',
    ],
)
def test_a_forged_line_of_lambdas_is_somebodys_text(text: str) -> None:
    """
    START, END, REPORT, timeouts and platform events count only where a message begins with them.
    """
    assert read_message(text).kind in ("log", "text")


@pytest.mark.parametrize("written", ["9" * 5000, "NaN", "-1.00", "1e9", "", "1_0", "٣"])
def test_an_absurd_metric_is_dropped(written: str) -> None:
    """
    A number that cannot be is left out, and its neighbours stay.
    """
    text = f"REPORT RequestId: {REQUEST}\tDuration: {written} ms\tMemory Size: 128 MB\t"

    assert {"requestId": REQUEST, "memorySizeMB": 128} == fields(text)


@pytest.mark.parametrize("written", ["9" * 5000, "NaN", "-1", "Infinity", "1e999", "true", '"x"', "[1]"])
def test_an_absurd_metric_in_a_platform_event_is_dropped(written: str) -> None:
    """
    The same holds for platform.report's metrics.
    """
    record = f'{{"requestId":"{REQUEST}","metrics":{{"durationMs":{written},"memorySizeMB":128}}}}'
    text = f'{{"time":"{TIME}","type":"platform.report","record":{record}}}'

    assert {"type": "platform.report", "requestId": REQUEST, "memorySizeMB": 128} == fields(text)


@pytest.mark.parametrize("written", ["undefined", "", "f8ac1208...", "-", "x" * 129])
def test_a_missing_or_shortened_request_id_is_none(written: str) -> None:
    """
    What stands for an ID without being one names no request.
    """
    assert () == read_message(f"START RequestId: {written}".rstrip() + "\tVersion: 8").request_ids
    assert () == read_message(platform("start", requestId=written)).request_ids
    assert () == read_message(json.dumps({"level": "INFO", "requestId": written})).request_ids


def test_report_reads_the_same_in_text_and_json() -> None:
    """
    The metrics have platform.report's names whichever form they came in.
    """
    text = f"REPORT RequestId: {REQUEST}\tDuration: 32312.00 ms\tInit Duration: 5.5 ms\tStatus: timeout"
    metrics = {"durationMs": 32312.0, "initDurationMs": 5.5}
    event = fields(platform("report", requestId=REQUEST, status="timeout", metrics=metrics))

    assert fields(text) == {key: value for key, value in event.items() if key != "type"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("initReport", "initDurationMs"),
        ("initRuntimeDone", "initDurationMs"),
        ("restoreReport", "restoreDurationMs"),
        ("restoreRuntimeDone", "restoreDurationMs"),
        ("runtimeDone", "durationMs"),
    ],
)
def test_a_duration_is_named_for_what_it_measures(kind: str, name: str) -> None:
    """
    The durationMs of an init or a restore event is not a request's duration.
    """
    assert {"type": f"platform.{kind}", name: 12.5} == fields(platform(kind, metrics={"durationMs": 12.5}))


def test_other_platform_events_keep_their_fields() -> None:
    """
    Dropped logs and the like are platform lines with what they tell.
    """
    said = read_message(platform("logsDropped", reason="slow", droppedRecords=12))

    assert ("platform", {"type": "platform.logsDropped", "reason": "slow", "droppedRecords": 12}) == (
        said.kind,
        said.fields,
    )


def test_a_killed_runtime_is_an_error_with_its_type() -> None:
    """
    Lambda's line about an ended process gives request and error type.
    """
    text = f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed\nRuntime.ExitError"

    assert Message(
        "log", (REQUEST,), level="ERROR", fields={"errorType": "Runtime.ExitError"}
    ) == read_message(text)


# --- JSON -------------------------------------------------------------------------------------------


def test_our_own_record_is_one() -> None:
    """
    A guard record gives its kind as the name and all its scalars as fields.
    """
    record: dict[str, object] = {
        "level": "INFO",
        "timestamp": TIME,
        "guard": "phase.end/1",
        "request_id": REQUEST,
    }
    record |= {"session_id": SESSION, "phase": "extraction", "PhaseDuration": 4012.3}
    said = read_message(json.dumps({**record, "_aws": {"Timestamp": 1}}))

    assert Message("record", (REQUEST,), SESSION, "phase.end/1", "INFO", AT, record) == said


@pytest.mark.parametrize(
    "timestamp",
    ["2026-02-09 23:48:31,000+0000", "2026-02-10T00:48:31.000+01:00", 1770680911, 1770680911000, TIME],
)
def test_powertools_gives_lambdas_id_first_and_its_time(timestamp: object) -> None:
    """
    function_request_id outranks any other ID, in each timestamp format that Powertools writes.
    """
    line = {
        "level": "INFO",
        "location": "f:1",
        "message": "saved",
        "timestamp": timestamp,
        "request_id": "app-1",
    }
    said = read_message(json.dumps({**line, "function_request_id": REQUEST, "session_id": SESSION}))

    assert ((REQUEST, "app-1"), SESSION, AT) == (said.request_ids, said.session_id, said.at)


def test_a_json_line_may_wrap_a_console_line() -> None:
    """
    Lambda's JSON formatter around structlog gives the outer request and the inner event.
    """
    inner = coloured("coaching_service.session_completed", f"session_id={SESSION}", before="")
    said = read_message(
        json.dumps({"timestamp": TIME, "level": "INFO", "message": inner, "requestId": REQUEST})
    )

    assert ((REQUEST,), SESSION, "coaching_service.session_completed") == (
        said.request_ids,
        said.session_id,
        said.name,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"session_id": OTHER, "message": "hello"},
        {"session_id": OTHER, "event": "what the user wrote"},
        {"session_id": OTHER, "data": {"is_final": True}, "timestamp": TIME},
        {"requestContext": {"requestId": "g-1"}, "body": f'{{"session_id": "{OTHER}"}}'},
        {"Item": {"session_id": {"S": OTHER}}, "level": {"S": "INFO"}},
        {"level": "INFO", "event": "x", "response": {"session_id": OTHER}},
        {"level": "INFO", "message": f"session_id={OTHER}"},
        {"level": "INFO", "message": f'{{"session_id": "{OTHER}"}}'},
    ],
)
def test_a_body_printed_as_a_line_names_no_session(body: dict[str, object]) -> None:
    """
    A request's or a response's body is no log line, alone or inside one.
    """
    assert read_message(json.dumps(body)).session_id is None


def test_a_session_inside_an_object_message_counts() -> None:
    """
    Where the message itself is an object, its session field is the line's.
    """
    line = {"level": "INFO", "message": {"session_id": SESSION}, "function_request_id": REQUEST}

    assert SESSION == read_message(json.dumps(line)).session_id


@pytest.mark.parametrize(
    "pair", [f'"session_id":"{OTHER}"', f'"\\u0073ession_id":"{OTHER}"', '"session_id":null']
)
def test_a_json_line_with_two_sessions_says_none(pair: str) -> None:
    """
    A duplicate session key, spelled out or escaped, leaves the line without a session.
    """
    once = f'{{"level":"INFO","event":"a.b","session_id":"{SESSION}"}}'
    twice = f'{{"level":"INFO","event":"a.b",{pair},"session_id":"{SESSION}"}}'

    assert (SESSION, None) == (read_message(once).session_id, read_message(twice).session_id)


@pytest.mark.parametrize("value", ["a b", "x" * 129, "", 17, None, "<script>", ["sess_1"], "sess_1\n"])
def test_a_session_that_is_no_id_is_none(value: object) -> None:
    """
    Only text of an ID's alphabet and length is a session ID.
    """
    assert read_message(json.dumps({"level": "INFO", "event": "a.b", "session_id": value})).session_id is None


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 100_000,
        '{"level":"INFO","a":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"level":"INFO"',
        '{"level":"INFO"} trailing',
        "{'level': 'INFO'}",
        '{"time":"' * 50_000,
    ],
)
def test_broken_or_bottomless_json_is_text(text: str) -> None:
    """
    JSON that does not parse, however it fails, is plain text.
    """
    assert Message("text") == read_message(text)


def test_absurd_values_do_not_cost_the_line() -> None:
    """
    An integer of 5,000 digits, NaN and a lone surrogate leave the rest of the line readable.
    """
    text = f'{{"level":"INFO","event":"a.b","n":{"9" * 5000},"x":NaN,"s":"\\ud800","session_id":"{SESSION}"}}'
    said = read_message(text)

    assert (SESSION, "a.b") == (said.session_id, said.name)
    assert {"level": "INFO", "event": "a.b", "s": "\ud800", "session_id": SESSION} == said.fields


@pytest.mark.parametrize(
    "written", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-13-45T99:99:99Z"]
)
def test_an_absurd_timestamp_is_none(written: str) -> None:
    """
    A time outside the calendar costs only itself.
    """
    said = read_message(json.dumps({"level": "INFO", "event": "a.b", "timestamp": written}))

    assert ("a.b", None) == (said.name, said.at)


# --- everything else ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DEBUG: Event needs-retry.dynamodb.GetItem: calling handler", Message("log", level="DEBUG")),
        ("INFO:root:hello", Message("log", level="INFO")),
        (
            "INFO: POST /api/v1/ai/coaching/message 200",
            Message(
                "log",
                level="INFO",
                fields={"method": "POST", "path": "/api/v1/ai/coaching/message", "status_code": 200},
            ),
        ),
        ("[LAMBDA_HANDLER] Response status: 200", Message("text", fields={"status_code": 200})),
        ("[ERROR] KeyError: 'a'\nTraceback", Message("log", level="ERROR", fields={"errorType": "KeyError"})),
        ("x-amz-date:20261123T234133Z", Message("text")),
        ("20261123T234133Z", Message("text")),
        ("", Message("text")),
        ("\n", Message("text")),
    ],
)
def test_plain_lines_say_their_level_and_little_more(text: str, expected: Message) -> None:
    """
    Lines without a structured format give what their prefix tells.
    """
    assert expected == read_message(text)


LAMBDAS = ["REPORT RequestId: ", "START RequestId: ", "END RequestId: ", "INFO: ", "[INFO]", "[info     ] "]
JSONS = ['{"time":"', '"type":"platform.report"', '"record":{}', '"level":"INFO"', "{", "}"]
PIECES = st.sampled_from(
    [*LAMBDAS, *JSONS, TIME, REQUEST, f"session_id={SESSION}", "a=", *"\x1b\t\n =[],:-()'\"\\\ud800"]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
@example(platform("start"))
@example(f"END RequestId: {REQUEST}")
def test_any_text_reads_as_some_message(text: str) -> None:
    """
    No text makes the reader raise, and only a text that begins so is Lambda's START, END or REPORT.
    """
    said = read_message(text)

    if said.kind in ("start", "end", "report"):
        assert (
            text.startswith(("START RequestId:", "END RequestId:", "REPORT RequestId:"))
            or '"platform.' in text
        )
    assert said.session_id is None or said.session_id in text


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists)
    )
)
def test_any_json_object_reads_as_some_message(line: dict[str, object]) -> None:
    """
    Whatever a logger puts into its fields, the line keeps its level, and its fields are scalars.
    """
    said = read_message(json.dumps({**line, "level": "INFO", "event": "a.b"}))

    assert ("INFO", "a.b") == (said.level, said.name) or "guard" in line
    assert all(
        value is None or isinstance(value, str | int | float) for value in (said.fields or {}).values()
    )
