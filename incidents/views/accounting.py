"""What became of the data: used, other, skipped and unread, and what this view has folded away."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.display import counted, fit, width
from incidents.report import Report, SourceCount
from incidents.views import Options
from incidents.views.folds import FULL, Fold
from incidents.views.rows import Row, Span, ellipsis, paragraph, row, say
from incidents.views.waterfall import LABEL


def data(report: Report, options: Options, fold: Fold) -> list[Row]:
    """The rows that account for everything that was read; in full, source by source with each reason."""
    if fold is not FULL:
        notes = _first_note(report, options) if fold.rows_each is None else []
        return [*_brief_data(report, options, fold), *notes]
    rows = paragraph(row("Data    "), _total(report, options), options, "dim")
    for source in report.sources:
        rows += [line for text in _source(source) for line in _indented(text, options)]
    return rows + [line for note in report.notes for line in _indented(f"note: {note}", options)]


def _brief_data(report: Report, options: Options, fold: Fold) -> list[Row]:
    total, folded = _total(report, options), _folded(report, fold)
    if width(f"{total}; {folded}") <= options.columns - LABEL:
        return [row("Data    ", Span(f"{total}; {folded}", "dim"))]
    rows = paragraph(row("Data    "), total, options, "dim")
    return [*rows, *paragraph(row(" " * LABEL), folded, options, "dim", most=1)]


def _indented(text: str, options: Options) -> list[Row]:
    return paragraph(row(" " * LABEL), say(text, options), options, "dim")


def _first_note(report: Report, options: Options) -> list[Row]:
    if not report.notes:
        return []
    left = len(report.notes) - 1
    more = f" (and {counted(left, 'more note')})" if left else ""
    return paragraph(row("Note    "), say(report.notes[0], options) + more, options, most=1)


def _total(report: Report, options: Options) -> str:
    sources = report.sources
    used, other = sum(s.used for s in sources), sum(s.other for s in sources)
    unread = sum(s.unread_bytes or 0 for s in sources)
    whole = report.timeline.complete and all(source.complete for source in sources)
    words = (
        f"{'' if whole else 'INCOMPLETE, a source was cut off: '}{counted(used, 'event')} used",
        f"{other} other",
        _skipped(report, options),
        f"{counted(unread, 'byte')} not searched" if unread else "",
    )
    return ", ".join(filter(None, words))


def _skipped(report: Report, options: Options) -> str:
    skipped = sum(source.skipped_count for source in report.sources)
    reasons = list(dict.fromkeys(skip.reason for source in report.sources for skip in source.skipped))
    first = fit(say(reasons[0], options), 40, ellipsis(options)) if reasons else ""
    why = f" ({first}{', ...' if len(reasons) > 1 else ''})" if reasons else ""
    return f"{skipped} skipped{why}"


def _source(source: SourceCount) -> Iterator[str]:
    size = "" if source.bytes is None else f" ({source.bytes} bytes)"
    cut = "" if source.complete else ", CUT OFF"
    unread = "" if source.unread_bytes is None else f", {source.unread_bytes} bytes not searched"
    counts = f"{source.used} used, {source.other} other, {source.skipped_count} skipped"
    yield f"{source.name}{size}: {counts}{unread}{cut}"
    for skip in source.skipped:
        yield f"skipped {skip.where}: {skip.reason}"
    if source.skipped_count > len(source.skipped):
        yield f"and {source.skipped_count - len(source.skipped)} more skipped"


def _folded(report: Report, fold: Fold) -> str:
    """What is not shown, counted, and how to see it."""
    kept = 1 if fold.evidence == "first" else 0
    evidence = sum(max(len(finding.evidence) - kept, 0) for finding in report.findings)
    remedies = 0 if fold.remedies else len({finding.remedy for finding in report.findings} - {None})
    requests = max(len(report.timeline.requests) - 1 - (fold.others or 0), 0)
    notes = len(report.notes) if fold.rows_each is not None else 0
    words = (
        counted(requests, "request") if requests else "",
        counted(notes, "note") if notes else "",
        counted(evidence + remedies, "line"),
    )
    return f"{', '.join(filter(None, words))} folded (| less)"
