"""Inputs that no alarm could watch are refused, and the refusal says what to write instead."""

from __future__ import annotations

import dataclasses

import pytest

from alarms.catalog import Catalog, catalog
from alarms.checks import check
from alarms.inputs import FunctionInput, HttpApi, RestApi, ServiceInput
from guards.errors import BadUsage

FUNCTION = FunctionInput("coaching-api-4b4d001", timeout_s=300)
HTTP = HttpApi("abc123")
SERVICE = ServiceInput(FUNCTION, HTTP)


def changed(kind: str, **fields: object) -> Catalog:
    """The catalog with one alarm that someone changed."""
    made = catalog(SERVICE)
    alarms = [dataclasses.replace(each, **fields) if each.kind == kind else each for each in made.alarms]
    return dataclasses.replace(made, alarms=tuple(alarms))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: HttpApi("coaching-api"), "RestApi(name, stage)"),
        (lambda: HttpApi("abc123", integration_timeout_ms=60_000), "write 30000 or less"),
        (lambda: HttpApi("abc123", integration_timeout_ms=30), "for 30 s write 30000"),
        (lambda: HttpApi("abc123", route="$default"), "access_log_group=... and path=/coaching/message"),
        (lambda: HttpApi("abc123", route="/coaching/message"), "write a method and a path"),
        (lambda: HttpApi("abc123", route="POST /coaching/message"), "detailed_metrics=true"),
        (lambda: HttpApi("abc123", path='/a" || $.x'), "write one such as /coaching/message"),
        (lambda: RestApi("coaching", "$default"), "only HTTP APIs have a stage $default"),
        (lambda: RestApi("coaching", ""), "stage=prod"),
        (lambda: FunctionInput("arn:aws:lambda:eu-west-1:1:function:f", 300), "write the name alone"),
        (lambda: FunctionInput("f", 300_000), "for 300000 ms write 300"),
        (lambda: FunctionInput("f", 0), "from 1 to 900"),
        (lambda: FunctionInput("f", 3, log_group="arn:aws:logs:x"), "such as /aws/lambda/NAME"),
        (lambda: HttpApi("abc123", access_log_group="it's"), "such as /aws/lambda/NAME"),
        (lambda: ServiceInput(FUNCTION, HTTP, service=" "), "beginning with a letter or digit"),
    ],
)
def test_an_input_that_cannot_be_is_refused(make, said):
    """The refusal of a wrong input ends with what to write instead."""
    with pytest.raises(BadUsage) as refused:
        make()

    assert said in str(refused.value)


class Duration:
    """A CDK Duration, as far as an error tells of it."""

    def to_seconds(self):
        """So many."""
        return 300


TOKEN = "${Token[TOKEN.15]}"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: FunctionInput(TOKEN, 300), "give the function a fixed function_name"),
        (lambda: FunctionInput("f", 300, log_group=TOKEN), "write the log group's name out"),
        (lambda: HttpApi("abc123", access_log_group=f"/{TOKEN}"), "write the log group's name out"),
        (lambda: HttpApi("abc123", TOKEN), "write the stage's name out"),
        (lambda: RestApi(TOKEN, "prod"), "write the REST API's name out"),
        (lambda: RestApi("coaching", TOKEN), "write the stage's name out"),
        (lambda: ServiceInput(FUNCTION, HTTP, service=TOKEN), "write the service's name out"),
        (lambda: ServiceInput(FUNCTION, HTTP, region=TOKEN), "write the Region's name out"),
    ],
)
def test_what_only_the_deployment_knows_is_said_to_be_so(make, said):
    """A token of the CDK is no mistyped name: names of alarms, links and patterns must be known before."""
    with pytest.raises(BadUsage) as refused:
        make()

    assert "is known only at deployment" in str(refused.value)
    assert said in str(refused.value)
    assert "Token" not in str(refused.value)


def test_an_api_of_the_same_app_is_taken():
    """An HTTP API's ID stands in dimensions alone, which a template carries: nobody can choose it before."""
    made = catalog(ServiceInput(FUNCTION, HttpApi(TOKEN)))

    assert TOKEN in {each.value for alarm in made.alarms for each in alarm.dimensions}


@pytest.mark.parametrize(
    "make",
    [
        lambda: FunctionInput("f", timeout_s=Duration()),
        lambda: FunctionInput("f", timeout_s="300"),
        lambda: FunctionInput("f", timeout_s=-1.8881545897087968e289),
        lambda: HttpApi("abc123", integration_timeout_ms=Duration()),
        lambda: HttpApi("abc123", integration_timeout_ms=None),
        lambda: RestApi("coaching", "prod", integration_timeout_ms="29000"),
    ],
)
def test_a_time_that_is_no_number_is_refused(make):
    """A Duration of the CDK, or a text: the refusal says which number to write."""
    with pytest.raises(BadUsage) as refused:
        make()

    assert "write a whole number" in str(refused.value)


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (ServiceInput(FUNCTION, HTTP, warning_ms=25), "for 25 s write 25000"),
        (ServiceInput(FUNCTION, HTTP, warning_ms=float("nan")), "warning_ms is nan"),
        (ServiceInput(FUNCTION, HTTP, critical_ms=30_000), "write less than 30000"),
        (ServiceInput(FUNCTION, HTTP, critical_ms=300_000), "write less than 30000"),
        (ServiceInput(FUNCTION, RestApi("c", "prod"), critical_ms=29_000), "write less than 29000"),
        (ServiceInput(FUNCTION, HTTP, warning_ms=28_000), "write the smaller one as warning_ms"),
        (ServiceInput(FunctionInput("f", 20), HTTP), "write warning_ms below 20000"),
    ],
)
def test_a_mark_that_would_not_do_is_refused(service, said):
    """Seconds for ms, a mark at the gateway's limit, out of order, or beyond the function's own timeout."""
    with pytest.raises(BadUsage) as refused:
        catalog(service)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("api-5xx", {"metric_name": "5XXError"}, "which no HTTP API has: it would never fire; write 5xx"),
        ("api-5xx", {"dimensions": ()}, "write {'ApiId': 'abc123', 'Stage': '$default'}"),
        ("duration-warning", {"threshold": 25}, "for 25 s write 25000"),
        ("duration-critical", {"threshold": 30_000}, "write less than 30000"),
        ("duration-critical", {"datapoints_to_alarm": 8}, "from 1 to evaluation_periods"),
        ("retry-refused", {"alarm_name": "mine"}, "reads coaching-api-4b4d001-retry-refused, which is not"),
    ],
)
def test_an_alarm_that_was_changed_for_the_worse_is_refused(kind, fields, said):
    """The check before deployment finds what would go wrong without a word."""
    with pytest.raises(BadUsage) as refused:
        check(changed(kind, **fields))

    assert said in str(refused.value)


def test_the_catalog_itself_passes_the_check():
    """What the catalog makes is never refused, with everything switched on, for either kind of API."""
    http = HttpApi("abc123", route="POST /m", detailed_metrics=True, access_log_group="g")
    rest = RestApi("coaching", "prod", route="POST /m", detailed_metrics=True, access_log_group="g")

    for api in (HTTP, http, rest):
        check(catalog(ServiceInput(FUNCTION, api, middleware=True)))


def test_two_services_of_one_name_are_refused():
    """Their alarms would overwrite each other."""
    with pytest.raises(BadUsage, match="give each a service name of its own"):
        catalog(SERVICE, SERVICE)
