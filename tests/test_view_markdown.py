"""The Markdown note: what a ticket needs, and nothing that a log line could break out of."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.events import Skip
from incidents.timeline import Phase
from incidents.views import Options
from incidents.views.markdown import code, prose, render
from tests.hostile import SECRETS, hostile
from tests.reports import RETRY, SESSION, SLOW, at, finding, incident, line, report, request, source

ATTACKS = (
    "[click](https://evil.example)",
    "![x](https://evil.example/p.png)",
    "<script>alert(1)</script>",
    "<!-- hidden",
    "@everyone see https://evil.example and #12 or GH-7",
    "` | **bold** | `",
    "a\\| b | c",
    "```",
    "# Heading",
    "1. item",
    "www.evil.example",
    "&lt;b&gt; $x$ ~~gone~~",
)


def bare(markdown: str) -> str:
    """The note without code spans and escaped characters: all that a reader of Markdown acts upon."""
    unescaped = re.compile(r"\\[!-/:-@\[-`{-~]|(`+)(?!`).*?(?<!`)\1(?!`)")
    return "\n".join(unescaped.sub("", each) for each in markdown.splitlines())


def test_the_verdict_stands_before_everything_else():
    """The session, then the verdict in bold, then what to do now; the next command is last."""
    note = render(incident(), Options())
    headings = re.findall(r"^#+ .*", note, re.MULTILINE)

    assert f"## Session `{SESSION}`\n\n**Session {SESSION} was completed, but the client got 503" in note
    assert [
        f"## Session `{SESSION}`",
        "### What to do now",
        "### Requests",
        "### Where the time went",
        "### Findings",
    ] == headings[:5]
    assert note.endswith(f"Next: `guard trace --session {SESSION} --format html -o incident.html`\n")


def test_the_requests_are_a_table():
    """Each request has a row with what it took and what the client got."""
    rows = [each for each in render(incident(), Options()).splitlines() if each.startswith("| `")]

    assert (
        f"| `{SLOW}` | `POST /coaching/message` | 2026-02-09 23:48:08.688Z | 32.3 s | none "
        "| 503 at 30.0 s, inferred | ok | 200 |"
    ) == rows[0]
    assert "| 400 at 150 ms, inferred | ok | 400 |" in rows[1]


def test_where_the_time_went_is_in_order_of_time():
    """Phase, commit and the ten seconds after it stand one below the other."""
    note = render(incident(), Options())
    table = note.split("### Where the time went\n\n")[1].split("\n\n")[0]
    what = [row.split(" | ")[1] for row in table.splitlines()[2:]]

    assert ["in no phase", "`extraction-triggered`", "`extraction`", "`session-completed`"] == what[:4]
    assert ["in no phase", "`request-refused`"] == what[4:]
    assert "| 10.0 s | after `session-completed` |" in table


def test_an_open_phase_says_how_long_it_was_seen():
    """A phase whose end nobody saw has no length, but was seen so long."""
    open_phase = Phase("extraction", at(1), None, "recorded", at(29), error_type="ThrottlingException")
    note = render(report(request(phases=(open_phase,))), Options())

    assert "| open, 28.0 s seen | recorded, failed: `ThrottlingException` |" in note


def test_a_finding_has_its_evidence_and_remedy():
    """Rule, sentence, remedy and the lines it rests on."""
    note = render(incident(), Options())

    assert "#### critical: retry-refused\n" in note
    assert f"(certain, request `{RETRY}`)" in note
    assert "**What to change:** Answer a retry of a completed session with the stored result." in note
    assert "23:48:52.138Z` (`coaching-api.ndjson:534`): `coaching_sessions.send_message.not_active" in note


def test_what_was_skipped_is_listed_and_counted():
    """Every source accounts for what it could not read."""
    cut = source(skipped=(Skip("a.gz:7", "not JSON"),), skipped_count=120, complete=False, unread_bytes=None)
    note = render(report(sources=(cut,), notes=("a stream is none",)), Options())

    assert "| 120 | unknown | NO, it was cut off |" in note
    assert "- Skipped `a.gz:7`: not JSON\n- Skipped 119 more in `coaching-api.ndjson`" in note
    assert "- Note: a stream is none" in note


def test_a_report_without_anything_is_still_a_note():
    """Sections that hold nothing are left out."""
    empty = report(session_id=None, request_id=SLOW, sources=(), next_command=None)
    blocks = render(empty, Options()).split("\n\n")

    assert [
        f"## Request `{SLOW}`",
        "**Nothing is wrong with this session.**",
        "Session status: **active**.\n",
    ] == blocks


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("redact", [True, False])
def test_log_content_cannot_break_out(attack: str, redact: bool):
    """No link, image, tag, mention, reference or extra cell comes out of any field."""
    note = render(hostile(attack), Options(redact=redact))
    rows = [each for each in bare(note).splitlines() if each.startswith("|")]

    assert [] == re.findall(r"[<>\[\]$~&`]|@\w|://|#\d|(?i:\bgh-\d|www\.\w)", bare(note))
    assert {3, 6, 8, 9} >= {row.count("|") for row in rows}


@given(st.text(alphabet="`|\\<>[]()!@#*_~&$-+=1. \n\tab/:"))
def test_no_text_opens_anything(text: str):
    """Whatever punctuation stands in any field, what is left outside code has no meaning."""
    note = render(hostile(text), Options(redact=False))

    assert [] == re.findall(r"[<>\[\]$~&`]|@\w|://", bare(note))
    assert 7 == len(re.findall(r"^#+ ", note, re.MULTILINE))


@given(st.text())
def test_hostile_text_stays_text(text: str):
    """The note is encodable and each text stays on its line, without control characters."""
    note = render(hostile(text), Options(redact=False))
    note.encode()

    assert [] == [each for each in note if each < " " and each != "\n"]
    assert note.count("\n") == render(hostile("x"), Options(redact=False)).count("\n")


@pytest.mark.parametrize("text", ["# a", "1. a", "2) a", "- a", "+ a", "=== a"])
def test_no_prose_opens_a_block(text: str):
    """A list item that begins like a heading or a list holds neither."""
    assert 1 == prose(text).count("\\")
    assert text == prose(text).replace("\\", "")


def test_a_bar_opens_no_cell():
    """Parsers cut a table's row at bars before they see code, so none of a log's is left."""
    note = render(hostile("a\\|b | c"), Options(redact=False))
    rows = [each.count("|") for each in note.splitlines() if each.startswith("|")]

    assert [9, 9, 9, 6, 6, 6, 6, 6, 6, 8, 8, 8] == rows


def test_a_code_span_holds_any_backticks():
    """The fence is longer than any run inside, and a backtick at the edge keeps its distance."""
    assert ("`a`", "``a`b``", "`` ` ``", "`(empty)`") == tuple(map(code, ("a", "a`b", "`", " ")))


def test_prose_reads_as_it_was_written():
    """Names with underscores and decimals are not littered with backslashes."""
    assert "10.4 s after session_completed (32%)" == prose("10.4 s after session_completed (32%)")


def test_evidence_is_redacted():
    """A user's words stay in the logs."""
    told = finding(evidence=(line(1, None, kind="text", message="I am so sad"),))

    assert "`...(11 chars)`" in render(report(findings=(told,)), Options())


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves(secret: str):
    """An address, a token or a key is nowhere in the note."""
    assert secret not in render(hostile(secret), Options())
