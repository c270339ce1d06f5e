"""The dashboard draws what the catalog alarms on."""

from __future__ import annotations

from typing import Any

from alarms.catalog import catalog
from alarms.inputs import FunctionInput, HttpApi, RestApi, ServiceInput
from dashboards.body import Place, body

PLACE = Place("cn-north-1", "123456789012", "aws-cn")
PLAIN = ServiceInput(FunctionInput("coaching-api", 300), HttpApi("abc123"))
GUARDED = ServiceInput(FunctionInput("coaching-api", 300), HttpApi("abc123"), middleware=True)


def widgets(service: ServiceInput) -> dict[str, dict[str, Any]]:
    drawn = body(catalog(service), service, PLACE)["widgets"]
    return {widget["properties"]["title"]: widget for widget in drawn}


def test_the_marks_are_drawn_where_the_alarms_have_them():
    """25 s, 28 s and the gateway's limit, for an HTTP API and for a REST API of 60 s; by phases too."""
    raised = ServiceInput(PLAIN.function, RestApi("c", "prod", integration_timeout_ms=60_000))
    drawn = [
        [
            line["value"]
            for line in widgets(each)["Duration of requests (ms)"]["properties"]["annotations"]["horizontal"]
        ]
        for each in (PLAIN, raised)
    ]

    phases = widgets(GUARDED)["Phases (ms)"]["properties"]["annotations"]["horizontal"]

    assert [[25_000, 28_000, 30_000], [50_000, 56_000, 60_000]] == drawn
    assert drawn[0] == [line["value"] for line in phases]


def test_every_metric_that_is_drawn_is_one_that_an_alarm_reads():
    """But for the percentiles of phases there is no metric of the dashboard's own."""
    read = {
        (each.namespace, each.metric_name, *(word for d in each.dimensions for word in (d.name, d.value)))
        for each in catalog(GUARDED).alarms
    }
    drawn = {
        tuple(metric[:-1])
        for widget in widgets(GUARDED).values()
        for metric in widget["properties"].get("metrics", [])
    }

    assert set() == drawn - read
    assert 9 == len(drawn)


def test_alarm_states_are_those_of_the_service_in_its_partition():
    """The composite first, then every alarm."""
    found = widgets(PLAIN)["Alarms of coaching-api"]["properties"]["alarms"]

    assert "arn:aws-cn:cloudwatch:cn-north-1:123456789012:alarm:coaching-api-users-hit" == found[0]
    assert 7 == len(found)


def test_phases_come_from_the_log_where_nobody_writes_records():
    """Without the middleware a query over the API's own lines draws the calls; with it, the metrics do."""
    assert (
        "SOURCE '/aws/lambda/coaching-api' | filter"
        in (widgets(PLAIN)["Calls to the model (ms)"]["properties"]["query"])
    )
    drawn = widgets(GUARDED)["Phases (ms)"]["properties"]["metrics"]
    assert [("conversation", "p50"), ("extraction", "Maximum")] == [
        (drawn[at][5], drawn[at][6]["stat"]) for at in (0, -1)
    ]


def test_the_dashboard_is_one_screen():
    """24 columns and at most 20 rows; no two widgets lie on one another."""
    drawn = body(catalog(GUARDED), GUARDED, PLACE)["widgets"]
    cells = [
        (x, y)
        for each in drawn
        for x in range(each["x"], each["x"] + each["width"])
        for y in range(each["y"], each["y"] + each["height"])
    ]

    assert len(cells) == len(set(cells))
    assert (23, 19) == max(cells)
