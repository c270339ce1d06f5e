"""The request that all contestants serve: an HTTP API's event, the invocation's context, two phases."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SERVICE = "coaching-api"
ROUTE = "POST /coaching/message"
SESSION = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
PHASES = (("conversation", "CLAUDE_SONNET_4_5"), ("extraction", "CLAUDE_3_5_HAIKU"))
ANSWER = {"statusCode": 200, "body": "{}"}

LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": SERVICE,
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/coaching-api-4b4d001",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/02/09/[$LATEST]9adbd5d1cf854cbeb2c62d8d42a6a1ea",
    "AWS_REGION": "us-east-1",
    "AWS_XRAY_SDK_ENABLED": "true",
    "LAMBDA_TASK_ROOT": "/var/task",
}
"""The environment of a Lambda, as far as a contestant looks at it."""

_random = random.Random(20260209)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Context:
    """An invocation's context, with what the contestants ask of it."""

    aws_request_id: str
    function_name: str = SERVICE
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = f"arn:aws:lambda:us-east-1:123456789012:function:{SERVICE}"

    def get_remaining_time_in_millis(self) -> int:
        """Of a function's 300 s."""
        return 299_000


@dataclass(frozen=True)
class Invocation:
    """One request as Lambda hands it over."""

    event: dict[str, Any]
    context: Context
    xray: str
    """What the runtime client puts into _X_AMZN_TRACE_ID."""


def invocation() -> Invocation:
    """A request that the gateway received just now, in a trace of its own."""
    trace, span = f"{_random.getrandbits(128):032x}", f"{_random.getrandbits(64):016x}"
    event = {
        "version": "2.0",
        "routeKey": ROUTE,
        "rawPath": "/coaching/message",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "host": "api.example.com",
            "traceparent": f"00-{trace}-{span}-01",
            "user-agent": "Mozilla/5.0",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "apiId": "a1b2c3d4e5",
            "domainName": "api.example.com",
            "http": {"method": "POST", "path": "/coaching/message", "userAgent": "Mozilla/5.0"},
            "requestId": f"JKJaXmPLvHcESHA{next(_numbers)}=",
            "stage": "$default",
            "timeEpoch": time.time_ns() // 1_000_000,
        },
        "body": "{}",
        "isBase64Encoded": False,
    }
    xray = f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled=1"
    return Invocation(event, Context(f"ae220969-d5df-4cdc-a767-{next(_numbers):012x}"), xray)


def serve(handler: Callable[[Any, Any], object], invocations: list[Invocation]) -> None:
    """Call a handler as the runtime client does: the trace in the environment, then event and context."""
    for each in invocations:
        os.environ["_X_AMZN_TRACE_ID"] = each.xray
        handler(each.event, each.context)
