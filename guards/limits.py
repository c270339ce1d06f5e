"""The times that everything else is measured against, written once.

>>> limits_for("http").warning
datetime.timedelta(seconds=25)
>>> limits_for("rest").limit
datetime.timedelta(seconds=29)
>>> Limits.of(timedelta(seconds=60)).critical
datetime.timedelta(seconds=56)
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal, NamedTuple

GatewayKind = Literal["http", "rest"]

GATEWAY_LIMITS: Final[dict[GatewayKind, timedelta]] = {
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
    "http": timedelta(seconds=30),
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    "rest": timedelta(seconds=29),
}
"""The integration timeout of an API Gateway, by API kind (HTTP API fixed, REST API by default)."""

TIMEOUT_STATUS: Final[dict[GatewayKind, int]] = {"http": 503, "rest": 504}
"""The HTTP status that the client gets when the integration times out."""

WARNING: Final = timedelta(seconds=25)
CRITICAL: Final = timedelta(seconds=28)

CONVERSATION_BUDGET: Final = timedelta(seconds=15)
EXTRACTION_BUDGET: Final = timedelta(seconds=8)
"""How long these two phases may take, unless told otherwise."""

LAMBDA_LONGEST: Final = timedelta(minutes=15)
"""No Lambda invocation runs longer."""

HISTOGRAM_EDGES_S: Final = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 28.0, 29.0, 30.0, 60.0)
"""Bucket edges, in seconds, that see the warning, the critical mark and both gateway limits."""


class Limits(NamedTuple):
    """When a request of a gateway is near its end."""

    limit: timedelta
    """The gateway gives up here."""
    warning: timedelta
    critical: timedelta

    @classmethod
    def of(cls, limit: timedelta) -> Limits:
        """The marks for any gateway limit: 25 s and 28 s at 29 s and 30 s, else 25/30 and 28/30 of it."""
        if limit in GATEWAY_LIMITS.values():
            return cls(limit, WARNING, CRITICAL)
        return cls(limit, limit * 25 / 30, limit * 28 / 30)


def limits_for(kind: GatewayKind, limit: timedelta | None = None) -> Limits:
    """The marks for an API kind with its default integration timeout, or with the limit that was set."""
    return Limits.of(limit or GATEWAY_LIMITS[kind])
