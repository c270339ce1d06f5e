"""The words around the findings: what happened, what to do now for the user, what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Final

from guards.names import EXTRACTION
from incidents.gateway import waited
from incidents.paths import STANDARD_INPUT
from incidents.report import Finding
from incidents.rules.concurrency import lost_update, overlapping
from incidents.rules.facts import REFUSED, SAVED, GaveUp, commit, gave_up, milestones, waited_at
from incidents.rules.runtime import init_failed
from incidents.rules.words import counted, identifier, seconds, short
from incidents.timeline import Milestone, Request, Timeline

HIT: Final = frozenset(
    {
        "outlived-gateway",
        "stranded-success",
        "retry-refused",
        "lambda-timeout",
        "out-of-memory",
        "init-failed",
        "handler-error",
    }
)
"""The rules after which a user did not get an answer that was of use."""

_CLOSED: Final = frozenset({"paused", "cancelled", "abandoned"})


def verdict(timeline: Timeline, findings: Sequence[Finding]) -> str:
    """What happened and what the client saw, in one or two sentences; says where that is inferred.

    >>> from incidents.rules import diagnose
    >>> from incidents.rules.examples import request, timeline
    >>> healthy = timeline(request(3.2), request(26.4, start=60.0))
    >>> verdict(timeline(request(3.2)), ())
    'Nothing is wrong in what was read: 1 request, which took 3.2 s.'
    >>> verdict(healthy, diagnose(healthy))
    'Every request was answered, one only just: it took 26.4 s of the 30.0 s that the gateway waits.'
    """
    if not timeline.requests:
        return "No request was found in what was read."
    text = _worst(timeline, findings)
    return text if timeline.complete else f"{text} A source was cut off."


def _worst(timeline: Timeline, findings: Sequence[Finding]) -> str:
    rules = {finding.rule for finding in findings}
    if rules & {"stranded-success", "outlived-gateway"}:
        return _gave_up(timeline)
    if hit := next((finding for finding in findings if finding.rule in HIT), None):
        return _others(hit.summary, findings)
    if refused := _unexplained_refusals(timeline, findings):
        return (
            f"{short(refused[0].request_id)} was refused: the session was not active. {_closed_by(timeline)}"
        )
    if "near-gateway-limit" in rules:
        return _only_just(timeline, findings)
    return _nothing_failed(timeline, findings)


def _gave_up(timeline: Timeline) -> str:
    """About the request that tells most: one that stored a result, else the longest."""
    gone = [(each, answer) for each in timeline.requests if (answer := gave_up(each))]
    worst, answer = max(gone, key=lambda pair: (commit(pair[0]) is not None, waited(pair[0])))
    more = f" {counted(len(gone) - 1, 'more request')} outlived the gateway too." if len(gone) > 1 else ""
    done = commit(worst)
    text = _unfinished(worst, answer) if done is None else _stranded(worst, answer, done)
    return text + more


def _stranded(request: Request, answer: GaveUp, done: Milestone) -> str:
    return (
        f"The session was completed, but the client never heard: it {_got(answer)}; "
        f"the work was stored at {seconds(waited_at(request, done.at))} and {_lambda(request)}."
    )


def _unfinished(request: Request, answer: GaveUp) -> str:
    return f"The client {_got(answer)}; {_lambda(request)}. It was not seen to complete the session."


def _got(answer: GaveUp) -> str:
    got = f"{answer.status_words} at {seconds(answer.after)}"
    return f"got {got}" if answer.observed else f"must have got {got} (inferred)"


def _lambda(request: Request) -> str:
    done = "the Lambda ended at" if request.end else "the Lambda was last seen at"
    return f"{done} {seconds(waited(request))}"


def _others(text: str, findings: Iterable[Finding]) -> str:
    others = {finding.request_id for finding in findings if finding.rule in HIT}
    return text if len(others) == 1 else f"{text} {counted(len(others) - 1, 'more request')} went wrong."


def _only_just(timeline: Timeline, findings: Iterable[Finding]) -> str:
    near = {finding.request_id for finding in findings if finding.rule == "near-gateway-limit"}
    slowest = max((each for each in timeline.requests if each.request_id in near), key=waited)
    subject = "one only just: it" if len(near) == 1 else f"{len(near)} only just: the slowest"
    limit = seconds(slowest.gateway.limit)
    ended = "" if all(each.end for each in timeline.requests) else " whose end was read"
    took = f"{subject} took {seconds(waited(slowest))} of the {limit} that the gateway waits"
    return f"Every request{ended} was answered, {took}."


def _nothing_failed(timeline: Timeline, findings: Sequence[Finding]) -> str:
    warnings = sum(finding.severity == "warning" for finding in findings)
    what = f"No request failed in what was read ({counted(warnings, 'warning')})" if warnings else _NOTHING
    slowest = seconds(max(waited(each) for each in timeline.requests))
    number = len(timeline.requests)
    took = f"which took {slowest}" if number == 1 else f"the slowest took {slowest}"
    return f"{what}: {counted(number, 'request')}, {took}."


_NOTHING: Final = "Nothing is wrong in what was read"


def _unexplained_refusals(timeline: Timeline, findings: Iterable[Finding]) -> list[Request]:
    """Requests refused because their session was closed, where nothing that was read completed it before."""
    explained = {finding.request_id for finding in findings if finding.rule == "retry-refused"}
    refused = [each for each in timeline.requests if milestones(each, REFUSED)]
    return [each for each in refused if each.request_id not in explained]


def _closed_by(timeline: Timeline) -> str:
    status = timeline.session.status
    if status == "completed":
        return "It is completed; the request that completed it is not in what was read."
    return f"It is {status}." if status in _CLOSED else "What closed it is not in what was read."


def advice(timeline: Timeline, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What to do now for the user who was hit, most urgent first: is the result stored, where, what to say.

    Empty where no user was hit. What to change is in the remedies of the findings.
    """
    hit = {finding.request_id for finding in findings if finding.rule in HIT}
    affected = [each for each in timeline.requests if each.request_id in hit or milestones(each, REFUSED)]
    return (*_undone(timeline), *(_for_the_user(timeline, affected) if affected else ()))


def _undone(timeline: Timeline) -> Iterable[str]:
    """Where a save may have been undone, nothing else is sure: it comes first."""
    for pair in overlapping(timeline):
        if lost := lost_update(*pair):
            winner, undone = (short(each.request_id) for each in lost)
            yield (
                f"Check the item in the sessions table before you answer: {winner} may have undone "
                f"what {undone} saved (compare status and messages)."
            )


def _for_the_user(timeline: Timeline, affected: Sequence[Request]) -> Iterable[str]:
    status, committed = timeline.session.status, any(commit(each) for each in timeline.requests)
    if status == "completed" or (status == "unknown" and committed):
        return (_COMPLETE, _where(timeline), *_extraction_failed(timeline))
    if committed:
        return (f"Check the item in the sessions table: it was completed, and a later line says {status}.",)
    if status in _CLOSED:
        return (f"The session is {status}, a retry is refused again: the user must resume it or begin anew.",)
    if any(milestones(each, REFUSED) for each in affected):
        return (_LOOK_UP,)
    return (_retry(timeline, affected[-1]),)


_COMPLETE: Final = "Tell the user: your session is complete and saved; do not send again, reload the page."
_LOOK_UP: Final = (
    "Look up the session's status in the sessions table: if completed, a reload shows the result."
)


def _where(timeline: Timeline) -> str:
    session = timeline.session.session_id
    key = "of the session" if session is None else f"session_id = {identifier(session)}"
    return f"The result is stored: sessions table, item {key}, attribute extracted_result."


def _extraction_failed(timeline: Timeline) -> Iterable[str]:
    """A session can be completed although its extraction failed: then the result may be empty."""
    for each in timeline.requests:
        if commit(each) and any(part.name == EXTRACTION and part.error_type for part in each.phases):
            return ("The extraction ended in an error before the commit: is there data in extracted_result?",)
    return ()


def _retry(timeline: Timeline, last: Request) -> str:
    """The session goes on: may the user send again?"""
    if later := [each for each in timeline.requests if _went_on(last, each)]:
        return f"Nothing to do at once: a later request, {short(later[-1].request_id)}, was answered."
    if milestones(last, SAVED):
        return _SAVED
    saves_are_logged = any(milestones(each, SAVED) for each in timeline.requests)
    if init_failed(last) or (saves_are_logged and last.end and timeline.complete):
        return "Tell the user to reload and send again: the session goes on, and this request saved nothing."
    return "Tell the user to reload before sending again: whether the message was stored is not known."


_SAVED: Final = (
    "Tell the user to reload before sending again: this request saved the session, a retry repeats it."
)


def _went_on(last: Request, later: Request) -> bool:
    """Whether a request after the last one that was hit was answered."""
    same = later.start > last.start and bool(set(last.sessions) & set(later.sessions))
    return same and later.outcome == "ok" and (later.response_status or 200) < 400


def next_command(
    timeline: Timeline,
    *,
    session_id: str | None = None,
    request_id: str | None = None,
    logs: Sequence[str] = (),
    options: Sequence[str] = (),
) -> str | None:
    """The next useful command after a question by session or request; None where nothing was found.

    A question by request leads to its whole session, one by session to a page that can be sent on.

    >>> from incidents.rules.examples import request, timeline
    >>> next_command(timeline(request(32.3)), session_id="sess_1", logs=["my logs/"])
    "guard trace --session sess_1 --logs 'my logs/' --format html -o incident.html"
    """
    if not timeline.requests or STANDARD_INPUT in logs:  # typed again it would wait for what nobody sends
        return None
    where = [*(part for path in logs for part in ("--logs", path)), *options]
    if session_id is not None:
        return shlex.join(["guard", "trace", "--session", session_id, *where, *_PAGE])
    whole = timeline.session.session_id
    if whole is not None and identifier(whole) == whole:
        return shlex.join(["guard", "trace", "--session", whole, *where])
    return shlex.join(["guard", "trace", "--request", request_id, *where, *_PAGE]) if request_id else None


_PAGE: Final = ("--format", "html", "-o", "incident.html")
