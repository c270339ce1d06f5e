"""How a report is shown: one plain function per format, imported when it is asked for.

>>> view("text").__module__
'incidents.views.text'
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from importlib import import_module
from typing import Final

from guards.errors import BadUsage
from incidents.report import Report


@dataclass(frozen=True, slots=True)
class Options:
    """How the answer is to be shown; a view ignores what its format has no use for."""

    redact: bool = True
    """False shows the log lines as they are; they still never hold a control character."""
    columns: int = 80
    rows: int | None = None
    """Lines of the terminal; None shows everything in full (a pipe, a file)."""
    color: bool = False
    """Colour repeats what the words say and never says it alone."""
    ascii: bool = False
    """True where the terminal cannot show box drawing."""
    timezone: tzinfo | None = None
    """Shown beside UTC; None shows UTC alone."""
    all_lines: bool = False
    """True shows everything in full on a terminal too."""


View = Callable[[Report, Options], str]
"""A report in, the whole output as text out, with a newline at its end."""


def _render(name: str, report: Report, options: Options) -> str:
    render: View = import_module(f"incidents.views.{name}").render
    return render(report, options)


VIEWS: Final[dict[str, View]] = {
    name: partial(_render, name) for name in ("text", "json", "html", "markdown", "otlp", "perfetto")
}
"""Every format by its name; its module is imported when the view is called."""


def view(name: str) -> View:
    """The view of that name, imported.

    >>> view("pdf")
    Traceback (most recent call last):
    guards.errors.BadUsage: no format 'pdf'; choose one of: text, json, html, markdown, otlp, perfetto
    """
    if name not in VIEWS:
        raise BadUsage(f"no format {name!r}", hint=f"choose one of: {', '.join(VIEWS)}")
    render: View = import_module(f"incidents.views.{name}").render
    return render
