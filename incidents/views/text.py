"""The report as text for a terminal."""

from __future__ import annotations

from incidents.report import Report
from incidents.views import Options


def render(report: Report, options: Options) -> str:
    """The verdict first, the next useful command last."""
    return report.verdict + "\n"
