"""The ``$context`` variables of an API Gateway access log, whatever a JSON log format calls them.

Everything comes out under API Gateway's own names
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html).
An unset variable is written as ``-`` and is left out here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from incidents.messages import Message
from incidents.scalars import clf_instant, identifier, instant, number, whole

# A key of a JSON access log, in lower case and without _ . -, and the $context variable that it means.
_MEANINGS: Final[dict[str, str]] = {
    "requestid": "requestId",
    "extendedrequestid": "extendedRequestId",
    "ip": "identity.sourceIp",
    "sourceip": "identity.sourceIp",
    "identitysourceip": "identity.sourceIp",
    "caller": "identity.caller",
    "user": "identity.user",
    "useragent": "identity.userAgent",
    "identityuseragent": "identity.userAgent",
    "requesttime": "requestTime",
    "requesttimeepoch": "requestTimeEpoch",
    "httpmethod": "httpMethod",
    "method": "httpMethod",
    "path": "path",
    "resourcepath": "resourcePath",
    "routekey": "routeKey",
    "stage": "stage",
    "apiid": "apiId",
    "domainname": "domainName",
    "protocol": "protocol",
    "status": "status",
    "statuscode": "status",
    "responselength": "responseLength",
    "responselatency": "responseLatency",
    "integrationrequestid": "integration.requestId",
    "awsendpointrequestid": "integration.requestId",
    "integrationlatency": "integration.latency",
    "integrationstatus": "integration.status",
    "functionresponsestatus": "integration.status",
    "integrationservicestatus": "integration.integrationStatus",
    "integrationintegrationstatus": "integration.integrationStatus",
    "integrationerrormessage": "integrationErrorMessage",
    "integrationerror": "integrationErrorMessage",
    "errormessage": "error.message",
    "errormessagestring": "error.message",
    "errorresponsetype": "error.responseType",
}
STATUSES: Final = frozenset({"status", "integration.status", "integration.integrationStatus"})
"""The variables that hold an HTTP status."""
INTEGERS: Final = STATUSES | {"requestTimeEpoch", "responseLength"}
"""The variables that hold an int."""
NUMBERS: Final = frozenset({"responseLatency", "integration.latency"})
"""The variables that hold milliseconds."""
_IDS: Final = ("integration.requestId", "requestId", "extendedRequestId")
# Common in application logs too: these alone do not show that a line is the gateway's.
_COMMON: Final = frozenset(
    {"requestId", "httpMethod", "path", "status", "identity.user", "error.message", "stage"}
)
_METHOD: Final = re.compile(r"[A-Z]{3,12}")
_LOGGING_KEYS: Final = frozenset(
    {"event", "level", "message", "msg", "logger", "levelname", "severity", "log_level", "guard", "type"}
)
_WIDEST: Final = 100  # keys; no access log has more


@lru_cache(maxsize=1024)
def _meaning(key: str) -> str | None:
    short = key.lower().removeprefix("$context.")
    return _MEANINGS.get(short.replace("_", "").replace(".", "").replace("-", ""))


def read_access_fields(line: Mapping[str, Any]) -> Message | None:
    """What a JSON object says as an access log line, recognised by its keys; None when it is none.

    >>> said = read_access_fields({"requestId": "g-1", "status": "503", "routeKey": "$default", "ip": "-"})
    >>> said.kind, said.fields
    ('gateway', {'requestId': 'g-1', 'status': 503, 'routeKey': '$default'})
    """
    if len(line) > _WIDEST or not _LOGGING_KEYS.isdisjoint(line):
        return None
    fields: dict[str, object] = {}
    known = 0
    for key, value in line.items():
        name = _meaning(key) if len(key) <= 64 else None
        if name is not None:
            # An unset variable still shows what the line is, but holds nothing.
            known += value == "-"
            put(fields, name, value)
    return gateway_line(fields) if known + len(fields) >= 3 and not fields.keys() <= _COMMON else None


def put(fields: dict[str, object], name: str, value: object) -> None:
    """Keep the variable unless it is unset, cannot be what its name says, or is there already."""
    found = _value(name, value)
    if found is not None and name not in fields:
        fields[name] = found


def _value(name: str, value: object) -> object:
    """The variable's value: None for an unset one, and for one that cannot be what its name says."""
    if value in ("-", "", None):
        return None
    if name in STATUSES:
        found = whole(value)
        return found if found is not None and 100 <= found <= 599 else None
    if name in INTEGERS:
        return whole(value)
    if name in NUMBERS:
        return number(value)
    if name in _IDS:
        return identifier(value)
    if name == "httpMethod":
        return value if isinstance(value, str) and _METHOD.fullmatch(value) else None
    return value if isinstance(value, str) else None


def gateway_line(fields: Mapping[str, object]) -> Message | None:
    """The variables as a line of the gateway; None when they tell neither a status nor a method."""
    if "status" not in fields and "httpMethod" not in fields:
        return None
    return Message(
        "gateway",
        gateway_ids(fields),
        at=_received(fields),
        fields=fields,
    )


def gateway_ids(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The request IDs among the variables: Lambda's, where the gateway logs it, before its own."""
    ids = (identifier(fields[name]) for name in _IDS if name in fields)
    return tuple(dict.fromkeys(each for each in ids if each is not None))


def _received(fields: Mapping[str, object]) -> datetime | None:
    epoch, clf = fields.get("requestTimeEpoch"), fields.get("requestTime")
    if (at := instant(epoch)) is not None:
        return at
    return (clf_instant(clf) or instant(clf)) if isinstance(clf, str) else None


_UNSET: Final = re.compile(r":\s*-\s*(?=[,}])")


def quote_unset(text: str) -> str:
    """A JSON access log line made JSON again: quotes round each bare ``-`` of an unset variable.

    >>> quote_unset('{"status":-,"latency": 12}')
    '{"status":"-","latency": 12}'
    """
    return _UNSET.sub(':"-"', text) if ":-" in text or ": -" in text else text
