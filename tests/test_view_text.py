"""The text view: what is read at two in the morning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guards.errors import BadUsage
from incidents.display import width
from incidents.events import Skip
from incidents.timeline import Gateway, Phase, Session, Timeline
from incidents.views import VIEWS, Options, view
from incidents.views.text import render
from tests.reports import RETRY, SESSION, SLOW, at, finding, incident, line, report, request, source

TERMINAL = Options(columns=80, rows=24)
HOSTILE = "\x1b\x9b\r\n\u202e\u2066\u200b\ufeff\udc80\U000e0041日語é\u0301 ab="
ANY = st.text(st.characters(exclude_categories=()) | st.sampled_from(HOSTILE), max_size=200)
CHOICES = {"severity", "confidence", "kind", "basis", "link", "outcome", "status"}
"""Fields with a fixed set of values, which no log line can fill."""


def with_texts(value: Any, text: Callable[[], str]) -> Any:
    """The value with each text in it replaced, whatever it is nested in."""
    if isinstance(value, str):
        return text()
    if isinstance(value, tuple):
        return tuple(with_texts(each, text) for each in value)
    if isinstance(value, Mapping):
        return {text(): with_texts(each, text) for each in value.values()}
    if not is_dataclass(value):
        return value
    names = [field.name for field in fields(value) if field.name not in CHOICES]
    return replace(value, **{name: with_texts(getattr(value, name), text) for name in names})


def test_the_incident_fits_a_terminal_with_room_for_the_prompt():
    """On 80x24 nothing scrolls away and no line is broken."""
    lines = render(incident(), TERMINAL).splitlines()

    assert len(lines) <= 23
    assert max(map(width, lines)) <= 80


def test_the_incident_is_told_from_the_verdict_to_the_next_command():
    """The facts stand in the order in which they are needed."""
    text = render(incident(), TERMINAL)
    facts = [
        f"Session {SESSION} was completed, but the client\n",
        "Session completed 2026-02-09 23:48:31.000Z by ae220969",
        "ae220969  POST /coaching/message  23:48:08.688Z  took 32.3 s",
        "|25    |28 |30",
        "503 at 30.0 s, inferred ✗",
        "extraction 21.9 s",
        "◆░░ no phase 10.0 s ░",
        "CLAUDE_3_5_SONNET_V2",
        "b81c7f52  150 ms  client 400 inferred  refused SESSION_NOT_ACTIVE",
        "CRITICAL outlived-gateway",
        "CRITICAL stranded-success",
        "CRITICAL retry-refused b81c7f52",
        "WARNING  unaccounted-time",
        "WARNING  slow-phase",
        "Do now  The result is stored",
        "0 skipped",
        "Next    guard trace --session",
    ]

    places = [text.find(fact) for fact in facts]

    assert -1 not in places, facts[places.index(-1)]
    assert sorted(places) == places
    assert text.startswith(facts[0]) and text.endswith("--format html -o incident.html\n")


def test_the_marks_stand_where_their_seconds_are():
    """Each mark stands at its share of the axis, and the client's answer right below the last."""
    axis, client, server = [
        line
        for line in render(incident(), Options(columns=88)).splitlines()
        if re.match(r"client|server| +\|0", line)
    ][:3]
    column = {mark: 8 + int(mark / 32.312 * 80) for mark in (22.312, 25, 28, 30)}

    assert ["|25", "|28", "|30"] == [axis[column[mark] :][:3] for mark in (25, 28, 30)]
    assert "✗" == client[column[30]]
    assert "◆" == server[column[22.312]]


def test_a_pipe_gets_everything():
    """Without rows, both waterfalls, all evidence with its place and all remedies are shown."""
    text = render(incident(), Options())

    assert 2 == text.count("client  ")
    assert sum(len(each.evidence) for each in incident().findings) == text.count(" coaching-api.ndjson:")
    assert f"REPORT\n           request_id={SLOW} durationMs=32312.0" in text
    assert "Change  Answer before the gateway gives up" in text
    assert "coaching-api.ndjson (1234567 bytes): 9 used, 1204 other, 0 skipped" in text
    assert "folded" not in text


def test_all_lines_unfolds_on_a_terminal():
    """Who asks for everything gets on a terminal what a pipe gets."""
    assert render(incident(), Options()) == render(incident(), Options(rows=24, all_lines=True))


def test_a_tall_terminal_folds_nothing_away():
    """What fits is shown."""
    assert render(incident(), Options()) == render(incident(), Options(rows=200))


@pytest.mark.parametrize("rows", [1, 5, 24, 40])
def test_no_finding_is_ever_folded_away(rows: int):
    """However small the terminal, each finding keeps its severity, its rule and its request."""
    findings = [finding(f"rule-{n}", request_id=f"request-{n}", summary="long " * 90) for n in range(30)]
    text = render(report(request(), findings=tuple(findings)), Options(rows=rows))

    assert [f"CRITICAL rule-{n} request-{n}:" for n in range(30)] == re.findall(r"CRITICAL \S+ \S+", text)


def test_folded_requests_are_counted():
    """A session of many requests shows a few and says how many more there are, and how to see them."""
    requests = [request(f"request-{n}", start=60 * n) for n in range(50)]
    text = render(report(request(SLOW, duration=31), *requests), TERMINAL)

    assert "and 45 more requests" in text
    assert "45 requests, 0 lines folded (| less)" in text
    assert len(text.splitlines()) <= 23


def test_skipped_lines_and_cut_sources_are_told_in_every_size():
    """What could not be read is never silent."""
    skips = (Skip("a.json:7", "not JSON"), Skip("a.json:9", "nested too deep"))
    broken = source(skipped=skips, skipped_count=12, complete=False, unread_bytes=77)

    folded = render(incident(sources=(broken,)), TERMINAL)
    full = render(incident(sources=(broken,)), Options(columns=120))

    told = "INCOMPLETE, a source was cut off: 9 events used, 1204 other, 12 skipped (not JSON, ...)"
    assert told in full
    assert told in re.sub(r"\n +", " ", folded)
    assert "skipped a.json:9: nested too deep" in full and "and 10 more skipped" in full and "CUT OFF" in full


def test_notes_are_told_in_every_size():
    """A note about the data itself is not folded away without a count."""
    notes = ("a REPORT line was forged", "stream x is none")

    assert "2 notes, 14 lines folded (| less)" in render(incident(notes=notes), TERMINAL)
    assert "Note    a REPORT line was forged (and 1 more note)" in render(
        incident(notes=notes), Options(rows=45)
    )
    assert "note: stream x is none" in render(incident(notes=notes), Options())


def test_missing_facts_are_said():
    """Without an end, an answer or a phase, the view says so and invents nothing."""
    open_end = request(
        duration=None, last_seen=at(12), gateway=Gateway("unknown", timedelta(seconds=30), None, None, "none")
    )
    text = render(report(open_end), Options())

    assert "end not seen" in text and "? end not seen, last line at 12.0 s" in text
    assert "answer not known" in text
    assert "no phase known" in text


def test_an_open_phase_is_counted_to_the_end_seen():
    """A phase that a killed process left open shows how long it had run."""
    open_phase = Phase("extraction", at(2), None, "recorded", at(30))
    killed = request(duration=30.5, outcome="timeout", phases=(open_phase,))
    text = render(report(killed), Options())

    assert "A extraction open after 28.0 s" in text
    assert "✗ timed out at 30.5 s" in text


def test_an_init_that_was_waited_for_comes_before_the_start():
    """The client's clock starts with the init; one that nobody waited for is told but not drawn."""
    cold = {"duration": 26.0, "init_duration": timedelta(seconds=6)}
    waited = render(report(request(**cold, init_waited=True)), Options())
    proactive = render(report(request(**cold)), Options())

    assert re.search(r"server  ▒+ init 6.0 s [▒─]", waited) and "▌ end at 32.0 s" in waited
    assert "init 6.0 s before it, nobody waited" in proactive and "▌ end at 26.0 s" in proactive


def test_local_time_stands_beside_utc():
    """With a timezone, the request's and the session's time are shown in both."""
    text = render(incident(), replace(TERMINAL, timezone=timezone(timedelta(hours=-8), "PST")))

    assert "23:48:08.688Z (15:48:08 PST)" in text and "23:48:31.000Z (15:48:31 PST)" in text
    assert len(text.splitlines()) <= 23


@pytest.mark.parametrize("options", [TERMINAL, Options(), Options(columns=47)])
def test_colour_never_carries_a_meaning_alone(options: Options):
    """Coloured output without its colours is the uncoloured output."""
    coloured = render(incident(), replace(options, color=True))

    assert "\x1b[" in coloured
    assert render(incident(), options) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 200), st.sampled_from([None, 1, 24, 60]), st.booleans(), st.booleans())
def test_no_text_breaks_out_of_its_row(data, columns: int, rows: int | None, ascii_only: bool, redact: bool):
    """Whatever stands in any text of a report: rows keep to the columns and are printable."""
    texts = data.draw(st.lists(ANY, min_size=1, max_size=8))
    index = iter(range(10**9))
    hostile = with_texts(incident(notes=("note",)), lambda: texts[next(index) % len(texts)])

    text = render(hostile, Options(columns=columns, rows=rows, ascii=ascii_only, redact=redact))

    assert all(line.isprintable() and width(line) <= max(columns, 20) for line in text.split("\n"))
    assert text.isascii() or not ascii_only


@settings(max_examples=60, deadline=None)
@given(
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=10**6)),
    st.timedeltas(timedelta(0), timedelta(days=10**6)),
)
def test_no_clock_breaks_the_waterfall(last: datetime, init: timedelta, limit: timedelta):
    """Absurd times, ends before their starts and a limit of nothing are drawn at the edge."""
    phase = Phase("extraction", at(1), last, "recorded", last)
    gateway = Gateway("unknown", limit, 503, init, "observed")
    odd = request(
        end=last, last_seen=last, init_duration=init, init_waited=True, phases=(phase,), gateway=gateway
    )

    text = render(report(odd), Options(timezone=timezone(timedelta(hours=14))))

    assert all(width(line) <= 80 for line in text.splitlines())


def test_ascii_only_draws_the_same_with_other_signs():
    """A terminal without box drawing gets every fact in ASCII."""
    text = render(incident(), replace(TERMINAL, ascii=True))

    assert text.isascii()
    assert "503 at 30.0 s, inferred X" in text and "*.. no phase 10.0 s .." in text


SECRETS = (
    "ann@example.com",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    "Bearer s3cr3t-t0k3n",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("options", [TERMINAL, Options(), Options(columns=200, ascii=True)])
def test_a_secret_in_every_text_of_a_report_stays_inside(secret: str, options: Options):
    """With a canary in each of its texts, no report shows one."""
    text = render(with_texts(incident(notes=("note",)), lambda: f"x {secret} y"), options)

    assert secret not in text
    assert not any(part in text for part in secret.split() if len(part) > 7)


def test_the_words_of_a_user_stay_inside():
    """What a line says in message, name and fields is not shown; with redaction off it is."""
    words = "my marriage is failing"
    fields = {"user_message": words, "status": words, "error_code": words}
    told = line(1, words, message=words, level=words, session_id=words, request_ids=(words,), fields=fields)
    broken = incident(findings=(finding(evidence=(told,)),))

    assert "marriage" not in render(broken, Options())
    assert "marriage" in render(broken, Options(redact=False))


def test_names_from_log_lines_are_hidden_where_they_are_no_names():
    """A phase, a model or an error type that reads like a user's words is counted, not shown."""
    words = "my marriage is failing"
    odd = Phase(words, at(1), at(9), "recorded", at(9), model=words, error_type=words)
    text = render(report(request(duration=9.5, phases=(odd,), error_type=words, outcome="error")), Options())

    assert "marriage" not in text
    assert "A ...(22 chars) 8.0 s ...(22 chars) failed: ...(22 chars)" in text


def test_a_status_of_thousands_of_digits_is_not_known():
    """What no reader can write out does not stop the view."""
    absurd = Gateway("http", timedelta(seconds=30), 10**5000, timedelta(seconds=1), "observed")

    assert "answer not known" in render(report(request(gateway=absurd)), Options())


def test_a_command_too_long_for_a_row_can_still_be_copied():
    """It is broken between words with a backslash, and never inside a quote."""
    command = "guard trace --session sess_1 --logs 'a folder with a long name' --format html -o incident.html"
    text = render(report(request(), next_command=command), Options(columns=60))
    tail = text[text.index("Next    ") + 8 :]

    assert command == re.sub(r" \\\n +", " ", tail).strip()


def test_a_report_without_requests_says_so():
    """No request is an answer too."""
    assert "No request was found." in render(report(verdict="Nothing is known."), TERMINAL)


def test_the_retry_is_refused_by_name():
    """The worst request is drawn even when it is not the first."""
    only = tuple(each for each in incident().findings if each.request_id == RETRY)
    text = render(incident(findings=only), TERMINAL)

    assert re.search(r"^b81c7f52  POST /coaching/message", text, re.MULTILINE)


def test_every_format_is_known_by_name():
    """A view is found by its name, and an unknown name says which there are."""
    assert ["text", "json", "html", "markdown", "otlp", "perfetto"] == list(VIEWS)
    assert VIEWS["text"](incident(), TERMINAL) == view("text")(incident(), TERMINAL)
    with pytest.raises(BadUsage, match="choose one of: text, json"):
        view("pdf")


def test_a_completion_that_was_undone_says_both():
    """After a lost update the status is the last save's, and the completion still has its time."""
    done = incident()
    session = replace(done.timeline.session, status="active")
    text = render(replace(done, timeline=replace(done.timeline, session=session)), Options())

    assert "Session active now, but was completed 2026-02-09 23:48:31.000Z by ae220969" in text


def test_a_worker_has_no_client() -> None:
    """What a queue invoked is shown under its event source, and nobody waits for it, in every view."""
    worker = report(request(duration=40.0, route="aws:sqs"))
    text, html, perfetto = (view(name)(worker, Options()) for name in ("text", "html", "perfetto"))

    assert "  aws:sqs  " in text
    assert "client  nobody waits " in text
    assert "nobody waits" in render(worker, TERMINAL)
    assert "nobody waits" in html
    assert "not known" not in text
    assert ">waited" not in html
    assert '"client: ' not in perfetto


def test_what_is_not_known_of_a_session_is_its_status() -> None:
    """The session itself is known: it was asked for."""
    session = Session(SESSION, "unknown", None, None)
    shown = render(report(timeline=Timeline(session, (request(),))), Options())

    assert "Session status unknown, first request 2026-02-09" in shown
