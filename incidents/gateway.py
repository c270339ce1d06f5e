"""The client's side of a request: observed in a gateway's log, or inferred from the time that it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from guards.limits import GATEWAY_LIMITS, TIMEOUT_STATUS, GatewayKind
from incidents.messages import Line
from incidents.timeline import Gateway, Request
from incidents.values import milliseconds, text, whole

FAILED_STATUS: dict[GatewayKind, int] = {"http": 500, "rest": 502}
"""What the client gets when the function itself failed within the limit."""

_NEAR = timedelta(seconds=2)
"""How far the gateway's receive time may stand before the start of the function, beyond its init."""

_GRAIN = timedelta(milliseconds=500)
"""Gateway and Lambda keep their own clocks."""

_SHORTEST_TIMEOUT = timedelta(seconds=3)
"""A 503 or 504 that came sooner is a refusal: the function was not asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway's log says of one request."""

    lines: tuple[Line, ...]
    lambda_id: str | None
    """None where the log does not hold it, as after a timeout."""
    gateway_ids: tuple[str, ...]
    status: int | None
    latency: timedelta | None
    received: datetime | None
    path: str | None


def with_gateway(
    requests: Iterable[Request],
    lines: Iterable[Line],
    kind: GatewayKind,
    limit: timedelta | None = None,
    others: Iterable[Request] = (),
) -> tuple[Request, ...]:
    """Each request with what its client saw. ``lines`` are a gateway's.

    ``limit`` overrides the one that guards recorded, and that one the kind's.

    ``others`` are requests that nobody asked for: an answer without Lambda's ID may be about one of them.
    """
    requests = tuple(requests)
    ceiling = limit or GATEWAY_LIMITS[kind]
    answers = _answers(lines, ceiling)
    by_id = {answer.lambda_id: answer for answer in answers if answer.lambda_id is not None}
    unanswered = [each for each in (*requests, *others) if each.request_id not in by_id]
    by_time = _by_time(unanswered, [each for each in answers if each.lambda_id is None], ceiling)
    return tuple(
        replace(
            each,
            gateway=_gateway(
                each,
                by_id.get(each.request_id),
                by_time.get(id(each)),
                kind,
                limit or each.gateway_limit or ceiling,
            ),
        )
        for each in requests
    )


def waited(request: Request) -> timedelta:
    """How long the gateway waited, what came before the start included: so far, if it has not ended."""
    ran = request.last_seen - request.start if request.duration is None else request.duration
    return ran + request.waited_before


def _gateway(
    request: Request, told: Answer | None, near: Answer | None, kind: GatewayKind, limit: timedelta
) -> Gateway:
    if told is not None and told.status is not None:
        return Gateway(kind, limit, told.status, told.latency, "observed", told.lines)
    if near is not None and near.status is not None:
        return Gateway(kind, limit, near.status, near.latency, "inferred", near.lines)
    seen = told or near
    return replace(_inferred(request, kind, limit), lines=seen.lines if seen else ())


def _inferred(request: Request, kind: GatewayKind, limit: timedelta) -> Gateway:
    """What the client must have got, by arithmetic; without a status where nothing tells."""
    took = waited(request)
    if not request.is_asked_for:
        return Gateway(kind, limit, None, None, "none")
    if took > limit:
        return Gateway(kind, limit, TIMEOUT_STATUS[kind], limit, "inferred")
    if request.outcome in ("error", "timeout"):
        return Gateway(kind, limit, FAILED_STATUS[kind], took, "inferred")
    if request.end is not None and request.response_status is not None:
        return Gateway(kind, limit, request.response_status, took, "inferred")
    return Gateway(kind, limit, None, None, "none")


def _answers(lines: Iterable[Line], limit: timedelta) -> list[Answer]:
    """One answer for each request in a gateway's logs, access and execution log together."""
    parts: dict[str, list[Line]] = {}
    for line in lines:
        own = (line.said.fields or {}).get("requestId")
        parts.setdefault(own if isinstance(own, str) else line.event.place, []).append(line)
    return [_answer(tuple(each), limit) for part in parts.values() for each in _told_apart(part)]


def _told_apart(part: list[Line]) -> list[list[Line]]:
    # Callers of a REST API may set $context.requestId: the same one for two requests tells neither.
    ids = {text(line.said.fields, "integration.requestId") for line in part} - {None}
    return [part] if len(ids) <= 1 else [[line] for line in part]


def _answer(lines: tuple[Line, ...], limit: timedelta) -> Answer:
    fields: dict[str, object] = {}
    for line in lines:
        fields |= {key: value for key, value in (line.said.fields or {}).items() if value is not None}
    latency = milliseconds(fields, "responseLatency")
    status = whole(fields, "status")
    timed_out = fields.get("error.message") == "timeout"
    return Answer(
        lines=lines,
        lambda_id=text(fields, "integration.requestId"),
        gateway_ids=tuple(
            each for key in ("requestId", "extendedRequestId") if (each := text(fields, key)) is not None
        ),
        status=status if status is not None else TIMEOUT_STATUS["rest"] if timed_out else None,
        latency=latency,
        received=_received(lines, latency) or _by_execution_log(lines, limit),
        path=text(fields, "path"),
    )


def _received(lines: Sequence[Line], latency: timedelta | None) -> datetime | None:
    precise = next((line for line in lines if (line.said.fields or {}).get("requestTimeEpoch")), None)
    if precise is not None and precise.said.at is not None:
        return precise.said.at
    if latency is not None:  # an access log line is written when the answer has gone out
        return lines[-1].event.at - latency
    return next((line.said.at for line in lines if line.said.at is not None), None)


def _by_execution_log(lines: Sequence[Line], limit: timedelta) -> datetime:
    """Its lines have no time but their events': the first is written on receipt, if all were saved."""
    first = lines[0]
    gave_up = (first.said.fields or {}).get("error.message") == "timeout"
    return first.event.at - (limit if gave_up else timedelta(0))


def _by_time(requests: Sequence[Request], answers: Sequence[Answer], limit: timedelta) -> dict[int, Answer]:
    """Answers without Lambda's ID, tied to the only request that they can be about, and it to no other.

    By the identity of the request: one that Lambda tried again has its ID twice.
    """
    pairs = [(request, answer) for answer in answers for request in requests if _fits(request, answer, limit)]
    of_request = Counter(id(request) for request, _ in pairs)
    of_answer = Counter(id(answer) for _, answer in pairs)
    return {
        id(request): answer
        for request, answer in pairs
        if of_request[id(request)] == 1 and of_answer[id(answer)] == 1
    }


def _fits(request: Request, answer: Answer, limit: timedelta) -> bool:
    if answer.received is None:
        return False
    before = request.start - request.waited_before - answer.received
    if not timedelta(seconds=-1) <= before <= _NEAR:
        return False
    if answer.path and request.route and not _same_path(answer.path, request.route.split(" ", 1)[-1]):
        return False
    return _may_be_answered_by(request, answer, limit)


def _may_be_answered_by(request: Request, answer: Answer, limit: timedelta) -> bool:
    """Whether the gateway gave up on the request, or waited for it and passed its answer on."""
    took, gives_up = waited(request), min(limit, GATEWAY_LIMITS["rest"]) - _GRAIN
    gave_up = answer.status in TIMEOUT_STATUS.values() and (
        answer.latency is None or answer.latency >= _SHORTEST_TIMEOUT
    )
    if gave_up or (answer.latency is not None and answer.latency >= gives_up):
        return request.end is None or took >= (answer.latency or gives_up) - _GRAIN
    if answer.latency is not None and answer.latency < took - _GRAIN:
        return False  # refused before the function was asked
    return request.outcome != "ok" or answer.status in (None, request.response_status or answer.status)


def _same_path(one: str, other: str) -> bool:
    # A custom domain's mapping and the stage stand before the path that the function sees, or do not.
    return one.endswith(other) or other.endswith(one) or one.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]
