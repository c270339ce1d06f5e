"""The HTML page: one file that loads nothing, reads without colours, and shows text as text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.events import Skip
from incidents.timeline import Gateway, Phase
from incidents.views import Options
from incidents.views.html import render
from tests.hostile import SECRETS, hostile
from tests.reports import SESSION, THIRTY, at, finding, incident, line, report, request, source

VOID = ("meta",)


class Page(HTMLParser):
    """A page as a browser's parser sees it: its tags, its text, and whether they nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.torn: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note a tag that closes another one."""
        if not self.open or self.open.pop() != tag:
            self.torn.append(tag)

    def handle_data(self, data: str) -> None:
        """Note what is read."""
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """Note what no page of ours has."""
        self.torn.append(f"comment {data}")


def shape(page: str) -> list[tuple[str, list[str]]]:
    """The tags of a page, each with the names of its attributes."""
    return [(tag, list(attributes)) for tag, attributes in Page(page).tags]


def rows(page: str) -> list[list[str]]:
    """The cells of all table rows as text."""
    strip = re.compile(r"<[^>]+>")
    return [
        [strip.sub("", cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row)]
        for row in re.findall(r"<tr.*?</tr>", page)
    ]


def test_every_tag_is_closed_where_it_was_opened():
    """The page nests, and has the language and the title that a screen reader announces."""
    page = Page(render(incident(), Options()))

    assert ([], []) == (page.open, page.torn)
    assert ("html", {"lang": "en"}) == page.tags[0]
    assert f"Incident {SESSION}" in page.words


def test_nothing_is_loaded_and_nothing_runs():
    """No script, no source, no link, no image, no import: and the policy forbids them."""
    page = render(incident(), Options())
    used = {name for _, attributes in Page(page).tags for name in attributes}

    assert set() == {tag for tag, _ in Page(page).tags} & {"script", "link", "img", "iframe", "object", "a"}
    assert set() == {name for name in used if name.startswith("on") or name in ("src", "href", "srcset")}
    assert [] == re.findall(r"url\(|@import|https?:", page)
    assert "default-src 'none'; style-src 'unsafe-inline'" in [
        attributes.get("content") for tag, attributes in Page(page).tags if tag == "meta"
    ]


def test_the_verdict_comes_first_and_the_next_command_last():
    """The page answers in the order in which it is read under pressure."""
    words = " ".join(Page(render(incident(), Options())).words)
    order = ("but the client got 503", "What to do now", "Requests", "Findings", "What was read")

    assert sorted(map(words.index, order)) == list(map(words.index, order))
    assert words.rstrip().endswith(f"guard trace --session {SESSION} --format html -o incident.html")


def test_headings_do_not_skip_a_level():
    """A screen reader's outline has no holes."""
    tags = Page(render(incident(), Options())).tags
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]

    assert 1 == levels[0]
    assert [] == [pair for pair in pairwise(levels) if pair[1] - pair[0] > 1]


def test_the_waterfall_says_in_words_what_it_draws():
    """Client, request, phase, commit and gap stand as text with their times, in order of time."""
    cells = [row[:4] for row in rows(render(incident(), Options())) if len(row) == 5][1:8]

    assert [
        ["waited", "0.0 s", "30.0 s", "got 503 at 30.0 s, inferred"],
        ["request", "0.0 s", "32.3 s", "Lambda: ok, the handler answered 200"],
        ["in no phase", "0.0 s", "362 ms", "at the start"],
        ["extraction-triggered", "322 ms", "", ""],
        ["extraction", "362 ms", "21.9 s", "inferred, CLAUDE_3_5_SONNET_V2"],
        ["session-completed", "22.3 s", "", ""],
        ["in no phase", "22.3 s", "10.0 s", "after session-completed"],
    ] == cells


@pytest.mark.parametrize(("limit", "last"), [(30, "30 s"), (29, "29 s"), (60, "60 s")])
def test_rulers_stand_at_the_gateways_marks(limit: int, last: str):
    """25 s, 28 s and the limit; of another limit, the same parts of it."""
    gateway = Gateway("http", timedelta(seconds=limit), 200, timedelta(seconds=1), "inferred")
    page = render(report(request(gateway=gateway)), Options())
    labels = re.findall(r'<span class="label \w+" style="left:([\d.]+)%">([^<]+)</span>', page)

    assert (["50 s", "56 s"] if limit == 60 else ["25 s", "28 s"]) + [last] == [label for _, label in labels]
    assert ["94.34", "94.34"] == [labels[2][0], re.findall(r'<i class="limit" style="left:([\d.]+)', page)[0]]


def test_a_bar_stands_where_its_time_is():
    """The extraction's bar begins and ends at its share of the axis."""
    drawn = r'<b class="phase" style="left:([\d.]+)%;width:([\d.]+)%">'
    [bar] = re.findall(drawn, render(incident(), Options()))
    axis = 32.312 * 1.06

    assert (f"{0.362 / axis * 100:.2f}", f"{21.9 / axis * 100:.2f}") == bar


def test_an_open_phase_and_an_unknown_answer_say_so():
    """What nobody saw end is marked in words, not by the drawing alone."""
    work = Phase("extraction", at(1), None, "recorded", at(12), "GPT_4O", "ThrottlingException")
    silent = Gateway("http", THIRTY, None, None, "none")
    page = render(report(request(duration=None, last_seen=at(12), gateway=silent, phases=(work,))), Options())
    found = [row[:4] for row in rows(page) if len(row) == 5][1:]

    assert ["waited, end not known", "0.0 s", "12.0 s", "answer not known"] == found[0]
    assert "recorded, still open when last seen, GPT_4O, failed: ThrottlingException" == found[2][3]


def test_an_init_that_was_waited_for_comes_first():
    """Zero is where the client began to wait."""
    cold = replace(request(), init_duration=timedelta(seconds=4), init_waited=True)
    found = [row[:3] for row in rows(render(report(cold), Options())) if len(row) == 5][2:]

    assert [["init", "0.0 s", "4.0 s"], ["request", "4.0 s", "1.0 s"]] == found


def test_absurd_times_stay_on_the_page():
    """The ends of the calendar and a clock that runs backwards neither crash nor leave the axis."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    for start, end in ((first, last), (last, first)):
        odd = replace(request(), start=start, end=end, last_seen=end)
        odd = replace(odd, init_duration=timedelta(9), init_waited=True)
        shares = re.findall(r"(?:left|width):(-?[\d.]+)%", render(report(odd), Options()).split("</head>")[1])

        assert [] == [share for share in shares if not 0 <= float(share) <= 100]


def test_severity_is_a_word():
    """A finding's severity stands in words beside its colour, its evidence in a table with headers."""
    page = render(incident(), Options())

    assert '<span class="severity">critical</span> retry-refused</h3>' in page
    assert ["Log stream and time", "Where it was read", "Line"] in rows(page)
    assert page.count("<table") == page.count("<caption>") == 2 + 5 + 1


def test_what_was_skipped_is_listed_and_counted():
    """Every source accounts for what it could not read."""
    cut = source(skipped=(Skip("a.gz:7", "not JSON"),), skipped_count=120, complete=False, unread_bytes=None)
    page = render(report(sources=(cut,), notes=("a stream is none",)), Options())

    assert ["120", "unknown", "NO, it was cut off"] == rows(page)[-1][-3:]
    assert "<li>Skipped <code>a.gz:7</code>: not JSON</li><li>Skipped 119 more in" in page
    assert "<li>Note: a stream is none</li>" in page


def test_light_dark_and_paper_are_provided_for():
    """The stylesheet is whole and knows all three."""
    page = render(incident(), Options())

    assert "color-scheme: light dark" in page
    assert ("(prefers-color-scheme: dark)" in page, "@media print" in page) == (True, True)


@pytest.mark.parametrize(
    "attack",
    ["<script>alert(1)</script>", '"><img src=x onerror=y>', "</style></title><b>", "<!--", "&lt;", "'x'"],
)
@pytest.mark.parametrize("redact", [True, False])
def test_log_content_is_shown_as_text(attack: str, redact: bool):
    """Markup in any field changes no tag and no attribute of the page."""
    attacked = render(hostile(attack), Options(redact=redact))

    assert shape(render(hostile("x"), Options(redact=redact))) == shape(attacked)
    assert attack in Page(attacked).words


@given(st.text(min_size=1))
def test_hostile_text_stays_text(text: str):
    """Whatever stands in any field: encodable, no control characters, and the same tags."""
    page = render(hostile(text), Options(redact=False))
    page.encode()

    assert [] == [each for each in page if each < " " and each != "\n"]
    assert shape(render(hostile("x"), Options(redact=False))) == shape(page)


def test_evidence_is_redacted():
    """A user's words stay in the logs."""
    told = finding(evidence=(line(1, None, kind="text", message="I am so sad"),))

    assert "<code>...(11 chars)</code>" in render(report(findings=(told,)), Options())


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_leaves(secret: str):
    """An address, a token or a key is nowhere in the page."""
    assert secret not in render(hostile(secret), Options())
