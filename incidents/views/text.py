"""The report as text for a terminal: the verdict first, the next useful command last.

Off a terminal everything is shown in full. On one, detail is folded away step
by step until the answer fits: evidence first, then remedies, then the other
requests. A finding is never folded away, and what is says so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from incidents.display import clock, counted, fit, plain, seconds, width
from incidents.messages import Line
from incidents.redact import masked_path, shown, value_shown
from incidents.report import Finding, Report
from incidents.scalars import UUID
from incidents.timeline import Request
from incidents.views import Options
from incidents.views.accounting import data
from incidents.views.exports import safe
from incidents.views.folds import FULL, Fold, folds
from incidents.views.rows import Row, Span, Style, ellipsis, paint, paragraph, row, say
from incidents.views.waterfall import LABEL, NOBODY, REFUSED, waterfall

_SEVERITY_STYLE: Final[dict[str, Style]] = {"critical": "alarm", "warning": "yellow", "info": "cyan"}
_NARROWEST: Final = 20
"""Columns below which nothing can be laid out."""
_WORD: Final = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*"|['"])+""")


def render(report: Report, options: Options) -> str:
    """The report as text, within the columns, folded to the rows where there are any."""
    report = safe(report, options)
    options = replace(options, columns=max(options.columns, _NARROWEST))
    if options.rows is None or options.all_lines:
        return paint(_rows(report, options, FULL), options)
    room = options.rows - 1  # the shell's prompt needs a row too
    folded = (_rows(report, options, fold) for fold in folds(report))
    rows: list[Row] = []
    for rows in folded:
        if len(rows) <= room:
            break
    return paint(rows, options)


def short(request_id: str, options: Options) -> str:
    """A request ID as people say it: the first part of a UUID, any other nearly whole."""
    if re.fullmatch(UUID, request_id):
        return request_id[:8]
    return fit(say(request_id, options), 32, ellipsis(options))


def _rows(report: Report, options: Options, fold: Fold) -> list[Row]:
    parts = [
        _head(report, options),
        _requests(report, options, fold),
        _findings(report, options, fold),
        _advice(report, options, fold),
        _remedies(report, options, fold),
        data(report, options, fold),
        _next(report, options),
    ]
    rows: list[Row] = []
    for part in filter(None, parts):
        rows += [(), *part] if rows and fold.air else part
    return rows


def _head(report: Report, options: Options) -> list[Row]:
    worst = report.findings[0].severity if report.findings else ""
    style: Style = "alarm" if worst == "critical" else "bold"
    verdict = paragraph((), say(report.verdict, options), options, style)
    return [
        *verdict,
        *paragraph(
            row(
                "Session ",
            ),
            _session(report, options),
            options,
        ),
    ]


def _session(report: Report, options: Options) -> str:
    session = report.timeline.session
    if session.completed_at is None:
        first = "".join(f", first request {r.start:%Y-%m-%d}" for r in report.timeline.requests[:1])
        elsewhere = ", by a request that is not in these logs" if session.status == "completed" else ""
        status = "status unknown" if session.status == "unknown" else session.status
        return f"{status}{elsewhere}{first}"
    when = f"{session.completed_at:%Y-%m-%d} {clock(session.completed_at, options.timezone)}"
    by = "" if session.completed_by is None else f" by {short(session.completed_by, options)}"
    # A later save may have undone the completion: then both stand here.
    undone = "" if session.status == "completed" else f"{session.status} now, but was "
    return f"{undone}completed {when}{by}"


def _worst(report: Report) -> Request | None:
    """The request of the worst finding that has one, else the longest."""
    by_id = {request.request_id: request for request in report.timeline.requests}
    named = (by_id[f.request_id] for f in report.findings if f.request_id in by_id)
    return next(named, None) or max(by_id.values(), key=lambda r: r.last_seen - r.start, default=None)


def _requests(report: Report, options: Options, fold: Fold) -> list[Row]:
    worst = _worst(report)
    if worst is None:
        return [row("No request was found.")]
    if fold.others is None:
        drawn = [[(), *_drawn(request, options, fold)] for request in report.timeline.requests]
        return [line for rows in drawn for line in rows][1:]
    others = [request for request in report.timeline.requests if request is not worst]
    rows = [*_drawn(worst, options, fold), *(_one_line(each, options) for each in others[: fold.others])]
    left = len(others) - fold.others
    return rows + ([row(f"and {counted(left, 'more request')}")] if left > 0 else [])


def _drawn(request: Request, options: Options, fold: Fold) -> list[Row]:
    title = f"{_route(request)}{clock(request.start, options.timezone)}  {_took(request)}"
    lead = row(Span(short(request.request_id, options), "bold"), "  ")
    full = fold.others is None
    facts = paragraph(row(" " * LABEL), _facts(request, options), options, "dim") if full else []
    return [
        *paragraph(lead, say(title, options), options),
        *facts,
        *waterfall(request, options, brief=not fold.air),
    ]


def _route(request: Request) -> str:
    return "" if request.route is None else f"{masked_path(request.route)}  "


def _took(request: Request) -> str:
    if request.duration is not None:
        return f"took {seconds(request.duration)}"
    return "end not seen" if request.end is None else "duration not reported"


def _facts(request: Request, options: Options) -> str:
    memory = (request.max_memory_used_mb, request.memory_size_mb)
    facts = (
        request.request_id,
        "" if request.log_group is None else f"log group {request.log_group}",
        "" if request.log_stream is None else f"stream {request.log_stream}",
        f"{counted(len(request.lines), 'line')} ({request.link})",
        f"Lambda says {request.outcome}",
        "" if request.response_status is None else f"the handler answered {request.response_status}",
        "" if None in memory else f"memory {memory[0]} of {memory[1]} MB",
    )
    return say(", ".join(filter(None, facts)), options)


def _one_line(request: Request, options: Options) -> Row:
    gateway = request.gateway
    inferred = " inferred" if gateway.client_status is not None and gateway.basis == "inferred" else ""
    status = "?" if gateway.client_status is None else gateway.client_status
    words = (
        clock(request.start),
        short(request.request_id, options),
        _took(request).removeprefix("took "),
        f"client {status}{inferred}" if request.is_asked_for else NOBODY,
        _fate(request, options),
    )
    return row("  ".join(words))


def _fate(request: Request, options: Options) -> str:
    for milestone in request.milestones:
        if milestone.name == REFUSED:
            code = value_shown("error_code", (milestone.line.said.fields or {}).get("error_code"))
            return f"refused {code}" if code and code != "None" else "refused"
    return say(request.error_type, options) if request.error_type else request.outcome


def _findings(report: Report, options: Options, fold: Fold) -> list[Row]:
    drawn = None if fold.others is None else _worst(report)
    rows: list[Row] = []
    for index, finding in enumerate(report.findings, len(report.advice)):
        known = drawn is not None and finding.request_id == drawn.request_id
        rows += _finding(finding, options, fold, fold.most(index), named=not known)
    return rows


def _finding(finding: Finding, options: Options, fold: Fold, most: int | None, *, named: bool) -> list[Row]:
    lead = row(Span(f"{finding.severity.upper():9}", _SEVERITY_STYLE[finding.severity]))
    about = f" {short(finding.request_id, options)}" if finding.request_id and named else ""
    doubt = "" if finding.confidence == "certain" else f" ({finding.confidence})"
    text = f"{say(finding.rule, options)}{about}: {say(finding.summary, options)}{doubt}"
    evidence = finding.evidence if fold.evidence == "all" else finding.evidence[:1]
    shown_evidence = evidence if fold.evidence != "none" else ()
    return [
        *paragraph(lead, text, options, most=most),
        *(line for each in shown_evidence for line in _evidence(each, options, full=fold.others is None)),
    ]


def _evidence(line: Line, options: Options, *, full: bool) -> list[Row]:
    place = f"{line.event.place}  " if full else ""
    text = f"{clock(line.event.at)}  {say(place, options)}{_shown(line, options)}"
    return paragraph(row(" " * 11), text, options, "dim", most=None if full else 1)


def _shown(line: Line, options: Options) -> str:
    text = shown(line, redact=options.redact)
    return plain(text) if options.ascii else text


def _advice(report: Report, options: Options, fold: Fold) -> list[Row]:
    rows: list[Row] = []
    for index, advice in enumerate(report.advice):
        lead = row(Span("Do now  " if not rows else " " * LABEL, "bold"))
        rows += paragraph(lead, say(advice, options), options, most=fold.most(index))
    return rows


def _remedies(report: Report, options: Options, fold: Fold) -> list[Row]:
    rows: list[Row] = []
    for remedy in dict.fromkeys(f.remedy for f in report.findings if f.remedy and fold.remedies):
        lead = row(Span("Change  " if not rows else " " * LABEL, "bold"))
        rows += paragraph(lead, say(remedy, options), options)
    return rows


def _next(report: Report, options: Options) -> list[Row]:
    if report.next_command is None:
        return []
    lead = row(Span("Next    ", "bold"))
    lines = continued(say(report.next_command, options), options.columns - LABEL)
    first, *others = lines
    return [(*lead, Span(first)), *(row(" " * LABEL, other) for other in others)]


def continued(command: str, columns: int) -> list[str]:
    """A command as a shell takes it over several lines: broken between words, never in a quote.

    A word that is longer than a line stays whole, since the terminal's own break is not copied with it.
    """
    lines: list[str] = []
    current = ""
    for word in _WORD.findall(command):
        joined = f"{current} {word}" if current else word
        if current and width(joined) > columns - 2:
            lines.append(current + " \\")
            current = f"  {word}"
        else:
            current = joined
    return [*lines, current]
