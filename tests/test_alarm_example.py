"""The worked example makes the alarms that the report on the incident of 2026-02-09 asks for."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from cli import main

EXAMPLE = Path(__file__).parents[1] / "examples" / "alarms"


def test_the_example_has_the_three_alarms_that_the_report_asks_for(monkeypatch):
    """Duration over 25 s and over 28 s, and the HTTP API's 5xx, on the incident's function and API."""
    monkeypatch.chdir(EXAMPLE)
    made = json.loads(CliRunner().invoke(main, ["alarms", "synth", "--format", "json"]).stdout)
    found = {
        (each["Namespace"], each["MetricName"], each["Threshold"], *each["Dimensions"][0].values())
        for each in made["alarms"]
        if each["Namespace"].startswith("AWS/")
    }

    assert {
        ("AWS/Lambda", "Duration", 25_000, "FunctionName", "coaching-api-4b4d001"),
        ("AWS/Lambda", "Duration", 28_000, "FunctionName", "coaching-api-4b4d001"),
        ("AWS/ApiGateway", "5xx", 1, "ApiId", "abc123"),
    } == found


def test_the_example_of_pulumi_makes_the_same_alarms(monkeypatch, tmp_path):
    """The outputs name the function, the Region and the API that guard.toml names."""
    monkeypatch.chdir(EXAMPLE)
    own = CliRunner().invoke(main, ["alarms", "synth", "--format", "json"])
    monkeypatch.chdir(tmp_path)
    words = ["-c", f"pulumi={EXAMPLE / 'outputs.json'}", "-c", "timeout_s=300"]
    other = CliRunner().invoke(main, ["alarms", "synth", "--format", "json", *words])

    assert json.loads(own.stdout)["alarms"] == json.loads(other.stdout)["alarms"]
