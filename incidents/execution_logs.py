"""The execution log of an API Gateway REST API: ``(<gateway request id>) what it does``."""

from __future__ import annotations

import re
from typing import Final

from incidents.gateway_fields import gateway_ids, put
from incidents.messages import Message
from incidents.scalars import UUID

_EXECUTION: Final = re.compile(rf"\(({UUID})\) ")
# Matched where the gateway's own words begin: bodies and headers that it quotes stand behind them.
_EXECUTION_LINES: Final[tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]] = (
    (re.compile(r"Method completed with status: ([0-9]{3})"), ("status",)),
    (
        re.compile(r"Gateway response type: (\w{1,60}) with status code: ([0-9]{3})"),
        ("error.responseType", "status"),
    ),
    (
        re.compile(r"Received response\. Status: ([0-9]{3}), Integration latency: ([0-9]{1,9}) ms"),
        ("integration.status", "integration.latency"),
    ),
    (re.compile(r"AWS Integration Endpoint RequestId ?: (\S{1,128})"), ("integration.requestId",)),
    (
        re.compile(
            r"Lambda execution failed with status ([0-9]{3}) due to (customer function error): "
            r".*Lambda request id: (\S{1,128})\s*\Z",
            re.DOTALL,
        ),
        ("integration.integrationStatus", "error.message", "integration.requestId"),
    ),
    (re.compile(r"Execution failed due to a (timeout) error"), ("error.message",)),
    (re.compile(r"Execution failed due to (configuration error)"), ("error.message",)),
    (re.compile(r"HTTP Method: ([A-Z]{3,12}), Resource Path: (\S{1,512})"), ("httpMethod", "resourcePath")),
    (re.compile(r"Extended Request Id: (\S{1,128})"), ("extendedRequestId",)),
)


def read_execution_line(text: str) -> Message | None:
    """What a line of a REST API's execution log says: ``(<gateway request id>) ...``.

    >>> line = "(fbcaf9e5-d535-40a1-891c-7b70118cf7e8) Execution failed due to a timeout error"
    >>> read_execution_line(line).fields
    {'requestId': 'fbcaf9e5-d535-40a1-891c-7b70118cf7e8', 'error.message': 'timeout'}
    """
    start = _EXECUTION.match(text)
    if start is None:
        return None
    fields: dict[str, object] = {"requestId": start[1]}
    for pattern, names in _EXECUTION_LINES:
        if (found := pattern.match(text, start.end())) is not None:
            for name, value in zip(names, found.groups(), strict=True):
                put(fields, name, value)
            break
    return Message("gateway", gateway_ids(fields), fields=fields)
