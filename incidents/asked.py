"""From what was typed, set in the environment or configured to what is asked of the logs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from guards.errors import BadUsage
from incidents import config

if TYPE_CHECKING:
    from incidents.scan.signs import Wanted
    from incidents.trace import Query


def settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the current folder, overridden by what was asked.

    Raises BadUsage for a bad value, and for a time that ends before it begins.
    """
    given = {key: value for key, value in asked.items() if value not in (None, ())}
    config.check(given, "the command line")
    _check_window(given.get("since"), given.get("until"))
    return {**config.defaults("."), **given}


def _check_window(since: str | None, until: str | None) -> None:
    """In such a time nothing can have happened: that would read as if all were well."""
    if since is None or until is None:
        return
    from incidents.moments import moment

    now = datetime.now(UTC)
    if moment(since, now) >= moment(until, now):
        raise BadUsage(
            f"the time asked for ends before it begins: --since {since} is not before --until {until}",
            hint="swap them, or leave one out",
        )


def again(asked: Mapping[str, Any], *more: str) -> tuple[str, ...]:
    """The options that were asked and change an answer, as they are to be typed once more; ``more`` ones too.

    >>> again({"gateway": "rest", "meanings": ("a.toml",), "since": None, "logs": ("saved/",)})
    ('--gateway', 'rest', '--meanings', 'a.toml')
    """
    return tuple(
        word
        for key in (*_ANSWERING, *more)
        for value in several(asked.get(key))
        for word in (f"--{key.replace('_', '-')}", str(value))
    )


_ANSWERING: Final = (
    "gateway",
    "gateway_limit_ms",
    "access_log_format",
    "meanings",
    "conversation_budget_s",
    "extraction_budget_s",
)


def several(value: Any) -> tuple[Any, ...]:
    """The values of a setting that may be one or several.

    >>> several("saved/"), several(["a.json", "b.json"]), several(None)
    (('saved/',), ('a.json', 'b.json'), ())
    """
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def query(settings: Mapping[str, Any], logs: tuple[str, ...], options: tuple[str, ...] = ()) -> Query:
    """What ``guard trace`` is to explain; ``options`` are for the next command.

    Raises BadUsage for a time or a format that cannot be read.
    """
    from incidents.access_logs import AccessLogFormat
    from incidents.meanings import load
    from incidents.moments import moment
    from incidents.rules import Budgets
    from incidents.trace import Query

    now = datetime.now(UTC)
    since, until, access_log = (settings.get(key) for key in ("since", "until", "access_log_format"))
    return Query(
        session_id=settings.get("session_id"),
        request_id=settings.get("request_id"),
        gateway=settings.get("gateway", "http"),
        gateway_limit=limit_set(settings),
        since=None if since is None else moment(since, now),
        until=None if until is None else moment(until, now),
        meanings=load(several(settings.get("meanings"))),
        budgets=Budgets(
            conversation=timedelta(seconds=settings.get("conversation_budget_s", 15)),
            extraction=timedelta(seconds=settings.get("extraction_budget_s", 8)),
        ),
        access_log=None if access_log is None else AccessLogFormat.parse(access_log),
        logs=logs,
        options=options,
    )


def limit_set(settings: Mapping[str, Any]) -> timedelta | None:
    """The gateway's limit where the settings give one."""
    limit_ms = settings.get("gateway_limit_ms")
    return timedelta(milliseconds=limit_ms) if limit_ms else None


def wanted(query: Query, *, throttled: bool = False) -> Wanted:
    """What ``guard scan`` looks for, by the same query; ``throttled``: lines about throttling, too."""
    from guards.limits import limits_for
    from incidents.scan.signs import Wanted

    limits = limits_for(query.gateway, query.gateway_limit)
    return Wanted(query.meanings, limits, query.since, query.until, query.access_log, throttled)
