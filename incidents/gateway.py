"""The client's side of a request: observed in a gateway's log, or inferred from the time that it took."""

from __future__ import annotations

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
    requests: Iterable[Request], lines: Iterable[Line], kind: GatewayKind, limit: timedelta | None = None
) -> tuple[Request, ...]:
    """Each request with what its client saw. ``lines`` are a gateway's; ``limit`` overrides the kind's."""
    requests = tuple(requests)
    answers = _answers(lines)
    by_id = {answer.lambda_id: answer for answer in answers if answer.lambda_id is not None}
    by_time = _by_time(requests, [answer for answer in answers if answer.lambda_id is None])
    ceiling = limit or GATEWAY_LIMITS[kind]
    return tuple(
        replace(
            each,
            gateway=_gateway(each, by_id.get(each.request_id), by_time.get(each.request_id), kind, ceiling),
        )
        for each in requests
    )


def waited(request: Request) -> timedelta:
    """How long the gateway waited for the function, its init included: so far, if it has not ended."""
    ran = request.last_seen - request.start if request.duration is None else request.duration
    return ran + (request.init_duration or timedelta(0) if request.init_waited else timedelta(0))


def _gateway(
    request: Request, told: Answer | None, near: Answer | None, kind: GatewayKind, limit: timedelta
) -> Gateway:
    if told is not None:
        return Gateway(kind, limit, told.status, told.latency, "observed", told.lines)
    if near is not None:
        return Gateway(kind, limit, near.status, near.latency, "inferred", near.lines)
    took = waited(request)
    if took > limit:
        return Gateway(kind, limit, TIMEOUT_STATUS[kind], limit, "inferred")
    if request.outcome in ("error", "timeout"):
        return Gateway(kind, limit, FAILED_STATUS[kind], took, "inferred")
    if request.end is not None and request.response_status is not None:
        return Gateway(kind, limit, request.response_status, took, "inferred")
    return Gateway(kind, limit, None, None, "none")


def _answers(lines: Iterable[Line]) -> list[Answer]:
    """One answer for each request in a gateway's logs, access and execution log together."""
    parts: dict[str, list[Line]] = {}
    for line in lines:
        own = (line.said.fields or {}).get("requestId")
        parts.setdefault(own if isinstance(own, str) else line.event.place, []).append(line)
    return [_answer(tuple(each)) for each in parts.values()]


def _answer(lines: tuple[Line, ...]) -> Answer:
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
        received=_received(lines, latency),
        path=text(fields, "path"),
    )


def _received(lines: Sequence[Line], latency: timedelta | None) -> datetime | None:
    precise = next((line for line in lines if (line.said.fields or {}).get("requestTimeEpoch")), None)
    if precise is not None and precise.said.at is not None:
        return precise.said.at
    if latency is not None:  # an access log line is written when the answer has gone out
        return lines[-1].event.at - latency
    return next((line.said.at for line in lines if line.said.at is not None), None)


def _by_time(requests: Sequence[Request], answers: Sequence[Answer]) -> dict[str, Answer]:
    """Answers without Lambda's ID, tied to the only request that they can be about."""
    tied: dict[str, Answer] = {}
    for answer in answers:
        fitting = [request for request in requests if _fits(request, answer)]
        if len(fitting) == 1:
            tied.setdefault(fitting[0].request_id, answer)
    return tied


def _fits(request: Request, answer: Answer) -> bool:
    if answer.received is None:
        return False
    init = request.init_duration or timedelta(0) if request.init_waited else timedelta(0)
    before = request.start - init - answer.received
    if not timedelta(seconds=-1) <= before <= _NEAR:
        return False
    if answer.path and request.route:
        return _same_path(answer.path, request.route.split(" ", 1)[-1])
    return answer.latency is None or answer.latency >= GATEWAY_LIMITS["rest"]


def _same_path(one: str, other: str) -> bool:
    # A custom domain's mapping and the stage stand before the path that the function sees, or do not.
    return one.endswith(other) or other.endswith(one) or one.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1]
