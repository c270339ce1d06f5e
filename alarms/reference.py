"""Write the reference page of the alarms: ``python -m alarms.reference > docs/alarms.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from alarms.access_log import FORMATS
from alarms.catalog import Catalog, catalog
from alarms.composite import deploy_command
from alarms.cost import monthly, total
from alarms.inputs import FunctionInput, HttpApi, ServiceInput
from alarms.model import MetricAlarm
from alarms.runbooks import EXAMPLE
from alarms.settings import KEYS

_PLAIN: Final = ServiceInput(FunctionInput("coaching-api-4b4d001", timeout_s=300), HttpApi("abc123"))
_HEAD: Final = """\
# The alarms

<!-- Written by `python -m alarms.reference > docs/alarms.md`; a test keeps it current. -->

What `guard alarms synth` and `guard alarms app` make. Each alarm has a [runbook](runbooks/README.md)."""
_CHOICES: Final = """\
One breaching minute is enough, and the last N minutes are looked at, so that a datapoint is seen that
arrives late: a slow request's Duration is stamped with its start and comes when it has ended, after newer,
healthy ones. N is the longest delay in minutes and two. No datapoint means that nothing happened, and is
not breaching. Alarms tell the ticket topic, on OK too; only `users-hit` pages, but not while deploying."""
_PIPELINE: Final = """\
The pipeline sets the suppressor `deploying`, as its first step and again each minute while it runs:"""
_LOG: Final = """\
With an access log on the API's stage, `/coaching/message` has an alarm of its own, and `guard trace` knows
what the client saw. One line, to paste into the stage's access-log settings, for an HTTP API:"""


def page() -> str:
    """The Markdown page."""
    made = catalog(EXAMPLE)
    parts = (
        _HEAD,
        _table(("alarm", "metric", "dimensions", "fires", "of N", "tells", "needs"), _rows(made)),
        _CHOICES,
        f"{_PIPELINE}\n\n```text\n{deploy_command(EXAMPLE)}\n```",
        "## Settings\n\nAs `-c KEY=VALUE`, or in `guard.toml` under `[alarms]` and `[[alarms.service]]`.",
        _table(("key", "is"), ((f"`{key}`", meaning) for key, meaning in KEYS.items())),
        f"## Access log\n\n{_LOG}\n\n```text\n{FORMATS['http']}\n```\n\nFor a REST API:\n\n"
        f"```text\n{FORMATS['rest']}\n```",
        _cost(),
    )
    return "\n\n".join(parts) + "\n"


def _rows(made: Catalog) -> list[tuple[str, ...]]:
    plain = {each.kind for each in catalog(_PLAIN).alarms}
    rows = [_row(each, "" if each.kind in plain else _needs(each)) for each in made.alarms]
    [composite] = made.composites
    return [*rows, _composite_row(composite.kind, composite.topic)]


def _row(alarm: MetricAlarm, needs: str) -> tuple[str, ...]:
    sign = ">" if alarm.comparison_operator == "GreaterThanThreshold" else ">="
    dimensions = ", ".join(each.name for each in alarm.dimensions) or "none"
    return (
        f"[{alarm.kind}](runbooks/{alarm.kind}.md)",
        f"{alarm.namespace} {alarm.metric_name}",
        dimensions,
        f"{alarm.statistic} {sign} {alarm.threshold:g}",
        f"{alarm.datapoints_to_alarm} of {alarm.evaluation_periods}",
        alarm.topic or "nobody",
        needs,
    )


def _composite_row(kind: str, topic: str | None) -> tuple[str, ...]:
    return (f"[{kind}](runbooks/{kind}.md)", "other alarms", "", "any in ALARM", "", topic or "nobody", "")


def _needs(alarm: MetricAlarm) -> str:
    by_start = {"route": "route, detailed_metrics", "path": "access_log_group"}
    return by_start.get(alarm.kind.split("-")[0], "middleware")


def _cost() -> str:
    lines = [monthly(catalog(each)) for each in (_PLAIN, EXAMPLE)]
    rows: list[Sequence[str]] = [
        (plain.what, f"{plain.each:.2f}", f"{plain.count}", f"{whole.count}")
        for plain, whole in zip(*lines, strict=True)
    ]
    rows.append(("USD a month", "", *(f"{total(each):.2f}" for each in lines)))
    head = "## Cost\n\nList prices of us-east-1, beyond the free tier; queries cost by what they read."
    return f"{head}\n\n{_table(('what', 'each', 'as in the example', 'with everything'), rows)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(page())
