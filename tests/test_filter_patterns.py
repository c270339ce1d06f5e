"""CloudWatch Logs filter patterns: what matches, what is refused, and the coaching API's real lines."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alarms.filter_patterns import FilterPatternError, matches, parse
from alarms.filter_patterns.values import like

REAL = Path(__file__).parent / "data" / "real"
MESSAGES = [
    json.loads(line)["message"]
    for line in gzip.decompress((REAL / "near-miss.events.ndjson.gz").read_bytes()).splitlines()
]
TRUTH = json.loads((REAL / "near-miss.truth.json").read_bytes())

USER = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "latency": 503.5,
        "status": "503",
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6]],
        "my.name": "dotted",
    }
)
ACCESS = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


def matching(pattern: str) -> int:
    """How many of the real lines match."""
    return sum(matches(pattern, message) for message in MESSAGES)


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        (" ", "anything", True),
        ("ERROR", "[ERROR] A fatal exception has occurred", True),
        ("ERROR", "Exiting with ERRORCODE: -1", True),
        ("ERROR", "error", False),
        ("ERROR Exception", "[ERROR] Caught IllegalArgumentException", True),
        ("ERROR Exception", "[ERROR] fine", False),
        ('"Task timed out"', "Task timed out after 30.03 seconds", True),
        ('"Task out timed"', "Task timed out", False),
        ('ERROR - "Exiting"', "ERROR", True),
        ('ERROR - "Exiting"', "Exiting with ERRORCODE: -1", False),
        ("ERROR -WARN", "ERROR WARN message", False),
        ("-WARN", "ERROR message", True),
        ("?ERROR ?WARN", "WARN message", True),
        ("?ERROR ?WARN", "INFO message", False),
        ("?ERROR WARN", "WARN message", True),
        ("?ERROR WARN", "ERROR message", False),
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        (r"%\d{1,3}\.\d{1,3}%", "at 10.4", True),
        (r"%^\d+$%", "x1", False),
        (r'"say \"hi\""', 'say "hi"', True),
    ],
)
def test_terms_match_as_documented(pattern, message, expected):
    """Terms stand anywhere in the event and in this case; - excludes, with ? one of several is enough."""
    assert expected == matches(pattern, message)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code]", False),
        ("[ip, user, username, timestamp, request, status_code, bytes, more]", False),
        ("[..., status_code, bytes]", True),
        ("[ip, user, ..., status_code, bytes]", True),
        ("[ip, user, ...]", True),
        ("[...]", True),
        ("[a, b, c, ..., d, e, f, g, h]", False),
        ("[ip, user, username, timestamp, request, status_code, bytes > 1000]", True),
        ("[ip, user, username, timestamp, request, status_code, bytes > 1534]", False),
        ("[ip, user, username, timestamp, request, status_code = 404, bytes]", True),
        ("[ip, user, username, timestamp, request, status_code = 4*, bytes]", True),
        ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[..., status_code = 4* && status_code != 404, bytes]", False),
        ("[..., status_code = 5* || status_code = 4*, bytes]", True),
        ("[..., status_code =! 404, bytes]", False),
        ("[..., request=*.html*, status_code=4*,]", True),
        (r"[ip=%127\.0\.0\.[1-9]%, ...]", True),
        ('[..., status_code="404", bytes]', True),
        ("[..., timestamp=10/Oct/2000*, request, status_code, bytes]", True),
    ],
)
def test_fields_match_as_documented(pattern, expected):
    """Fields are split at spaces, brackets and quotes hold one, their number counts, ... passes over some."""
    assert expected == matches(pattern, ACCESS)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.eventType = "UpdateTrail" }', True),
        ("{ $.eventType = Update* }", True),
        ("{ $.eventType = *Trail }", True),
        ("{ $.eventType = *dateT* }", True),
        ("{ $.eventType = *date }", False),
        ("{ $.sourceIPAddress != 123.123.* }", True),
        ("{ $.sourceIPAddress != 111.* }", False),
        ('{ $.arrayKey[0] = "value" }', True),
        ("{ $.objectList[1].id = 2 }", True),
        ("{ $.objectList[*].id = 2 }", True),
        ("{ $.objectList[9].id = 2 }", False),
        ("{ $.objectList = 2 }", False),
        ("{ $.objectList != 2 }", False),
        ("{ $.SomeObject IS NULL }", True),
        ("{ $.Missing IS NULL }", False),
        ("{ $.Missing NOT EXISTS }", True),
        ("{ $.SomeObject NOT EXISTS }", False),
        ("{ $.Missing != 1 }", False),
        ("{ $.ThisFlag IS TRUE }", True),
        ("{ $.ThisFlag IS FALSE }", False),
        ("{ $.latency = * }", True),
        ("{ $.latency >= 503.5 }", True),
        ("{ $.latency > +503.5 }", False),
        ("{ $.latency < 10e3 }", True),
        ("{ $.latency = 5* }", True),
        ("{ $.status >= 500 }", False),
        ("{ $.status = 503 }", True),
        ("{ $.status = %5[0-9]{2}% }", True),
        ("{ $.['my.name'] = dotted }", True),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', True),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', False),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no && $.actions[2] = no }',
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no) && $.actions[2] = no }',
            False,
        ),
    ],
)
def test_json_matches_as_documented(pattern, expected):
    """Properties compare as text or number, && binds before ||, what is no value compares with nothing."""
    assert expected == matches(pattern, USER)


@pytest.mark.parametrize("message", ["", "no JSON", '"text"', "17", '{"eventType": ', "[" * 100_000])
def test_json_patterns_match_json_objects_only(message):
    """A line that is no JSON object or array matches no JSON pattern, also none that asks for an absence."""
    assert not matches("{ $.a NOT EXISTS }", message)


@pytest.mark.parametrize(
    ("pattern", "at", "says"),
    [
        ("Task RequestId:", 14, '"RequestId:"'),
        ("error*", 5, '"error*"'),
        ("ERROR -", 6, "right after it"),
        ('say "hi', 4, 'closing "'),
        ("%(a|b)%", 1, "do not take '('"),
        ("%a", 0, "closing %"),
        ("%%", 0, "empty"),
        ("%a**%", 0, "no regular expression"),
        ("[a, b", 0, "closing ]"),
        ("[a, b] c", 7, "follows the closing ]"),
        ("[..., a, ...]", 9, "second ..."),
        ("[a > x]", 5, "needs a number"),
        ("[a = 1 && b = 2]", 10, "into the field b"),
        ("[a =]", 4, "value to compare"),
        ("[a=%x%, b=%y%, c=%z%]", 0, "more than 2"),
        ("{ $.a = 1", 0, "closing }"),
        ("{ $.a = 1 } x", 12, "follows the closing }"),
        ("{ a = 1 }", 2, "write $.name"),
        ("{ $.a == 1 }", 6, "single ="),
        ("{ $.a }", 6, "one of = !="),
        ("{ $.a = }", 8, "nothing to compare"),
        ("{ $.a > high }", 8, "needs a number"),
        ("{ ($.a = 1 }", 2, "add the )"),
        ("{ $.a[x] = 1 }", 5, "[0]"),
        ("{ $.a = me@x }", 10, '"me@x"'),
        ("{ $.a = 1 && }", 13, "write $.name"),
        ("{ $.a = 1, $.b = 2 }", 9, "&& or ||"),
        ("{ " + "(" * 60 + "$.a = 1" + ")" * 60 + " }", 52, "too deep"),
        ("a" * 1025, 1024, "1024 are the most"),
    ],
)
def test_a_refused_pattern_says_where_and_what_to_write(pattern, at, says):
    """Each kind of mistake has its place and its remedy in the error."""
    with pytest.raises(FilterPatternError) as refused:
        parse(pattern)

    assert at == refused.value.at
    assert says in str(refused.value)
    assert f"at character {at + 1} of the filter pattern" in str(refused.value)


def test_real_report_lines_match_by_their_fields():
    """Fields of REPORT lines, which tabs separate, find the requests that truth from outside names."""
    took = [request["duration_ms"] for request in TRUTH["requests"]]

    assert len(took) == matching("[kind=REPORT, ...]")
    assert sum(ms > 3000 for ms in took) == matching("[kind=REPORT, a, id, b, took > 3000, unit=ms, ...]")
    assert sum(ms > 25_000 for ms in took) == matching("[kind=REPORT, a, id, b, took > 25000, unit=ms, ...]")


def test_real_lines_match_with_colour_codes_glued_to_their_words():
    """Each model call ends with one coloured line, and each completed session is saved with one."""
    calls = sum(len(request["llm_calls"]) for request in TRUTH["requests"])

    assert calls == matching("llm_call_completed")
    assert calls == matching('"coaching_service.llm_call_completed"')
    assert len(TRUTH["completed"]) == matching('"coaching_session.saved" completed')


def test_a_key_and_its_value_are_no_phrase_in_coloured_lines():
    """Colour codes stand around the =, so that only two terms find what one phrase does not."""
    [session] = {each["session_id"] for each in TRUTH["completed"]}

    assert 0 == matching(f'"session_id={session}"')
    assert matching(f'session_id "{session}"') > 20


@given(st.text(max_size=60), st.text(max_size=60))
@example("{ $.a[99999999999999999999] = 1 }", "{}")
@example("%a{99999999999}%", "a")
@example("{ $.a = 1e999 }", '{"a": 1e999}')
@example("{ $.a >= 1 }", '{"a": ' + "9" * 5000 + "}")
@example("[a = 1]", "\u0661")
def test_no_pattern_and_no_message_crashes(pattern, message):
    """Any text either is a pattern that any message matches or not, or is refused with a sentence."""
    try:
        found = matches(pattern, message)
    except FilterPatternError as refused:
        assert 0 <= refused.at <= len(pattern)
    else:
        assert found in (True, False)


PIECES = "{ } [ ] ( ) $ . ... , && || = != < >= =! \" ' % * ? - \\ $.a a 1 1e3 IS NULL NOT EXISTS"
SYNTAX = st.lists(st.sampled_from([*PIECES.split(), "\n"]), max_size=14)


@given(SYNTAX.map(" ".join) | SYNTAX.map("".join))
def test_no_pattern_of_the_syntaxs_own_pieces_crashes(pattern):
    """The same for what is nearly a pattern."""
    try:
        assert matches(pattern, USER) in (True, False)
    except FilterPatternError as refused:
        assert 0 <= refused.at <= len(pattern)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
@example("ab*ba", "aba")
def test_a_star_stands_for_any_text(pattern, text):
    """As a regular expression of the same meaning has it."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None

    assert expected == like(pattern, text)


WORD = st.from_regex(r"[A-Za-z0-9_]{1,8}", fullmatch=True)


@given(st.lists(WORD, min_size=1, max_size=4), st.text(max_size=40))
def test_words_match_where_python_finds_them_all(words, message):
    """A pattern of plain words is a conjunction of substrings, whatever stands around them."""
    assert all(word in message for word in words) == matches(" ".join(words), message)
    assert matches(" ".join(words), "\x1b[1m".join(words))
