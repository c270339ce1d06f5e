"""A report in which every text field holds the same text, for tests of what a view lets through."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from incidents.events import Skip
from incidents.report import Report
from incidents.timeline import Gap, Gateway, Milestone, Phase, Session, Timeline
from tests.reports import THIRTY, at, finding, line, report, request, source

SECRETS = (
    "ann.canary@example.com",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
    "AKIAIOSFODNN7EXAMPLE",
)
"""An e-mail address, a JWT, an AWS access key ID: none may leave redacted."""


def hostile(text: str) -> Report:
    """A report whose every text field, down to the last line's, is that text."""
    values = {text: text, "model": text}
    said = line(1, text, message=text, fields=values, session_id=text, request_ids=(text,))
    event = replace(said.event, message=text, log_group=text, log_stream=text, source=text, place=text)
    said = replace(said, event=event)
    slow = request(
        text,
        log_group=text,
        log_stream=text,
        error_type=text,
        route=text,
        sessions=(text,),
        duration=40,
        gateway=Gateway("http", THIRTY, 503, THIRTY, "inferred", (said,)),
        phases=(
            Phase(text, at(0), at(1), "inferred", at(1), text, text, (said,)),
            Phase(text, at(2), None, "recorded", at(3), text, None, (said,)),
        ),
        milestones=(Milestone(at(1), text, said),),
        gaps=(Gap(at(1), at(2), text),),
        unaccounted=timedelta(seconds=1),
        lines=(said,),
    )
    return report(
        session_id=text,
        request_id=text,
        sources=(source(name=text, skipped=(Skip(text, text),), skipped_count=1, complete=False),),
        timeline=Timeline(Session(text, "completed", at(1), text), (slow,), complete=False),
        findings=(finding(text, request_id=text, summary=text, remedy=text, evidence=(said,)),),
        verdict=text,
        advice=(text,),
        next_command=text,
        notes=(text,),
    )
