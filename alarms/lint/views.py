"""The linter's findings as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import groupby

from alarms.lint.registry import Finding


def text(findings: Iterable[Finding], templates: int, clean: Callable[[str], str]) -> str:
    """For people: by template, each finding in three lines, what it comes to at the end.

    ``clean`` makes a line printable: names in a template may hold anything.
    """
    listed = list(findings)
    lines = [
        line
        for name, found in groupby(listed, key=lambda each: each.template)
        for line in (name, *(part for each in found for part in _lines(each)), "")
    ]
    return "\n".join(map(clean, [*lines, _sum(listed, templates)])) + "\n"


def as_json(findings: Iterable[Finding], templates: int) -> str:
    """For programs: the counts and a list of findings, ASCII only."""
    listed = list(findings)
    document = {
        "templates": templates,
        "errors": _count(listed, "error"),
        "warnings": _count(listed, "warning"),
        "findings": [asdict(each) for each in listed],
    }
    return json.dumps(document, indent=2) + "\n"


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.severity.upper():7} {finding.resource}: {finding.rule}"
    yield f"        {finding.summary}"
    yield f"        Fix: {finding.fix}"


def _sum(findings: list[Finding], templates: int) -> str:
    errors, warnings = _count(findings, "error"), _count(findings, "warning")
    where = f"in {_some(templates, 'template')}"
    if not findings:
        return f"No findings {where}."
    return f"{_some(errors, 'error')}, {_some(warnings, 'warning')} {where}."


def _count(findings: list[Finding], severity: str) -> int:
    return sum(each.severity == severity for each in findings)


def _some(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
