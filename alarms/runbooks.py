"""Write the runbooks, a page for each kind of alarm: ``python -m alarms.runbooks docs/runbooks``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from alarms.catalog import Catalog, catalog
from alarms.composite import deploy_command
from alarms.descriptions import next_command, query
from alarms.inputs import FunctionInput, HttpApi, ServiceInput
from alarms.kinds import KINDS, Kind
from alarms.model import MetricAlarm

EXAMPLE: Final = ServiceInput(
    FunctionInput("coaching-api-4b4d001", timeout_s=300),
    HttpApi(
        "abc123",
        route="POST /coaching/message",
        detailed_metrics=True,
        access_log_group="/aws/apigateway/coaching",
    ),
    middleware=True,
)
"""The function of the incident of 2026-02-09, with everything switched on that can be alarmed on."""

_NOTE: Final = "<!-- Written by `python -m alarms.runbooks docs/runbooks`; a test keeps it current. -->"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made = catalog(EXAMPLE)
    return {"README.md": _index(made), **{f"{kind.id}.md": _page(kind, made) for kind in KINDS.values()}}


def _index(made: Catalog) -> str:
    rows = [f"| [{kind.id}]({kind.id}.md) | {kind.meaning} |" for kind in KINDS.values()]
    head = ["# Runbooks", _NOTE, "One page for each kind of alarm. An alarm's name ends in its kind."]
    return "\n\n".join([*head, "\n".join(["| alarm | means |", "|---|---|", *rows])]) + "\n"


def _page(kind: Kind, made: Catalog) -> str:
    parts = [
        f"# {kind.id}",
        _NOTE,
        kind.meaning.replace("{path}", EXAMPLE.api.path),
        _list("Look here first", kind.look),
        f"The query:\n\n```text\n{query(kind.id, EXAMPLE)}\n```",
        f"{_about_command(kind)}:\n\n```text\n{_command(kind)}\n```",
        _list("Do now", kind.now),
        _list("Change", kind.change),
        _list("What it cannot see", kind.blind),
        f"## How it is set\n\n{_set(kind, made)}",
    ]
    return "\n\n".join(parts) + "\n"


def _list(title: str, items: tuple[str, ...]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {item}" for item in items)])


def _command(kind: Kind) -> str:
    return deploy_command(EXAMPLE) if kind.id == "deploying" else next_command(kind.id, EXAMPLE)


def _about_command(kind: Kind) -> str:
    if kind.id == "deploying":
        return "The command"
    return "The command, which finds the requests and prints the `guard trace` of each"


def _set(kind: Kind, made: Catalog) -> str:
    found = made.of(EXAMPLE, kind.id)
    if found is None:
        return _composite(made)
    about = f"For the function {EXAMPLE.function.function_name} (timeout {EXAMPLE.function.timeout_s} s) "
    return f"{about}behind an HTTP API:\n\n{_table(_fields(found))}"


def _fields(alarm: MetricAlarm) -> dict[str, object]:
    return {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric_name,
        "Dimensions": ", ".join(f"{each.name}={each.value}" for each in alarm.dimensions) or "none",
        "Statistic": alarm.statistic,
        "Threshold": f"{alarm.comparison_operator} {alarm.threshold:g}",
        "Period": f"{alarm.period} s, {alarm.datapoints_to_alarm} of {alarm.evaluation_periods}",
        "TreatMissingData": alarm.treat_missing_data,
        "tells": alarm.topic or "nobody",
    }


def _composite(made: Catalog) -> str:
    [composite] = made.composites
    children = composite.alarm_rule.replace(" OR ", "\nOR ")
    suppressor = f"Silent while `{composite.actions_suppressor}` is in ALARM. It tells: {composite.topic}."
    return f"```text\n{children}\n```\n\n{suppressor}"


def _table(fields: dict[str, object]) -> str:
    return "\n".join(
        ["| field | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in fields.items())]
    )


def main(folder: str) -> int:
    """Write the pages into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        Path(folder, name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
