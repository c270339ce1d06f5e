"""Rules about the time that the gateway gives a request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from guards.limits import Limits
from incidents.gateway import waited
from incidents.report import Severity
from incidents.rules.examples import request, timeline
from incidents.rules.facts import (
    GaveUp,
    certainty,
    first_of,
    gave_up,
    init_waited,
    proof,
    said_past,
    start_and_end,
)
from incidents.rules.registry import Budgets, Hit, rule
from incidents.rules.words import seconds
from incidents.timeline import Request, Timeline

COLD_SHARE: Final = 0.1
"""An init over this share of the gateway's limit is worth a word."""

_WORTH_A_WORD: Final = timedelta(milliseconds=500)

_ANSWER_IN_TIME: Final = (
    "Answer first and do the rest behind the answer (asynchronous extraction, then polling)"
)


@rule(
    "outlived-gateway",
    "critical",
    fires=lambda: timeline(request(32.312)),
    silent=lambda: timeline(request(30.0)),
)
def outlived_gateway(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A request took longer than the gateway's limit, so the client got 503 or 504; Lambda counts a success.

    Counted is Lambda's duration (without one, what was seen), plus what came before it: the time since the
    gateway received the request, where guards recorded that, else the init that the request waited for.
    Certain where a gateway log shows it, likely where it is inferred from the time. Silent where a gateway
    log shows that the client was answered after all, where the handler itself answered 503, and about a
    worker's invocation, such as a queue's, where guards recorded it: nobody waits for it.
    """
    for each in timeline.requests:
        if gone := gave_up(each):
            evidence = proof(start_and_end(each), said_past(each), each.gateway.lines)
            yield Hit(each, _outlived(each, gone), _outlived_remedy(each), evidence, gone.confidence)


def _outlived(request: Request, gone: GaveUp) -> str:
    counted = _before(request)
    ran = f"{'took' if request.end else 'was still running after'} {seconds(waited(request))}"
    if gone.observed:
        got = f"The client got {gone.status_words} after {seconds(gone.after)}"
        return f"{got}; the request {ran}{counted.rstrip(',')}."
    limit = f"the gateway waits {seconds(request.gateway.limit)}"
    return f"The request {ran}{counted} and {limit}: the client must have got {gone.status_words}."


def _before(request: Request) -> str:
    """What of the client's wait Lambda's own duration does not tell."""
    if init := init_waited(request):
        return f", {seconds(init)} of it init,"
    if request.waited_before >= _WORTH_A_WORD:
        return f", {seconds(request.waited_before)} of it before the function started,"
    return ""


def _outlived_remedy(request: Request) -> str:
    if request.gateway.kind == "rest":
        return f"{_ANSWER_IN_TIME}; a REST API's limit can be raised if the API is regional or private."
    if request.gateway.kind == "http":
        return f"{_ANSWER_IN_TIME}; an HTTP API's limit cannot be raised."
    return f"{_ANSWER_IN_TIME}."


@rule(
    "near-gateway-limit",
    "warning",
    fires=lambda: timeline(request(26.353)),
    silent=lambda: timeline(request(24.999)),
)
def near_gateway_limit(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A request was answered in time, but only just.

    A warning from 25 s on, critical from 28 s on (at gateway limits other than 29 and 30 s: from 25/30 and
    28/30 of the limit); what came before the start counts as for outlived-gateway. Silent where the gateway
    gave up, where the end was not seen, and about a worker's invocation.
    """
    for each in timeline.requests:
        severity = _nearness(each)
        if severity and each.end and not gave_up(each):
            evidence = proof(start_and_end(each), said_past(each))
            yield Hit(each, _near(each), _NEAR_REMEDY, evidence, certainty(each), severity)


_NEAR_REMEDY: Final = f"{_ANSWER_IN_TIME}."


def _nearness(request: Request) -> Severity | None:
    marks, took = Limits.of(request.gateway.limit), waited(request)
    if took < marks.warning or not request.is_asked_for:
        return None
    return "warning" if took < marks.critical else "critical"


def _near(request: Request) -> str:
    took, limit = waited(request), request.gateway.limit
    if took > limit:
        status = request.gateway.client_status
        past = f"past the {seconds(limit)} taken for the gateway's limit"
        return f"The client got {status}, {past}: the request took {seconds(took)}."
    return f"The request took {seconds(took)} of the {seconds(limit)} that the gateway waits."


@rule(
    "cold-start",
    "info",
    fires=lambda: timeline(request(5.0, init_duration=4.9, init_waited=True)),
    silent=lambda: timeline(request(5.0, init_duration=4.9, init_waited=False)),
)
def cold_start(timeline: Timeline, budgets: Budgets) -> Iterator[Hit]:
    """A request waited for an init that took over 10 % of the gateway's limit.

    An init that nobody waited for (provisioned concurrency, a proactive start, a worker's) does not count.
    """
    for each in timeline.requests:
        init, limit = init_waited(each), each.gateway.limit
        if init > limit * COLD_SHARE and each.is_asked_for:
            evidence = proof(first_of(each, "init-start"), first_of(each, "init-report"), start_and_end(each))
            yield Hit(each, _cold(init, limit), _COLD_REMEDY, evidence, certainty(each))


_COLD_REMEDY: Final = "Import less at start, or keep environments warm with provisioned concurrency."


def _cold(init: timedelta, limit: timedelta) -> str:
    return f"Of the {seconds(limit)} that the gateway waits, the init took {seconds(init)}."
