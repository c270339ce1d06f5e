"""What the tests of guards share: events, contexts, and the records that a piece of code writes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

REQUEST = "ae220969-d5df-4cdc-a767-70f9fa8624de"
OTHER_REQUEST = "b6c9a6a2-1111-4222-8333-444444444444"
SESSION = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"

Record = dict[str, Any]


@dataclass
class Context:
    """A Lambda context, as far as guards look at it."""

    aws_request_id: str = REQUEST
    left_ms: float = 300_000

    def get_remaining_time_in_millis(self) -> float:
        """As Lambda's own."""
        return self.left_ms


def http_event(*, age_s: float = 0.0, path: str = "/coaching/message", **changed: Any) -> dict[str, Any]:
    """An HTTP API's event, payload 2.0, as the coaching API's `$default` route gets it."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            "timeEpoch": round((time.time() - age_s) * 1000),
            "domainName": "abc123.execute-api.us-east-1.amazonaws.com",
        },
        "body": "{}",
        "isBase64Encoded": False,
    } | changed


def records_in(text: str) -> list[Record]:
    """The records among the lines of a text."""
    lines = (line for line in text.splitlines() if line.startswith("{"))
    return [record for record in map(json.loads, lines) if "guard" in record]


def of_kind(records: list[Record], kind: str) -> list[Record]:
    return [record for record in records if record["guard"] == f"{kind}/1"]


def written(capfd: pytest.CaptureFixture[str], work: Callable[[], object]) -> list[Record]:
    """The records that some work writes to standard output."""
    capfd.readouterr()
    work()
    return records_in(capfd.readouterr().out)
