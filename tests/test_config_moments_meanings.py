"""What users may set: configuration files, points in time, and what their log lines mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guards.errors import BadUsage
from incidents.config import KEYS, check, defaults
from incidents.meanings import load
from incidents.moments import moment
from tests.logs import A, answer, end, report, said, start

NOW = datetime(2026, 2, 10, 8, 30, tzinfo=UTC)


# --- the configuration ------------------------------------------------------------------------------


def test_without_files_nothing_is_set(tmp_path):
    """An empty folder, and a pyproject.toml of somebody else, set nothing."""
    assert {} == defaults(tmp_path)

    (tmp_path / "pyproject.toml").write_text('[tool.other]\nkey = "value"\n')

    assert {} == defaults(tmp_path)


def test_guard_toml_wins_over_pyproject_as_a_whole(tmp_path):
    """Two files are not mixed: what guard.toml leaves out is not taken from pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text('[tool.guard]\ngateway = "rest"\nlogs = "saved"\n')

    assert {"gateway": "rest", "logs": "saved"} == defaults(tmp_path)

    (tmp_path / "guard.toml").write_text("gateway_limit_ms = 29000\n")

    assert {"gateway_limit_ms": 29000} == defaults(tmp_path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gatway = 'rest'", "sets 'gatway', which is not known; known are logs, gateway,"),
        ("gateway = 'soap'", "sets gateway to 'soap'; it is http or rest"),
        ("gateway = ['http']", "sets gateway to \"['http']\""),
        ("gateway_limit_ms = '30000'", "sets gateway_limit_ms to '30000'; it is the gateway's"),
        ("gateway_limit_ms = 0", "sets gateway_limit_ms to '0'"),
        ("gateway_limit_ms = true", "sets gateway_limit_ms to 'True'"),
        ("gateway_limit_ms = 900001", "from 1,000 to 900,000"),
        ("conversation_budget_s = nan", "sets conversation_budget_s to 'nan'"),
        ("conversation_budget_s = -1", "sets conversation_budget_s to '-1'"),
        ("extraction_budget_s = 1e300", "sets extraction_budget_s to '1e+300'"),
        ("extraction_budget_s = true", "sets extraction_budget_s to 'True'"),
        ("logs = 5", "sets logs to '5'; it is paths of saved logs"),
        ("meanings = [5]", "sets meanings to '[5]'"),
        ("access_log_format = 5", "sets access_log_format to '5'"),
        ("gateway = ", "cannot be read as TOML"),
        ("gateway = '\udcff'", "cannot be read as TOML"),
    ],
)
def test_a_setting_that_is_off_is_named_with_its_file(tmp_path, text, complaint):
    """The sentence says which file, which setting, which value, and what it should be."""
    (tmp_path / "guard.toml").write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(BadUsage) as raised:
        defaults(tmp_path)

    assert complaint in str(raised.value)
    assert "guard.toml" in str(raised.value)


@pytest.mark.parametrize("text", ["tool = 5", "[tool]\nguard = 5"])
def test_a_tool_that_is_no_table_is_said(tmp_path, text):
    """pyproject.toml with something else in the table's place is told apart from none."""
    (tmp_path / "pyproject.toml").write_text(text)

    with pytest.raises(BadUsage, match=r"is no table; write \[tool\.guard\]"):
        defaults(tmp_path)


def test_what_is_in_range_passes():
    """Both ends of each range, and both ways to write paths."""
    check(
        {"gateway_limit_ms": 1000, "conversation_budget_s": 0, "extraction_budget_s": 900, "logs": "a"},
        "here",
    )
    check({"gateway_limit_ms": 900_000, "conversation_budget_s": 0.5, "logs": ["a", "b"]}, "here")

    assert {"logs", "gateway"} < set(KEYS)


# --- points in time ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("30m ago", NOW - timedelta(minutes=30)),
        (" 2H ", NOW - timedelta(hours=2)),
        ("1d", NOW - timedelta(days=1)),
        ("1 w", NOW - timedelta(weeks=1)),
        ("18:00", datetime(2026, 2, 10, 18, tzinfo=UTC)),
        ("today 7:05", datetime(2026, 2, 10, 7, 5, tzinfo=UTC)),
        ("yesterday", datetime(2026, 2, 9, tzinfo=UTC)),
        ("yesterday 23:48:39", datetime(2026, 2, 9, 23, 48, 39, tzinfo=UTC)),
        ("2026-02-09", datetime(2026, 2, 9, tzinfo=UTC)),
        ("2026-02-09 23:48", datetime(2026, 2, 9, 23, 48, tzinfo=UTC)),
        ("2026-02-09T23:48:39.5Z", datetime(2026, 2, 9, 23, 48, 39, 500_000, UTC)),
        ("2026-02-10T00:48+01:00", datetime(2026, 2, 9, 23, 48, tzinfo=UTC)),
    ],
)
def test_a_moment_is_what_it_says_in_utc(text, expected):
    """Relative, by day, by clock and absolute; UTC where no zone is given."""
    told = moment(text, NOW)

    assert (expected, timedelta(0)) == (told, told.utcoffset())


@pytest.mark.parametrize(
    "text",
    [
        *("", "soon", "2x", "25:00", "18:60", "yesterday 24:00", "2026-02-30", "-2h", "2h3"),
        *("999999w", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "٣h:", "2026-02-09T23:48Zulu"),
    ],
)
def test_no_moment_gets_a_sentence(text):
    """Out of range, impossible and foreign alike: what was written, and how to write it."""
    with pytest.raises(BadUsage, match="is not a time; write 2h, 30m, yesterday 18:00"):
        moment(text, NOW)


# --- meanings ---------------------------------------------------------------------------------------

OURS = '[event."chat.answered"]\ncloses_call = true\nduration_ms_field = "took"\nmodel_field = "llm"\n'


def phases(meanings):
    """The phases of a request with one line of the API's, and one of ours."""
    rows = (
        *((0, start()), (1, said("coaching_sessions.send_message"))),
        (5, said("coaching_service.llm_call_completed", model_code="GPT_4O", processing_time_ms=3000)),
        (9, said("chat.answered", llm="OWN", took=2000)),
        *((10, end()), (10, report(A, 10_000))),
    )
    [request] = answer(*rows, meanings=meanings).timeline.requests
    return [(phase.name, phase.model, phase.duration.total_seconds()) for phase in request.phases]


def file(tmp_path, text, name="ours.toml"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_meanings_are_extended(tmp_path):
    """A user's event is understood beside the built-in ones."""
    assert [("conversation", "GPT_4O", 3.0)] == phases(load())
    assert [("conversation", "GPT_4O", 3.0), ("conversation", "OWN", 2.0)] == phases(
        load([file(tmp_path, OURS)])
    )


def test_meanings_are_replaced(tmp_path):
    """With replace the built-in ones are gone, and the default phase is the user's."""
    path = file(tmp_path, f'replace = true\ndefault_phase = "chat"\n{OURS}')

    assert [("chat", "OWN", 2.0)] == phases(load([path]))


def test_the_later_file_wins(tmp_path):
    """Of two files that speak of one event the later counts, for the whole event."""
    first = file(tmp_path, OURS, "first.toml")
    second = file(tmp_path, '[event."chat.answered"]\nmilestone = "answered"\n', "second.toml")
    meaning = load([first, second]).of("chat.answered")

    assert meaning is not None
    assert ("answered", False, None) == (meaning.milestone, meaning.closes_call, meaning.duration_ms_field)


def test_throttling_is_extended_key_by_key(tmp_path):
    """Own phrases replace the built-in phrases, and leave the patterns and decoys in force."""
    ours = load([file(tmp_path, '[throttling]\nphrases = ["slow down"]\n')]).throttling

    assert (("slow down",), load().throttling.patterns) == (ours.phrases, ours.patterns)
    assert ours.unless == load().throttling.unless != ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("evnt = 5", "says 'evnt', which is not known; known are event, throttling, default_phase, replace"),
        ("event = 5", "says event = '5'; it must be tables: [event.\"its.name\"]"),
        ("[event]\na = 5", "in the event 'a', has no table"),
        ("[event.a]\nclose_call = true", "in the event 'a', says 'close_call', which is not known"),
        ("[event.a]\ncloses_call = 'yes'", "says closes_call = 'yes'; it must be true or false"),
        ("[event.a]\nmilestone = 5", "says milestone = '5'; it must be a text"),
        ("[event.a]\nresponse_status = '400'", "says response_status = '400'; it must be a whole number"),
        ("[event.a]\nresponse_status = true", "says response_status = 'True'; it must be a whole number"),
        ("throttling = 5", "says throttling = '5'; it must be a table"),
        ("[throttling]\nfoo = []", "in [throttling], says 'foo', which is not known"),
        ("[throttling]\nevents = 'abc'", "says events = 'abc'; it must be a list of texts"),
        ("[throttling]\nlevels = [5]", "says levels = '[5]'; it must be a list of texts"),
        ("[throttling]\npatterns = ['(']", "has the pattern '(', which is none: missing )"),
        ("default_phase = 5", "says default_phase = '5'; it must be a text"),
        ("replace = 'no'", "says replace = 'no'; it must be true or false"),
        ("replace = ", "is no valid TOML"),
    ],
)
def test_meanings_that_say_nonsense_are_refused(tmp_path, text, complaint):
    """The sentence names the file, the key, the value and what it must be."""
    with pytest.raises(BadUsage) as raised:
        load([file(tmp_path, text)])

    assert complaint in str(raised.value)
    assert "ours.toml" in str(raised.value)


def test_meanings_that_cannot_be_read_are_refused(tmp_path):
    """A file that is missing, a folder, and one in another encoding."""
    with pytest.raises(BadUsage, match=r"none\.toml cannot be read: No such file"):
        load([tmp_path / "none.toml"])
    with pytest.raises(BadUsage, match="cannot be read: Is a directory"):
        load([tmp_path])
    (tmp_path / "latin.toml").write_bytes(b"default_phase = '\xe9'")
    with pytest.raises(BadUsage, match="is no valid TOML"):
        load([tmp_path / "latin.toml"])
