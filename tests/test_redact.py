"""What of a log line may leave the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.redact import LONGEST_SHOWN, masked, masked_path, shown
from tests.reports import SESSION, SLOW, line

EMAIL = "ann.lee+x@example.com"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
KEY = "AKIAIOSFODNN7EXAMPLE"
TEMPORARY = "ASIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
BEARER = "Bearer abcdef0123456789"
WORDS = "my marriage is failing"


def test_a_line_shows_its_event_name_and_the_fields_that_are_known():
    """Known fields stand in clear; the length of all others is counted."""
    fields = {"model_code": "CLAUDE_3_5_HAIKU", "processing_time_ms": 2524, "preview": WORDS}

    text = shown(line(1, "coaching_service.llm_call_completed", fields=fields))

    expected = "coaching_service.llm_call_completed model_code=CLAUDE_3_5_HAIKU processing_time_ms=2524"
    assert f"{expected} ...(22 chars)" == text


def test_lambdas_own_lines_show_their_facts():
    """START and REPORT hold nothing of the user's."""
    start = line(0, kind="start", request_ids=(SLOW,))
    report = line(9, kind="report", request_ids=(SLOW,), fields={"durationMs": 32312.0, "status": "timeout"})

    assert f"START request_id={SLOW}" == shown(start)
    assert f"REPORT request_id={SLOW} durationMs=32312.0 status=timeout" == shown(report)


def test_plain_text_is_hidden_whole_and_its_level_is_told():
    """Free text may hold anything: only how long it is can be said."""
    assert "ERROR ...(22 chars)" == shown(line(1, kind="text", message=WORDS, level="ERROR"))


def test_an_access_log_line_shows_status_and_path_without_ids():
    """What the gateway answered is shown; who asked is not."""
    fields = {"status": 503, "path": f"/coaching/{SESSION}", "responseLatency": 30001, "ip": "203.0.113.9"}

    text = shown(line(1, kind="gateway", fields=fields))

    assert "gateway status=503 path=/coaching/... responseLatency=30001 ...(11 chars)" == text


@pytest.mark.parametrize(
    "name",
    [
        "send_message.not_active",
        "coaching_service.FULL_PROMPTS_SENT_TO_LLM",
        "Request completed",
        "platform.runtimeDone",
        "request.end/1",
    ],
)
def test_event_names_are_shown(name: str):
    """What the applications of this house call their events is no secret."""
    assert name == shown(line(1, name))


@pytest.mark.parametrize(
    "name",
    [
        EMAIL,
        JWT,
        KEY,
        SECRET,
        BEARER,
        WORDS,
        "Bob Miller",
        "+49 151 2345678",
        "tel.01512345678",
        "x" * 65,
        "",
    ],
)
def test_event_names_that_may_be_text_are_hidden(name: str):
    """A name that looks like words, a number or a key is counted, not shown."""
    hidden = f"...({len(name)} chars)" if name else ""

    assert hidden == shown(line(1, name))


FIELDS_WITH_A_FORM = [
    "request_id", "session_id", "trace_id", "status", "current_status", "outcome", "model_code", "error_code",
    "error_type", "errorType", "processing_time_ms", "duration_seconds", "status_code", "method", "path",
    "route", "phase", "is_final", "PhaseDuration", "RequestDuration", "responseLatency",
    "integration.requestId",
]  # fmt: skip


@pytest.mark.parametrize("secret", [EMAIL, JWT, KEY, TEMPORARY, SECRET, BEARER, WORDS])
@pytest.mark.parametrize("field", [*FIELDS_WITH_A_FORM, "message", "prompt", "email", "authorization"])
def test_no_secret_leaves_through_a_field(field: str, secret: str):
    """An allow-listed name is no pass: the value must have the form that the name promises."""
    text = shown(line(1, "some.event", fields={field: secret}))

    assert secret not in text
    assert not any(word in text for word in secret.split() if len(word) > 7)


@pytest.mark.parametrize(
    "secret", [EMAIL, "ann%40example.com", JWT, JWT[:20], KEY, TEMPORARY, SECRET, BEARER]
)
def test_secrets_inside_any_text_are_replaced_by_their_length(secret: str):
    """A sentence of a report keeps its words and loses the secret."""
    assert f"failed for ...({len(secret)} chars) twice" == masked(f"failed for {secret} twice")


@pytest.mark.parametrize(
    "text",
    [
        SESSION,
        SLOW,
        "/aws/lambda/coaching-api-4b4d001",
        "logs.json.gz@1234567",
        "2026/02/09/[$LATEST]5c14fe7d1c8c4671",
    ],
)
def test_ids_and_places_are_no_secrets(text: str):
    """What a reader needs to find the lines again stays."""
    assert text == masked(text)


def test_a_path_loses_query_ids_and_addresses():
    """Of a path the words stay, and its method."""
    assert "POST /v1/users/.../{id}/..." == masked_path(f"POST /v1/users/4711/{{id}}/{EMAIL}?token={JWT}")
    assert "...(9 chars)" == masked_path("bob wrote")


def test_unredacted_the_whole_message_is_shown_without_colours():
    """With redaction off the line is as logged, on one line and harmless."""
    message = f"\x1b[32minfo\x1b[0m {EMAIL} \x1b]0;title\x07 {WORDS}\n"

    assert rf"info {EMAIL} \x1b]0;title\x07 {WORDS}" == shown(line(1, message=message), redact=False)


def test_unredacted_a_huge_message_is_cut_and_the_rest_counted():
    """A line of megabytes shows its beginning and how much is left."""
    text = shown(line(1, message="x" * 5_000_000), redact=False)

    assert "x" * LONGEST_SHOWN + f"...({5_000_000 - LONGEST_SHOWN} chars)" == text


def test_an_integer_of_thousands_of_digits_is_hidden():
    """What Python itself refuses to write out does not stop the reader."""
    assert "some.event ...(8 chars)" == shown(
        line(1, "some.event", message="9" * 5000, fields={"status": 10**5000})
    )


@given(st.text(st.characters(exclude_categories=())), st.booleans())
def test_any_line_is_shown_as_printable_text(text: str, redact: bool):
    """Whatever a line says, its evidence is printable and on one line."""
    hostile = line(
        1, text, message=text, session_id=text, request_ids=(text,), level=text, fields={text: text}
    )

    assert shown(hostile, redact=redact).isprintable()
