"""The incident as a note in GitHub's Markdown, to paste into a ticket or a pull request.

Log content cannot break out of its place: prose is escaped, and whatever a log line or a user's
question gave stands in code spans, where no link, mention or table begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NewType

from incidents.display import clock, counted, seconds
from incidents.report import Finding, Report, SourceCount
from incidents.timeline import Request, Session
from incidents.views import Options
from incidents.views.exports import evidence, rfc3339, safe
from incidents.views.waterfall import answer

Markdown = NewType("Markdown", str)
"""Text that is escaped already: the type checker lets no other into a part of the document."""

_PUNCTUATION: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What means something inside a paragraph; an underscore within a word means nothing."""
_OPENS_BLOCK: Final = re.compile(r"^(?:[#+=-]|\d+[.)](?=\s|$))")
# Sites link these in the rendered text, where a backslash no longer helps: a word joiner keeps them apart.
_LINKED: Final = re.compile(r"(?i)(?<=@)|(?<=#)(?=\d)|(?<=\bgh)(?=-\d)|(?<=:)(?=//)|(?<=\bwww)(?=\.)")
_WORD_JOINER: Final = "\u2060"
_EMPTY: Final = Markdown("")


def render(report: Report, options: Options) -> str:
    """The note: verdict, what to do now, requests, where the time went, findings, what was read."""
    report = safe(report, options)
    blocks = (
        _heading(report),
        Markdown(f"**{prose(report.verdict)}**"),
        _session(report.timeline.session, options),
        *_section("What to do now", _numbered(report.advice)),
        *_section("Requests", _requests(report, options)),
        *_section("Where the time went", _time(report, options)),
        *_section("Findings", [part for each in report.findings for part in _finding(each, options)]),
        *_section("What was read", _sources(report)),
        *_next(report),
    )
    return "\n\n".join(blocks) + "\n"


def prose(text: str) -> Markdown:
    r"""The text so that it shows as it stands, with no link, mention, markup or table in it.

    >>> print(prose("a_b | <img> [x](y)"), prose("1. x"), prose("_x"))
    a_b \| \<img\> \[x\](y) 1\. x \_x
    """
    joined = _LINKED.sub(_WORD_JOINER, text.strip())
    escaped = _PUNCTUATION.sub(lambda found: "\\" + found[0], joined)
    return Markdown(_OPENS_BLOCK.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], escaped))


def code(text: str) -> Markdown:
    """The text as a code span, whatever backticks it holds.

    >>> print(code("a`b"), code("`"), code(""))
    ``a`b`` `` ` `` `(empty)`
    """
    if not text.strip():
        return Markdown("`(empty)`")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text[0] in "` " or text[-1] in "` " else ""
    return Markdown(f"{fence}{space}{text}{space}{fence}")


def _cell(text: str) -> Markdown:
    # A table is cut into cells before code spans are seen, and parsers disagree on a backslash before a bar.
    return code(text.replace("|", "\u00a6"))


def _heading(report: Report) -> Markdown:
    if report.session_id is not None:
        return Markdown(f"## Session {code(report.session_id)}")
    return Markdown(f"## Request {code(report.request_id or 'unknown')}")


def _session(session: Session, options: Options) -> Markdown:
    words = f"Session status: **{session.status}**"
    if session.completed_at is not None:
        words += f", completed at {_moment(session.completed_at, options)}"
    if session.completed_by is not None:
        words += f" by request {code(session.completed_by)}"
    return Markdown(f"{words}.")


def _moment(at: datetime, options: Options) -> Markdown:
    """Date and time in UTC, the local time beside it."""
    return prose(f"{rfc3339(at)[:10]} {clock(at, options.timezone)}")


def _section(title: str, blocks: Iterable[Markdown]) -> tuple[Markdown, ...]:
    """A heading and its blocks; nothing where there are none."""
    blocks = tuple(blocks)
    return (Markdown(f"### {title}"), *blocks) if blocks else ()


def _numbered(texts: Iterable[str]) -> list[Markdown]:
    return _list([Markdown(f"{number}. {prose(text)}") for number, text in enumerate(texts, start=1)])


def _table(head: tuple[str, ...], rows: Iterable[tuple[Markdown, ...]]) -> list[Markdown]:
    body = [f"| {' | '.join(row)} |" for row in rows]
    if not body:
        return []
    return [Markdown("\n".join([f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *body]))]


def _requests(report: Report, options: Options) -> list[Markdown]:
    head = ("Request", "Route", "Start (UTC)", "Took", "Init", "The client got", "Lambda says", "Handler")
    return _table(head, (_request(each, options) for each in report.timeline.requests))


def _request(request: Request, options: Options) -> tuple[Markdown, ...]:
    init = request.init_duration
    waited = "" if request.init_waited else ", nobody waited"
    return (
        _cell(request.request_id),
        _cell(request.route) if request.route else Markdown("unknown"),
        _moment(request.start, options),
        prose("end not seen" if request.duration is None else seconds(request.duration)),
        prose("none" if init is None else f"{seconds(init)}{waited}"),
        prose(answer(request)),
        _with_error(request.outcome, request.error_type),
        prose("unknown" if request.response_status is None else str(request.response_status)),
    )


def _with_error(words: str, error_type: str | None) -> Markdown:
    return Markdown(words if error_type is None else f"{words}: {_cell(error_type)}")


def _time(report: Report, options: Options) -> list[Markdown]:
    head = ("Request", "What", "Start (UTC)", "Took", "Detail")
    stretches = [
        (_cell(request.request_id), *cells)
        for request in report.timeline.requests
        for _, cells in sorted(_stretches(request, options), key=lambda pair: pair[0])
    ]
    unaccounted = [
        Markdown(f"- {code(request.request_id)}: {seconds(request.unaccounted)} in no phase")
        for request in report.timeline.requests
        if request.unaccounted is not None
    ]
    return [*_table(head, stretches), *_list(unaccounted)]


def _stretches(request: Request, options: Options) -> Iterator[tuple[datetime, tuple[Markdown, ...]]]:
    """Phases, milestones and gaps, each with its start and its cells of the table."""
    for milestone in request.milestones:  # first, for what follows them starts at the same time
        yield milestone.at, (_cell(milestone.name), _moment(milestone.at, options), _EMPTY, _EMPTY)
    for phase in request.phases:
        took = f"open, {seconds(phase.seen_until - phase.start)} seen"
        length = prose(took if phase.duration is None else seconds(phase.duration))
        details = (_optional(phase.model), prose(phase.basis), _optional(phase.error_type, "failed: "))
        detail = Markdown(", ".join(filter(None, details)))
        yield phase.start, (_cell(phase.name), _moment(phase.start, options), length, detail)
    for gap in request.gaps:
        after = _optional(gap.after, "after ") or prose("at the start")
        cells = (prose("in no phase"), _moment(gap.start, options), prose(seconds(gap.duration)), after)
        yield gap.start, cells


def _optional(text: str | None, before: str = "") -> Markdown:
    return _EMPTY if text is None else Markdown(f"{before}{_cell(text)}")


def _list(lines: list[Markdown]) -> list[Markdown]:
    return [Markdown("\n".join(lines))] if lines else []


def _finding(finding: Finding, options: Options) -> Iterator[Markdown]:
    about = "" if finding.request_id is None else f", request {code(finding.request_id)}"
    yield Markdown(f"#### {finding.severity}: {prose(finding.rule)}")
    yield Markdown(f"{prose(finding.summary)} ({finding.confidence}{about})")
    if finding.remedy is not None:
        yield Markdown(f"**What to change:** {prose(finding.remedy)}")
    shown = [evidence(line, options) for line in finding.evidence]
    yield from _list(
        [Markdown(f"- {code(each.where)} ({code(each.place)}): {code(each.message)}") for each in shown]
    )


def _sources(report: Report) -> Iterator[Markdown]:
    head = ("Source", "Size", "Used", "Other", "Skipped", "Not searched", "Complete")
    yield from _table(head, map(_source, report.sources))
    yield from _list([line for each in report.sources for line in _skipped(each)])
    yield from _list([Markdown(f"- Note: {prose(note)}") for note in report.notes])


def _source(source: SourceCount) -> tuple[Markdown, ...]:
    return (
        _cell(source.name),
        _bytes(source.bytes),
        prose(str(source.used)),
        prose(str(source.other)),
        prose(str(source.skipped_count)),
        _bytes(source.unread_bytes),
        prose("yes" if source.complete else "NO, it was cut off"),
    )


def _bytes(count: int | None) -> Markdown:
    return prose("unknown" if count is None else counted(count, "byte"))


def _skipped(source: SourceCount) -> Iterator[Markdown]:
    for skip in source.skipped:
        yield Markdown(f"- Skipped {code(skip.where)}: {prose(skip.reason)}")
    more = source.skipped_count - len(source.skipped)
    if more > 0:
        yield Markdown(f"- Skipped {more} more in {code(source.name)}")


def _next(report: Report) -> tuple[Markdown, ...]:
    return () if report.next_command is None else (Markdown(f"Next: {code(report.next_command)}"),)
