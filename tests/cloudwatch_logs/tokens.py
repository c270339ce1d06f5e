"""Tokens of pages: opaque to the caller, and good for the same read only."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.cloudwatch_logs.errors import invalid


def token_of(operation: str, parameters: dict[str, Any], position: int) -> str:
    """A token that leads on from a position of this very read."""
    return base64.urlsafe_b64encode(json.dumps([position, _read(operation, parameters)]).encode()).decode()


def position_of(operation: str, parameters: dict[str, Any]) -> int:
    """Where a read goes on; 0 without a token. Raises InvalidParameterException for another read's token."""
    token = parameters.get("nextToken")
    if token is None:
        return 0
    try:
        position, read = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise invalid("The specified nextToken is invalid.") from None
    if read != _read(operation, parameters):
        raise invalid("The specified nextToken is of another request.")
    return int(position)


def _read(operation: str, parameters: dict[str, Any]) -> list[Any]:
    return [operation, sorted([key, each] for key, each in parameters.items() if key in _SAME)]


_SAME = (
    "logGroupName",
    "logStreamName",
    "logStreamNames",
    "startTime",
    "endTime",
    "filterPattern",
    "queryId",
)
