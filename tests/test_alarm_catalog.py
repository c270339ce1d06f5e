"""The catalog: the right alarms, on metrics that exist, with numbers from one place."""

from __future__ import annotations

from alarms.catalog import catalog
from alarms.inputs import FunctionInput, HttpApi, RestApi, ServiceInput
from alarms.model import MetricAlarm
from guards import names
from guards.limits import CONVERSATION_BUDGET, CRITICAL, EXTRACTION_BUDGET, WARNING

FUNCTION = FunctionInput("coaching-api-4b4d001", timeout_s=300)
HTTP = HttpApi("abc123")
REST = RestApi("coaching", "prod")


def alarm(kind: str, service: ServiceInput) -> MetricAlarm:
    found = catalog(service).of(service, kind)
    assert found is not None
    return found


def kinds(service: ServiceInput) -> list[str]:
    return [each.kind for each in catalog(service).alarms]


def dimensions(each: MetricAlarm) -> dict[str, str]:
    return {dimension.name: dimension.value for dimension in each.dimensions}


def test_duration_alarms_are_those_that_the_incident_asks_for():
    """Over 25 s a warning, over 28 s critical: the maximum of a minute, in milliseconds."""
    service = ServiceInput(FUNCTION, HTTP)
    found = [alarm(kind, service) for kind in ("duration-warning", "duration-critical")]

    assert [WARNING.total_seconds() * 1000, CRITICAL.total_seconds() * 1000] == [e.threshold for e in found]
    assert {("AWS/Lambda", "Duration", "Maximum", 60, "GreaterThanThreshold", "notBreaching")} == {
        (e.namespace, e.metric_name, e.statistic, e.period, e.comparison_operator, e.treat_missing_data)
        for e in found
    }
    assert {"FunctionName": "coaching-api-4b4d001"} == dimensions(found[0])


def test_duration_alarms_look_back_as_far_as_a_datapoint_can_come_late():
    """One of ceil(timeout / 60 s) + 2 periods: 7 for 300 s, 3 for 60 s, 4 for 61 s."""
    found = [
        alarm("duration-warning", ServiceInput(FunctionInput("f", timeout), HTTP))
        for timeout in (300, 60, 61)
    ]

    assert [(1, 7), (1, 3), (1, 4)] == [(e.datapoints_to_alarm, e.evaluation_periods) for e in found]


def test_thresholds_follow_a_gateway_limit_that_was_raised():
    """A REST API that waits 60 s warns at 50 s, and a request outlives it at 60 s."""
    service = ServiceInput(FUNCTION, RestApi("c", "prod", integration_timeout_ms=60_000))
    [text, _] = [each for each in catalog(service).filters if "outlived" in each.filter_name]

    assert (50_000, 56_000) == tuple(
        alarm(f"duration-{m}", service).threshold for m in ("warning", "critical")
    )
    assert "duration>60000" in text.filter_pattern


def test_5xx_of_an_http_api():
    """Metric 5xx by ApiId and Stage; a single one in a minute is enough."""
    found = alarm("api-5xx", ServiceInput(FUNCTION, HTTP))

    assert ("AWS/ApiGateway", "5xx", "Sum", 1) == (
        found.namespace,
        found.metric_name,
        found.statistic,
        found.threshold,
    )
    assert {"ApiId": "abc123", "Stage": "$default"} == dimensions(found)
    assert "GreaterThanOrEqualToThreshold" == found.comparison_operator


def test_5xx_of_a_rest_api():
    """Metric 5XXError by ApiName and Stage."""
    found = alarm("api-5xx", ServiceInput(FUNCTION, REST))

    assert "5XXError" == found.metric_name
    assert {"ApiName": "coaching", "Stage": "prod"} == dimensions(found)


def test_a_route_of_an_http_api_is_read_under_both_sets_of_dimensions():
    """AWS's pages name two sets: one alarm for each, since a wrong one would never fire."""
    api = HttpApi("abc123", route="POST /coaching/message", detailed_metrics=True)
    service = ServiceInput(FUNCTION, api)

    assert {
        "ApiId": "abc123",
        "Method": "POST",
        "Resource": "/coaching/message",
        "Stage": "$default",
    } == dimensions(alarm("route-5xx", service))
    assert {"ApiId": "abc123", "Route": "POST /coaching/message", "Stage": "$default"} == dimensions(
        alarm("route-5xx-older", service)
    )


def test_a_route_of_a_rest_api_is_read_under_its_one_set_of_dimensions():
    """ApiName, Method, Resource, Stage; no second alarm."""
    api = RestApi("coaching", "prod", route="POST /coaching/message", detailed_metrics=True)
    service = ServiceInput(FUNCTION, api)

    assert ["ApiName", "Method", "Resource", "Stage"] == list(dimensions(alarm("route-5xx", service)))
    assert "route-5xx-older" not in kinds(service)


def test_a_path_is_counted_in_the_access_log_where_there_is_one():
    """With an access log the message path has an alarm of its own, which reads the filter's metric."""
    service = ServiceInput(FUNCTION, HttpApi("abc123", access_log_group="/aws/apigateway/coaching"))
    [made] = [each for each in catalog(service).filters if each.log_group_name == "/aws/apigateway/coaching"]
    found = alarm("path-5xx", service)

    assert (made.metric_namespace, made.metric_name, ()) == (
        found.namespace,
        found.metric_name,
        found.dimensions,
    )
    assert "path-5xx" not in kinds(ServiceInput(FUNCTION, HTTP))


def test_every_filter_is_read_by_an_alarm_and_every_own_metric_is_written_by_a_filter():
    """No count is taken that nobody looks at, and no alarm waits for a count that nobody takes."""
    service = ServiceInput(FUNCTION, HttpApi("abc123", access_log_group="g"))
    made = catalog(service)
    written = {(each.metric_namespace, each.metric_name) for each in made.filters}
    read = {
        (each.namespace, each.metric_name)
        for each in made.alarms
        if not each.namespace.startswith("AWS/") and each.kind != "deploying"
    }

    assert written == read


def test_records_are_alarmed_on_only_where_they_are_written():
    """Without the middleware no alarm waits for its records; with it there are five."""
    without, with_it = (set(kinds(ServiceInput(FUNCTION, HTTP, middleware=each))) for each in (False, True))

    assert {"past-warning", "past-critical", "past-limit", "slow-conversation", "slow-extraction"} == (
        with_it - without
    )


def test_record_alarms_read_what_the_records_say():
    """Namespace, names and dimensions are those that guards.records writes."""
    service = ServiceInput(FUNCTION, HTTP, service="coaching", middleware=True)
    past, slow = alarm("past-limit", service), alarm("slow-extraction", service)

    assert (names.NAMESPACE, names.REQUEST_PAST["limit"]) == (past.namespace, past.metric_name)
    assert tuple(dimensions(past)) in names.REQUEST_DIMENSIONS
    assert tuple(dimensions(slow)) in names.PHASE_DIMENSIONS
    assert {"service": "coaching", "phase": "extraction"} == dimensions(slow)


def test_phases_are_measured_against_their_budgets():
    """In ms, and the budgets are those that guard trace uses."""
    service = ServiceInput(FUNCTION, HTTP, middleware=True)
    found = [alarm(kind, service).threshold for kind in ("slow-conversation", "slow-extraction")]

    assert [CONVERSATION_BUDGET.total_seconds() * 1000, EXTRACTION_BUDGET.total_seconds() * 1000] == found


def test_a_function_that_cannot_outlive_the_gateway_has_no_alarm_on_it():
    """A function that ends at 29 s of its own never runs past an HTTP API's 30 s."""
    service = ServiceInput(FunctionInput("f", 29), HTTP)

    assert "outlived-gateway" not in kinds(service)
    assert ["f-retry-refused"] == [each.filter_name for each in catalog(service).filters]


def test_only_the_composite_pages_and_not_during_a_deployment():
    """Children write tickets, the suppressor tells nobody, the composite reads what means a lost answer."""
    made = catalog(ServiceInput(FUNCTION, HTTP))
    [composite] = made.composites

    assert {"ticket", None} == {each.topic for each in made.alarms}
    assert ("page", "coaching-api-4b4d001-deploying") == (composite.topic, composite.actions_suppressor)
    assert (
        'ALARM("coaching-api-4b4d001-api-5xx") OR ALARM("coaching-api-4b4d001-outlived-gateway") OR '
        'ALARM("coaching-api-4b4d001-retry-refused")'
    ) == composite.alarm_rule


def test_a_name_with_spaces_makes_no_namespace_with_spaces():
    """CloudWatch takes none there, and the pipeline's command would fall apart."""
    service = ServiceInput(FUNCTION, HTTP, service="coaching api", middleware=True)

    assert {"CoachingGuard/coaching-api"} == {each.metric_namespace for each in catalog(service).filters}
    assert {"service": "coaching api"} == dimensions(alarm("past-limit", service))


def test_several_services_stand_side_by_side():
    """Two stages of one function have alarms, filters and queries of different names."""
    dev = ServiceInput(FunctionInput("coaching-dev", 300), HttpApi("dev123"))
    prod = ServiceInput(FunctionInput("coaching-prod", 300), HttpApi("prd123"))
    made = catalog(dev, prod)
    every = [each.alarm_name for each in (*made.alarms, *made.composites)]

    assert len(every) == len(set(every)) == 14
    assert all("coaching-prod" in each.alarm_rule for each in made.composites[1:])
    assert len({(each.metric_namespace, each.metric_name) for each in made.filters}) == 4
