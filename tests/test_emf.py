"""What CloudWatch makes metrics of: judged by the schema that AWS publishes, and by the rules beside it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from guards import bind, guard_handler, phase
from tests.guarded import SESSION, Context, Record, http_event, written

SCHEMA = json.loads((Path(__file__).parent / "data" / "emf.schema.json").read_text("utf-8"))


@guard_handler(service_name="coaching-api")
def handler(event: Any, context: Any) -> Any:
    bind(session_id=SESSION)
    with phase("conversation", model="M") as p:
        p.set(input_tokens=3)
    with phase("extraction"):
        time.sleep(0.1)
    return {"statusCode": 200}


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> list[Record]:
    """The records that are metrics: of a request that goes past all its marks."""
    monkeypatch.setenv("GUARD_GATEWAY_LIMIT_MS", "50")
    records = written(capfd, lambda: handler(http_event(), Context()))
    return [record for record in records if "_aws" in record]


def directives(record: Record) -> list[Any]:
    return record["_aws"]["CloudWatchMetrics"]


def test_metrics_pass_the_published_schema(metrics: list[Record]) -> None:
    """Each of the six: two phases, three marks, the end."""
    validator = jsonschema.Draft7Validator(SCHEMA)

    assert 6 == len(metrics)
    assert [] == [error.message for record in metrics for error in validator.iter_errors(record)]


def test_every_metric_and_dimension_named_stands_in_its_record(metrics: list[Record]) -> None:
    """A name without its value is a metric that CloudWatch drops without a word."""
    for record in metrics:
        for directive in directives(record):
            assert all(isinstance(record[metric["Name"]], int | float) for metric in directive["Metrics"])
            assert all(isinstance(record[name], str) for names in directive["Dimensions"] for name in names)


def test_no_id_is_a_dimension(metrics: list[Record]) -> None:
    """Service and phase alone: a metric for each session would cost a fortune."""
    dimensions = {
        tuple(names) for record in metrics for each in directives(record) for names in each["Dimensions"]
    }

    assert {("service",), ("service", "phase")} == dimensions


def test_time_of_a_metric_is_that_of_writing(metrics: list[Record]) -> None:
    """In ms, and the same moment as the record's own timestamp."""
    from datetime import datetime

    assert all(
        datetime.fromisoformat(record["timestamp"]).timestamp() * 1000 == record["_aws"]["Timestamp"]
        for record in metrics
    )
