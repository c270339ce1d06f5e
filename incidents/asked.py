"""From what was typed, set in the environment or configured to what is asked of the logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents import config

if TYPE_CHECKING:
    from incidents.scan.signs import Wanted
    from incidents.trace import Query


def settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the current folder, overridden by what was asked. BadUsage: a bad value."""
    given = {key: value for key, value in asked.items() if value not in (None, ())}
    config.check(given, "the command line")
    return {**config.defaults("."), **given}


def several(value: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """The values of a setting that may be one text or several.

    >>> several("saved/"), several(["a.json", "b.json"]), several(None)
    (('saved/',), ('a.json', 'b.json'), ())
    """
    return (value,) if isinstance(value, str) else tuple(value or ())


def query(settings: Mapping[str, Any], logs: tuple[str, ...]) -> Query:
    """What ``guard trace`` is to explain. Raises BadUsage for a time or a format that cannot be read."""
    from incidents.access_logs import AccessLogFormat
    from incidents.meanings import load
    from incidents.moments import moment
    from incidents.rules import Budgets
    from incidents.trace import Query

    now = datetime.now(UTC)
    limit = settings.get("gateway_limit_ms")
    since, until, access_log = (settings.get(key) for key in ("since", "until", "access_log_format"))
    return Query(
        session_id=settings.get("session_id"),
        request_id=settings.get("request_id"),
        gateway=settings.get("gateway", "http"),
        gateway_limit=timedelta(milliseconds=limit) if limit else None,
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        meanings=load(several(settings.get("meanings"))),
        budgets=Budgets(
            conversation=timedelta(seconds=settings.get("conversation_budget_s", 15)),
            extraction=timedelta(seconds=settings.get("extraction_budget_s", 8)),
        ),
        access_log=None if access_log is None else AccessLogFormat.parse(access_log),
        logs=logs,
    )


def wanted(query: Query) -> Wanted:
    """What ``guard scan`` looks for, by the same query."""
    from guards.limits import Limits, limits_for
    from incidents.scan.signs import Wanted

    limits = Limits.of(query.gateway_limit) if query.gateway_limit else limits_for(query.gateway)
    return Wanted(query.meanings, limits, query.since, query.until, query.access_log)
