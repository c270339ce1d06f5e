"""The incident as one HTML file: no script, nothing loaded, to open, mail or print.

Every text passes through `incidents.views.markup`, which escapes it. The page's content security
policy allows its own styles and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from importlib.resources import files
from typing import Final

from incidents.display import clock, counted, seconds
from incidents.report import Finding, Report, SourceCount
from incidents.timeline import Request, Session
from incidents.views import Options
from incidents.views.exports import evidence, rfc3339, safe
from incidents.views.html_waterfall import waterfall
from incidents.views.markup import NOTHING, Html, code, element, table, text

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Report, options: Options) -> str:
    """The page, with a newline at its end; the same report gives the same text."""
    report = safe(report, options)
    main = (
        _header(report, options),
        _section("What to do now", _advice(report.advice)),
        _section("Requests", [_request(each, options) for each in report.timeline.requests]),
        _section("Findings", [_finding(each, options) for each in report.findings]),
        _section("What was read", _sources(report)),
        _next(report),
    )
    page = element("html", _head(report), element("body", element("main", *main)), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _head(report: Report) -> Html:
    asked = report.session_id or report.request_id or "unknown"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", text(f"Incident {asked}")),
        element("style", _style()),
    )


def _style() -> Html:
    """The stylesheet is ours and holds no text of a report: it must not be escaped."""
    return Html(files("incidents.views").joinpath("report.css").read_text("utf-8"))


def _header(report: Report, options: Options) -> Html:
    what = "Session " if report.session_id is not None else "Request "
    return element(
        "header",
        element("h1", text(what), code(report.session_id or report.request_id or "unknown")),
        element("p", text(report.verdict), class_="verdict"),
        element("p", *_session(report.timeline.session, options), class_="facts"),
    )


def _session(session: Session, options: Options) -> Iterator[Html]:
    yield text("Session status: ")
    yield element("strong", text(session.status))
    if session.completed_at is not None:
        yield Html(text(", completed at ") + _moment(session.completed_at, options))
    if session.completed_by is not None:
        yield Html(text(" by request ") + code(session.completed_by))
    yield text(". Times are in UTC.")


def _moment(at: datetime, options: Options) -> Html:
    """Date and time in UTC, the local time beside it."""
    return element("time", text(f"{rfc3339(at)[:10]} {clock(at, options.timezone)}"), datetime=rfc3339(at))


def _section(title: str, parts: Iterable[Html]) -> Html:
    """A heading and its parts; nothing where there are none."""
    parts = tuple(parts)
    return element("section", element("h2", text(title)), *parts) if parts else NOTHING


def _advice(advice: tuple[str, ...]) -> list[Html]:
    return [element("ol", *(element("li", text(each)) for each in advice))] if advice else []


def _request(request: Request, options: Options) -> Html:
    return element(
        "section",
        element("h3", text("Request "), code(request.request_id)),
        element("p", _moment(request.start, options), *_facts(request), class_="facts"),
        waterfall(request),
        class_="request",
    )


def _facts(request: Request) -> Iterator[Html]:
    if request.route is not None:
        yield Html(text(", ") + code(request.route))
    yield text(", end not seen" if request.duration is None else f", took {seconds(request.duration)}")
    if request.init_duration is not None and not request.init_waited:
        yield text(f", init {seconds(request.init_duration)} before it, nobody waited")
    if request.unaccounted is not None:
        yield text(f", {seconds(request.unaccounted)} of it in no phase")
    yield from (Html(text(", ") + code(each)) for each in (request.log_group, request.log_stream) if each)
    yield text(f", {counted(len(request.lines), 'line')} ({request.link}).")


def _finding(finding: Finding, options: Options) -> Html:
    about = NOTHING if finding.request_id is None else Html(text(", request ") + code(finding.request_id))
    return element(
        "article",
        element("h3", element("span", text(finding.severity), class_="severity"), text(f" {finding.rule}")),
        element("p", text(finding.summary), text(f" ({finding.confidence}"), about, text(")")),
        NOTHING if finding.remedy is None else _remedy(finding.remedy),
        _evidence(finding, options),
        class_=finding.severity,
    )


def _remedy(remedy: str) -> Html:
    return element("p", element("strong", text("What to change: ")), text(remedy))


def _evidence(finding: Finding, options: Options) -> Html:
    shown = [evidence(line, options) for line in finding.evidence]
    rows = [(code(each.where), code(each.place), code(each.message)) for each in shown]
    head = ("Log stream and time", "Where it was read", "Line")
    return element("div", table("Evidence", head, rows), class_="evidence") if rows else NOTHING


def _sources(report: Report) -> Iterator[Html]:
    if report.sources:
        head = ("Source", "Size", "Events used", "Other", "Skipped", "Not searched", "Complete")
        yield table("What became of everything in each source", head, map(_source, report.sources))
    lines = [*(each for source in report.sources for each in _skipped(source)), *map(_note, report.notes)]
    if lines:
        yield element("ul", *(element("li", each) for each in lines))


def _source(source: SourceCount) -> tuple[Html, ...]:
    return (
        code(source.name),
        _bytes(source.bytes),
        text(str(source.used)),
        text(str(source.other)),
        text(str(source.skipped_count)),
        _bytes(source.unread_bytes),
        text("yes" if source.complete else "NO, it was cut off"),
    )


def _bytes(count: int | None) -> Html:
    return text("unknown" if count is None else counted(count, "byte"))


def _skipped(source: SourceCount) -> Iterator[Html]:
    for skip in source.skipped:
        yield Html(text("Skipped ") + code(skip.where) + text(f": {skip.reason}"))
    more = source.skipped_count - len(source.skipped)
    if more > 0:
        yield Html(text(f"Skipped {more} more in ") + code(source.name))


def _note(note: str) -> Html:
    return text(f"Note: {note}")


def _next(report: Report) -> Html:
    if report.next_command is None:
        return NOTHING
    return element("footer", element("h2", text("Next")), element("p", code(report.next_command)))
