"""The answer to one question: everything that a view shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from incidents.events import Skip
from incidents.messages import Line
from incidents.timeline import Timeline

Severity = Literal["critical", "warning", "info"]
Confidence = Literal["certain", "likely", "possible"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, why we say so, and what to change."""

    rule: str
    """Stable ID: ``outlived-gateway``."""
    severity: Severity
    confidence: Confidence
    request_id: str | None
    summary: str
    """One sentence."""
    remedy: str | None
    """What to change."""
    evidence: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class SourceCount:
    """What became of everything in one source: used + other + skipped = parsed, the rest is unread bytes."""

    name: str
    bytes: int | None
    """Size as stored; None where it has none (standard input)."""
    used: int
    """Events that belong to the answer."""
    other: int
    """Events that were read and do not."""
    skipped: tuple[Skip, ...]
    skipped_count: int
    """All that was skipped; ``skipped`` lists the first 100."""
    complete: bool
    """False when the source was cut off."""
    unread_bytes: int | None
    """Passed over by the search without parsing."""


@dataclass(frozen=True, slots=True)
class Report:
    """One question answered."""

    session_id: str | None
    """As asked; None when asked by request."""
    request_id: str | None
    """As asked; None when asked by session."""
    sources: tuple[SourceCount, ...]
    timeline: Timeline
    findings: tuple[Finding, ...]
    """Worst first."""
    verdict: str
    """One or two sentences: what happened, what the client saw."""
    advice: tuple[str, ...]
    """What to do now for the user who was hit, most urgent first."""
    next_command: str | None
    """The next useful command."""
    notes: tuple[str, ...] = ()
    """What the reader should know about the data itself: streams that are none, forged lines, ..."""
