"""The access-log formats to paste into an API's stage: what ``guard trace`` and the path alarm read.

One line of JSON. ``functionRequestId`` is Lambda's request ID and joins the two logs; the error message tells
the gateway's timeout from the handler's own 5xx.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

from __future__ import annotations

from typing import Final

# Quoted, but for the status: every answer has one, and `status >= 500` must compare numbers. Any other
# variable can be unset, which prints a dash.
HTTP_API: Final = (
    '{"requestId":"$context.requestId",'
    '"functionRequestId":"$context.integration.requestId",'
    '"requestTimeEpoch":"$context.requestTimeEpoch",'
    '"routeKey":"$context.routeKey",'
    '"httpMethod":"$context.httpMethod",'
    '"path":"$context.path",'
    '"stage":"$context.stage",'
    '"status":$context.status,'
    '"integrationStatus":"$context.integration.integrationStatus",'
    '"integrationErrorMessage":"$context.integrationErrorMessage",'
    '"integrationLatency":"$context.integrationLatency",'
    '"responseLatency":"$context.responseLatency"}'
)
"""For an HTTP API."""

REST_API: Final = (
    '{"requestId":"$context.requestId",'
    '"extendedRequestId":"$context.extendedRequestId",'
    '"functionRequestId":"$context.integration.requestId",'
    '"requestTimeEpoch":"$context.requestTimeEpoch",'
    '"resourcePath":"$context.resourcePath",'
    '"httpMethod":"$context.httpMethod",'
    '"path":"$context.path",'
    '"stage":"$context.stage",'
    '"status":$context.status,'
    '"integrationStatus":"$context.integration.integrationStatus",'
    '"integrationErrorMessage":"$context.integration.error",'
    '"integrationLatency":"$context.integration.latency",'
    '"responseLatency":"$context.responseLatency"}'
)
"""For a REST API: callers can choose its requestId, but not its extendedRequestId."""

FORMATS: Final = {"http": HTTP_API, "rest": REST_API}
"""By API kind."""
