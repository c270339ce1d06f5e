"""An account in which all is well, with decoys: another API, another function, others' alarms and filters."""

from __future__ import annotations

from typing import Any

from alarms.access_log import HTTP_API, REST_API
from alarms.catalog import Catalog, catalog
from alarms.properties import put_metric_filter
from alarms.settings import service_of
from tests.aws_account import Account, alarms_of
from tests.cloudwatch_logs.__main__ import GROUP, TABLE, demo_store
from tests.cloudwatch_logs.store import Group, Store

FUNCTION = "coaching-api-4b4d001"
API = "abc123"
REST = "coaching"
ACCESS_GROUP = "/aws/apigateway/coaching"
TOPIC = "arn:aws:sns:us-east-1:123456789012:tickets"
WORDS = {"function": FUNCTION, "timeout_s": 300, "api": f"http:{API}"}
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:"

__all__ = [
    "ACCESS_GROUP",
    "API",
    "FUNCTION",
    "GROUP",
    "REST",
    "TABLE",
    "TOPIC",
    "WORDS",
    "account",
    "made",
    "store",
]


def made(**words: object) -> Catalog:
    """The catalog of the function and its API."""
    return catalog(service_of({**WORDS, **words}))


def store(**words: object) -> Store:
    """The demo's logs, indexed, with the catalog's filters and an access log's group."""
    held = demo_store()
    held.group(GROUP).indexes["session_id"] = (1_770_000_000_000, 1_770_700_000_000)
    held.groups[ACCESS_GROUP] = Group(ACCESS_GROUP, retention_days=30)
    held.groups[ACCESS_GROUP].indexes["session_id"] = (1_770_000_000_000, 1_770_700_000_000)
    held.groups[f"{GROUP}-other"] = Group(f"{GROUP}-other", retention_days=1, class_="INFREQUENT_ACCESS")
    own = [put_metric_filter(each) for each in made(**words).filters if each.log_group_name == GROUP]
    decoys = [{**each, "filterName": f"a-{number}"} for number, each in enumerate(own)]
    held.group(GROUP).filters = [*decoys, *own]
    return held


def account(**words: object) -> Account:
    """The catalog deployed, somebody subscribed, an access log in our format."""
    alarms = alarms_of(made(**words), TOPIC)
    other = [{**each, "AlarmName": f"a-{each['AlarmName']}", "ActionsEnabled": False} for each in alarms]
    return Account(
        http_apis={"decoy1": http_api("elsewhere", 5_000), API: http_api(FUNCTION, 30_000)},
        rest_apis={
            "r000000001": {**rest_api("elsewhere", 5_000), "name": "a-decoy"},
            "r000000002": {**rest_api("elsewhere", 5_000), "name": "another"},
            "r000000003": {**rest_api(FUNCTION, 29_000), "name": REST},
        },
        functions={"elsewhere": function("elsewhere", 3), FUNCTION: function(FUNCTION, 300)},
        alarms=[*other, *alarms],
        samples={
            ("AWS/Lambda", "Duration", (("FunctionName", FUNCTION),)): 120.0,
            ("AWS/ApiGateway", "5xx", (("ApiId", API), ("Stage", "$default"))): 120.0,
        },
        topics={TOPIC: ["Deleted", f"{TOPIC}:1", f"{TOPIC}:2"], f"{TOPIC}-other": []},
    )


def function(name: str, timeout: int, **environment: str) -> dict[str, Any]:
    """A function's configuration."""
    told = {"Variables": environment} if environment else None
    return {
        "FunctionName": name,
        "Timeout": timeout,
        "MemorySize": 1024,
        **({"Environment": told} if told else {}),
    }


def http_api(calls: str, timeout_ms: int, *routes: str) -> dict[str, list[dict[str, Any]]]:
    """An HTTP API with two decoys before each part that matters, so that it stands on a second page."""
    keys = routes or ("$default",)
    return {
        "stages": [
            {"StageName": "dev", "AccessLogSettings": _access_log()},
            {"StageName": "test", "AccessLogSettings": _access_log()},
            {"StageName": "$default", "AccessLogSettings": _access_log()},
        ],
        "routes": [{"RouteKey": key, "RouteId": key, "Target": "integrations/i3"} for key in keys],
        "integrations": [
            _integration("i1", "nobody", 1_000),
            _integration("i2", "nobody", 2_000),
            _integration("i3", calls, timeout_ms),
        ],
    }


def rest_api(calls: str, timeout_ms: int) -> dict[str, Any]:
    """A REST API whose own resource stands on a second page; one method's integration has to be asked for."""
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{LAMBDA}{calls}/invocations"
    own = {"type": "AWS_PROXY", "uri": uri, "timeoutInMillis": timeout_ms}
    mock = {
        "OPTIONS": {"httpMethod": "OPTIONS", "methodIntegration": {"type": "MOCK", "timeoutInMillis": 29_000}}
    }
    settings = {"format": REST_API, "destinationArn": f"{LOGS}{ACCESS_GROUP}"}
    return {
        "stages": [{"stageName": "prod", "accessLogSettings": settings}],
        "resources": [
            {"id": "a", "path": "/", "resourceMethods": {}},
            {"id": "b", "path": "/coaching", "resourceMethods": mock},
            {
                "id": "c",
                "path": "/coaching/message",
                "resourceMethods": {**mock, "POST": {"httpMethod": "POST"}, "GET": {"httpMethod": "GET"}},
                "integrations": {"POST": own},
            },
        ],
    }


def _integration(id_: str, calls: str, timeout_ms: int) -> dict[str, Any]:
    return {"IntegrationId": id_, "IntegrationUri": f"{LAMBDA}{calls}", "TimeoutInMillis": timeout_ms}


def _access_log() -> dict[str, str]:
    return {"Format": HTTP_API, "DestinationArn": f"{LOGS}{ACCESS_GROUP}"}
