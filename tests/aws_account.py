"""What guard doctor reads of an account besides its logs, as strict as AWS: alarms, topics, APIs, functions.

``tests.cloudwatch_logs.server`` serves it. Parameters are held against botocore's models; answers come in
small pages; a token is good for the same read only. moto has no composite alarms, no pending subscriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from tests.cloudwatch_logs.errors import ApiError
from tests.cloudwatch_logs.shapes import check, service
from tests.cloudwatch_logs.tokens import position_of, token_of

Answer = dict[str, Any]
Asked = dict[str, Any]
Call = tuple[str, str, Asked]
"""Service, operation, parameters."""

QUERY = ("sns", "sts")
"""Services of the query protocol."""
CLOUDWATCH = "GraniteServiceVersion20100801."
READS = {
    "apigatewayv2": ("GetStages", "GetRoutes", "GetIntegrations"),
    "apigateway": ("GetRestApis", "GetStages", "GetResources", "GetIntegration"),
    "lambda": ("GetFunctionConfiguration",),
}
"""The REST operations that are served; any other is refused."""

NOT_FOUND = ApiError("NotFoundException", "Invalid identifier specified", 404)


@dataclass(slots=True)
class Account:
    """One account in one Region."""

    http_apis: dict[str, dict[str, list[Answer]]] = field(default_factory=dict)
    """ID -> stages, routes, integrations, as API Gateway has them."""
    rest_apis: dict[str, dict[str, Any]] = field(default_factory=dict)
    """ID -> name, stages, resources; a resource's methods may be without their integrations."""
    functions: dict[str, Answer] = field(default_factory=dict)
    alarms: list[Answer] = field(default_factory=list)
    """Composite alarms are those with an AlarmRule."""
    history: list[Answer] = field(default_factory=list)
    """State updates of alarms."""
    samples: dict[tuple[str, str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)
    """Namespace, metric, sorted dimensions -> samples a day."""
    topics: dict[str, list[str]] = field(default_factory=dict)
    """ARN -> the ARNs of its subscriptions, or what stands instead of one."""
    roles: dict[str, str] = field(default_factory=dict)
    """Role that may be taken -> the access key that it is given."""
    per_page: int = 2

    def answer(self, service_name: str, operation: str, asked: Asked) -> Answer:
        """What AWS says to a call. Raises ApiError."""
        check(operation, asked, service_name)
        known = getattr(self, f"_{service_name}_{operation}", None)
        if known is None:
            raise ApiError("InvalidAction", f"{operation} of {service_name} is not part of this fake")
        answer: Answer = known(asked)
        return answer

    # --- CloudWatch ---------------------------------------------------------------------------------

    def _cloudwatch_DescribeAlarms(self, asked: Asked) -> Answer:
        names, types = asked.get("AlarmNames"), asked.get("AlarmTypes", ["MetricAlarm"])
        if names and "AlarmNamePrefix" in asked:
            raise ApiError("InvalidParameterCombination", "AlarmNames and AlarmNamePrefix exclude each other")
        chosen = [
            each
            for each in self.alarms
            if ("CompositeAlarm" if "AlarmRule" in each else "MetricAlarm") in types
            and (names is None or each["AlarmName"] in names)
            and each["AlarmName"].startswith(asked.get("AlarmNamePrefix", ""))
        ]
        page, token = self._page("DescribeAlarms", asked, chosen, "NextToken")
        return {
            "MetricAlarms": [each for each in page if "AlarmRule" not in each],
            "CompositeAlarms": [each for each in page if "AlarmRule" in each],
            **token,
        }

    def _cloudwatch_DescribeAlarmHistory(self, asked: Asked) -> Answer:
        if asked.get("HistoryItemType", "StateUpdate") != "StateUpdate":
            raise ApiError("InvalidParameterValue", "only StateUpdate is part of this fake")
        types, newest = asked.get("AlarmTypes", ["MetricAlarm"]), asked.get("ScanBy") == "TimestampDescending"
        chosen = [
            each
            for each in sorted(self.history, key=lambda each: each["Timestamp"], reverse=newest)
            if each["AlarmName"] == asked.get("AlarmName", each["AlarmName"]) and each["AlarmType"] in types
        ]
        page, token = self._page("DescribeAlarmHistory", asked, chosen, "NextToken")
        return {"AlarmHistoryItems": page, **token}

    def _cloudwatch_GetMetricStatistics(self, asked: Asked) -> Answer:
        if asked["Period"] % 60 or asked["StartTime"] >= asked["EndTime"]:
            raise ApiError("InvalidParameterValue", "the period or the time is off")
        key = (asked["Namespace"], asked["MetricName"], dimensions_of(asked))
        days = int((asked["EndTime"] - asked["StartTime"]) // asked["Period"])
        count = self.samples.get(key)
        points = [] if count is None else [asked["StartTime"] + n * asked["Period"] for n in range(days)]
        return {
            "Label": asked["MetricName"],
            "Datapoints": [{"Timestamp": at, "SampleCount": count, "Unit": "None"} for at in points],
        }

    # --- SNS ----------------------------------------------------------------------------------------

    def _sns_ListSubscriptionsByTopic(self, asked: Asked) -> Answer:
        arn = asked["TopicArn"]
        if arn not in self.topics:
            raise ApiError("NotFound", "Topic does not exist", 404)
        page, token = self._page("ListSubscriptionsByTopic", asked, self.topics[arn], "NextToken")
        told = [{"SubscriptionArn": each, "TopicArn": arn, "Protocol": "email"} for each in page]
        return {"Subscriptions": told, **token}

    def _sts_AssumeRole(self, asked: Asked) -> Answer:
        if asked["RoleArn"] not in self.roles:
            raise ApiError("AccessDenied", "User is not authorized to perform: sts:AssumeRole", 403)
        keys = {"SecretAccessKey": "secret", "SessionToken": "token", "Expiration": "2099-01-01T00:00:00Z"}
        return {"Credentials": {"AccessKeyId": self.roles[asked["RoleArn"]], **keys}}

    # --- Lambda -------------------------------------------------------------------------------------

    def _lambda_GetFunctionConfiguration(self, asked: Asked) -> Answer:
        found = self.functions.get(asked["FunctionName"])
        if found is None:
            raise ApiError("ResourceNotFoundException", "Function not found", 404)
        return found

    # --- API Gateway --------------------------------------------------------------------------------

    def _apigatewayv2_GetStages(self, asked: Asked) -> Answer:
        return self._of_http_api("stages", "GetStages", asked)

    def _apigatewayv2_GetRoutes(self, asked: Asked) -> Answer:
        return self._of_http_api("routes", "GetRoutes", asked)

    def _apigatewayv2_GetIntegrations(self, asked: Asked) -> Answer:
        return self._of_http_api("integrations", "GetIntegrations", asked)

    def _of_http_api(self, part: str, operation: str, asked: Asked) -> Answer:
        if asked["ApiId"] not in self.http_apis:
            raise NOT_FOUND
        held = self.http_apis[asked["ApiId"]][part]
        page, token = self._page(operation, asked, held, "NextToken", "nextToken")
        return {"items": [lower(each) for each in page], **token}

    def _apigateway_GetRestApis(self, asked: Asked) -> Answer:
        held = [{"id": id_, "name": api["name"]} for id_, api in self.rest_apis.items()]
        page, token = self._page("GetRestApis", asked, held, "position")
        return {"item": page, **token}

    def _apigateway_GetStages(self, asked: Asked) -> Answer:
        return {"item": self._rest(asked)["stages"]}

    def _apigateway_GetResources(self, asked: Asked) -> Answer:
        held = self._rest(asked)["resources"]
        if asked.get("embed") != ["methods"]:
            held = [
                {**each, "resourceMethods": {key: {} for key in each["resourceMethods"]}} for each in held
            ]
        page, token = self._page("GetResources", asked, held, "position")
        return {"item": page, **token}

    def _apigateway_GetIntegration(self, asked: Asked) -> Answer:
        for each in self._rest(asked)["resources"]:
            if each["id"] == asked["resourceId"] and asked["httpMethod"] in each.get("integrations", {}):
                integration: Answer = each["integrations"][asked["httpMethod"]]
                return integration
        raise NOT_FOUND

    def _rest(self, asked: Asked) -> dict[str, Any]:
        if asked["restApiId"] not in self.rest_apis:
            raise NOT_FOUND
        return self.rest_apis[asked["restApiId"]]

    def _page(
        self, operation: str, asked: Asked, held: list[Any], name: str, told_as: str | None = None
    ) -> tuple[list[Any], Answer]:
        same = {**asked, "nextToken": asked[name]} if name in asked else asked
        position = position_of(operation, same)
        until = position + self.per_page
        token = {told_as or name: token_of(operation, same, until)} if until < len(held) else {}
        return held[position:until], token


def dimensions_of(asked: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The dimensions of a metric in one order."""
    return tuple(sorted((each["Name"], each["Value"]) for each in asked.get("Dimensions", ())))


def lower(told: Answer) -> Answer:
    """The names of API Gateway's second version as they go over the wire.

    >>> lower({"StageName": "$default", "AccessLogSettings": {"Format": "x"}})
    {'stageName': '$default', 'accessLogSettings': {'format': 'x'}}
    """
    return {
        key[0].lower() + key[1:]: lower(value) if isinstance(value, dict) else value
        for key, value in told.items()
    }


# --- over HTTP --------------------------------------------------------------------------------------


def call_of(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
    """What a request asks for. Raises ApiError for what is none of ours, or not signed for it."""
    target = headers.get("X-Amz-Target", "")
    if target.startswith(CLOUDWATCH):
        signed_for("monitoring", headers)
        return "cloudwatch", target.removeprefix(CLOUDWATCH), json.loads(body)
    if method == "POST":
        asked = dict(parse_qsl(body.decode()))
        asked.pop("Version", None)
        operation = asked.pop("Action", "")
        name = "sts" if operation == "AssumeRole" else "sns"
        signed_for(name, headers)
        return name, operation, dict(asked)
    for name, operation, pattern in _routes():
        found = re.fullmatch(pattern, urlsplit(path).path)
        if found:
            signed_for("lambda" if name == "lambda" else "apigateway", headers)
            return name, operation, {**_unquoted(found.groupdict()), **_query(name, operation, path)}
    raise ApiError("UnknownOperationException", "no such operation", 404)


def signed_for(name: str, headers: Mapping[str, str]) -> None:
    """That a request is signed for a service. Raises ApiError."""
    if f"/{name}/aws4_request" not in headers.get("Authorization", ""):
        raise ApiError("MissingAuthenticationToken", f"the request is not signed for {name}", 403)


def _routes() -> Iterator[tuple[str, str, str]]:
    for name, operations in READS.items():
        for operation in operations:
            model = service(name).operation_model(operation)
            pattern = model.http["requestUri"].partition("?")[0]
            for key, each in model.input_shape.members.items():
                pattern = pattern.replace(f"{{{each.serialization.get('name')}}}", f"(?P<{key}>[^/]+)")
            yield name, operation, pattern


def _unquoted(found: Mapping[str, str]) -> dict[str, str]:
    return {key: unquote(value) for key, value in found.items()}


def _query(name: str, operation: str, path: str) -> Asked:
    shape = service(name).operation_model(operation).input_shape
    members = {each.serialization.get("name"): (key, each.type_name) for key, each in shape.members.items()}
    asked: Asked = {}
    for given, values in parse_qs(urlsplit(path).query).items():
        if given not in members:
            raise ApiError("BadRequestException", f"{given} is not a parameter")
        key, kind = members[given]
        asked[key] = values if kind == "list" else int(values[0]) if kind == "integer" else values[0]
    return asked


def as_json(told: Answer) -> bytes:
    """An answer in JSON; moments as seconds since 1970."""
    return json.dumps(told, default=lambda at: at.timestamp() if isinstance(at, datetime) else None).encode()


def as_xml(operation: str, told: Answer) -> bytes:
    """An answer of the query protocol."""
    inner = "".join(_element(key, value) for key, value in told.items())
    return (
        f"<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>".encode()
    )


def error_as_xml(error: ApiError) -> bytes:
    """A refusal of the query protocol."""
    told = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    return f"<ErrorResponse><Error>{told}</Error></ErrorResponse>".encode()


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return f"<{name}>{''.join(_element('member', each) for each in value)}</{name}>"
    if isinstance(value, dict):
        return f"<{name}>{''.join(_element(key, each) for key, each in value.items())}</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


def state_update(name: str, at: datetime, old: str, new: str, kind: str = "MetricAlarm") -> Answer:
    """A change of an alarm's state, as its history has it."""
    data = {"version": "1.0", "oldState": {"stateValue": old}, "newState": {"stateValue": new}}
    return {
        "AlarmName": name,
        "AlarmType": kind,
        "Timestamp": at,
        "HistoryItemType": "StateUpdate",
        "HistorySummary": f"Alarm updated from {old} to {new}",
        "HistoryData": json.dumps(data),
    }


def alarms_of(made: Any, arn: str) -> list[Answer]:
    """The alarms of a catalog as they stand once they are deployed, acting on one topic."""
    from alarms.properties import composite_alarm, metric_alarm

    topics: dict[Any, str] = {"ticket": arn, "page": arn}
    told: Iterable[Answer] = [
        *(metric_alarm(each, topics) for each in made.alarms),
        *(composite_alarm(each, topics) for each in made.composites),
    ]
    return [{"ActionsEnabled": True, "StateValue": "OK", "AlarmActions": [], **each} for each in told]
