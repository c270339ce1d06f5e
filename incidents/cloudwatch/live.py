"""Settings in, a source out: what the command needs of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from guards.errors import NothingMatched
from incidents.cloudwatch.calls import Calls
from incidents.cloudwatch.connection import Connection, client, clients
from incidents.cloudwatch.plan import FROM, MAX_GB, PRICE_PER_GB, Plan, rfc3339, words
from incidents.cloudwatch.prepare import Ask, plan_for
from incidents.cloudwatch.source import Allow, CloudWatchSource
from incidents.cloudwatch.windows import Origin, Window
from incidents.files import FileSource
from incidents.paths import find_files
from incidents.report import Report
from incidents.trace import Query, trace

TIMED: Final[tuple[Origin, ...]] = ("given", "alarm")
"""Where the time is from that must be typed to ask for it again."""


@dataclass(frozen=True, slots=True)
class Live:
    """A plan that was made, and whom to ask."""

    plan: Plan
    calls: Calls
    query: Query

    def source(self, allow: Allow) -> CloudWatchSource:
        """The source that follows the plan; ``allow`` is asked about steps over the budget."""
        return CloudWatchSource(
            self.calls,
            self.plan,
            one_request=self.query.session_id is None,
            allow=allow,
            access_log=self.query.access_log,
        )


def planned(
    groups: tuple[str, ...],
    query: Query,
    settings: Mapping[str, Any],
    now: datetime,
    make: Callable[..., Any] = client,
) -> Live:
    """The plan for a query over log groups; asks the service for estimates only."""
    connection = _connection(settings)
    calls = Calls(make(connection))
    ask = Ask(
        groups=groups,
        wanted=query.id,
        is_session=query.session_id is not None,
        since=query.since,
        until=query.until,
        table=settings.get("table"),
        **limits(settings),
    )
    return Live(plan_for(ask, calls, now, lambda: Calls(make(connection, "dynamodb"))), calls, query)


def report(
    live: Live,
    paths: Sequence[str],
    settings: Mapping[str, Any],
    say: Callable[[list[str]], None],
    allow: Allow,
) -> Report:
    """The answer from live log groups and any files; the plan is said before, what it came to afterwards."""
    say(words(live.plan))
    source = live.source(allow)
    query = replace(
        live.query, options=(*words_again(live.plan.groups, settings, live.plan), *live.query.options)
    )
    try:
        return trace([source, *map(FileSource, find_files(paths))], query)
    except NothingMatched as error:
        raise type(error)(error.what, hint=_elsewhen(live, source.searched, settings.get("table"))) from None
    finally:
        say([*source.remarks, source.accounting])


def _elsewhen(live: Live, searched: Window | None, table: str | None) -> str | None:
    """Which time was searched, why that one, and how another is named."""
    if searched is None:
        return None
    when = f"{rfc3339(searched.since)} to {rfc3339(searched.until)} was searched"
    day = "name the day with --since and --until"
    by_row = ", or the sessions table with --table" if live.query.session_id and not table else ""
    if live.plan.origin == "widening":
        why = f"its row in {table} tells no time" if table else "no time was given"
        return f"{why}, so that {when}: {day}{by_row}"
    return f"{when}, {FROM[live.plan.origin]}: {day.replace('the day', 'another time')}{by_row}"


def connected(settings: Mapping[str, Any]) -> Calls:
    """Calls of CloudWatch Logs as the settings say."""
    return Calls(client(_connection(settings)))


def services(settings: Mapping[str, Any]) -> Callable[[str], Calls]:
    """Calls of any service, as boto3 names it."""
    make = clients(_connection(settings))
    return lambda service: Calls(make(service))


def limits(settings: Mapping[str, Any]) -> dict[str, float]:
    """Budget and price, as set."""
    return {
        "max_gb": settings.get("max_gb", MAX_GB),
        "price_per_gb": settings.get("insights_usd_per_gb", PRICE_PER_GB),
    }


def _connection(settings: Mapping[str, Any]) -> Connection:
    return Connection(settings.get("profile"), settings.get("region"), settings.get("endpoint_url"))


def words_again(groups: tuple[str, ...], settings: Mapping[str, Any], plan: Plan) -> tuple[str, ...]:
    """What to type to ask the same groups again, at the same time where one was given."""
    again = [word for group in groups for word in ("--log-group", group)]
    for key in ("profile", "region", "endpoint_url", "table"):
        if settings.get(key) and not (key == "table" and plan.origin in TIMED):
            again += [f"--{key.replace('_', '-')}", str(settings[key])]
    if plan.origin in TIMED:
        window = plan.steps[0].window
        again += ["--since", rfc3339(window.since), "--until", rfc3339(window.until)]
    return tuple(again)
