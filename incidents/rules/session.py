"""Rules about what became of the session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from incidents.messages import Line
from incidents.rules.examples import RETRY, milestone, request, timeline
from incidents.rules.facts import (
    COMPLETED,
    REFUSED,
    GaveUp,
    certainty,
    commit,
    concerns,
    gave_up,
    milestones,
    proof,
    start_and_end,
    waited_at,
)
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import seconds, short
from incidents.timeline import Milestone, Request, Timeline

NOT_ACTIVE: Final = "SESSION_NOT_ACTIVE"


@rule(
    "stranded-success",
    "critical",
    fires=lambda: timeline(request(32.312, milestones=(milestone(COMPLETED, 22.312),))),
    silent=lambda: timeline(request(29.9, milestones=(milestone(COMPLETED, 22.312),))),
)
def stranded_success(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A request that outlived the gateway completed its session: the work was done, the client never heard.

    Says when the session was stored, and whether an answer at that moment would have been in time.
    """
    for each in timeline.requests:
        gone, done = gave_up(each), commit(each)
        if gone and done:
            evidence = proof((done.line,), start_and_end(each), each.gateway.lines)
            yield Hit(each, _stranded(each, gone, done), _STRANDED_REMEDY, evidence, gone.confidence)


_STRANDED_REMEDY: Final = (
    "Answer as soon as the session is stored, and give a retry of a completed session the stored result."
)


def _stranded(request: Request, gone: GaveUp, done: Milestone) -> str:
    stored = waited_at(request, done.at)
    if stored < gone.after:
        when = f"{seconds(gone.after - stored)} before the gateway gave up"
        remark = ": an answer then would have been in time"
    else:
        when, remark = f"{seconds(stored - gone.after)} after the gateway had given up", ""
    return f"The session was completed and stored at {seconds(stored)}, {when}{remark}."


@rule(
    "retry-refused",
    "critical",
    fires=lambda: timeline(
        request(32.312, milestones=(milestone(COMPLETED, 22.312),)),
        request(
            0.15, start=43.312, request_id=RETRY, response_status=400, milestones=(milestone(REFUSED, 43.4),)
        ),
    ),
    silent=lambda: timeline(
        request(
            0.15, start=43.312, request_id=RETRY, response_status=400, milestones=(milestone(REFUSED, 43.4),)
        ),
        status="completed",
    ),
)
def retry_refused(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A later request for a session that an earlier request completed was refused with SESSION_NOT_ACTIVE.

    Correct, and useless to a user who never got the answer. Silent where the completing request was not read:
    then the session may as well have been closed in another way.
    """
    for each in timeline.requests:
        for refusal in milestones(each, REFUSED):
            if _not_active(refusal) and (earlier := _completed_before(timeline, each, refusal)):
                yield _refused(each, refusal, earlier)
                break


@dataclass(frozen=True, slots=True)
class _Completion:
    by: Request
    at: datetime
    lines: tuple[Line, ...]


def _not_active(refusal: Milestone) -> bool:
    return (refusal.line.said.fields or {}).get("error_code", NOT_ACTIVE) == NOT_ACTIVE


def _completed_before(timeline: Timeline, request: Request, refusal: Milestone) -> _Completion | None:
    for other in timeline.requests:
        if other is request or other.start > request.start:
            continue
        done = commit(other)
        if done and done.at <= refusal.at and concerns(done, other) & concerns(refusal, request):
            return _Completion(other, done.at, (done.line,))
    return _completed_by(timeline, request, refusal)


def _completed_by(timeline: Timeline, request: Request, refusal: Milestone) -> _Completion | None:
    """The completion that the session itself tells of, where no milestone of its request does."""
    session = timeline.session
    if session.completed_at is None or session.session_id not in concerns(refusal, request):
        return None
    for other in timeline.requests:
        earlier = other is not request and other.start <= request.start and session.completed_at <= refusal.at
        if earlier and other.request_id == session.completed_by:
            return _Completion(other, session.completed_at, ())
    return None


def _refused(request: Request, refusal: Milestone, earlier: _Completion) -> Hit:
    status = "" if request.response_status is None else f" (HTTP {request.response_status})"
    summary = (
        f"Refused with {NOT_ACTIVE}{status}, {seconds(refusal.at - earlier.at)} after "
        f"{short(earlier.by.request_id)} had completed the session."
    )
    evidence = proof(earlier.lines, (refusal.line,), start_and_end(request))
    return Hit(request, summary, _REFUSED_REMEDY, evidence, certainty(request, earlier.by))


_REFUSED_REMEDY: Final = "Answer a retry of a completed session with the stored result instead of an error."
