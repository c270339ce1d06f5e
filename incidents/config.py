"""Defaults from ``guard.toml``, or ``[tool.guard]`` in ``pyproject.toml``, of the current folder."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from guards.errors import BadUsage
from guards.limits import LAMBDA_LONGEST

ALARMS = "alarms"
"""A table of the same file that ``alarms.settings`` reads."""

LONGEST_MS = int(LAMBDA_LONGEST.total_seconds() * 1000)
"""No gateway waits longer than a Lambda runs, and no phase takes longer."""

SHORTEST_MS = 1_000
"""A shorter limit of a gateway is one in seconds."""

KEYS = {
    "logs": "paths of saved logs",
    "gateway": "http or rest",
    "gateway_limit_ms": "the gateway's integration timeout, in ms: a whole number from 1,000 to 900,000",
    "meanings": "files that say what your log lines mean",
    "access_log_format": "the $context format of the gateway's access log",
    "conversation_budget_s": "how long a conversation phase may take, in seconds: 0 to 900",
    "extraction_budget_s": "how long an extraction phase may take, in seconds: 0 to 900",
    "log_group": "names of CloudWatch log groups",
    "profile": "a profile of the AWS configuration",
    "region": "an AWS Region",
    "endpoint_url": "where CloudWatch Logs is asked instead of at AWS",
    "table": "the sessions table in DynamoDB",
    "max_gb": "how many GB a search may scan unasked: 0 or more",
    "insights_usd_per_gb": "US dollars that Insights costs per GB: 0 or more",
}
"""What may be set, and what it is."""


def defaults(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in force in a folder; ``guard.toml`` wins over ``pyproject.toml``.

    Raises BadUsage where a file is no TOML or sets something unknown.
    """
    own, project = os.path.join(folder, "guard.toml"), os.path.join(folder, "pyproject.toml")
    if os.path.isfile(own):
        settings, where = _load(own), own
    elif os.path.isfile(project):
        settings, where = _table(_table(_load(project), "tool"), "guard"), f"[tool.guard] of {project}"
    else:
        return {}
    settings = {key: value for key, value in settings.items() if key != ALARMS}
    if unknown := sorted(set(settings) - set(KEYS)):
        raise BadUsage(
            f"{where} sets {unknown[0]!r}, which is not known", hint=f"known are {', '.join(KEYS)}"
        )
    check(settings, where)
    return dict(settings)


def check(settings: Mapping[str, Any], where: str) -> None:
    """That each known setting is of its kind and in its range; others are left alone.

    Raises BadUsage that names the setting, its value and ``where`` it is set.

    >>> check({"gateway": "rest", "gateway_limit_ms": 29_000}, "guard.toml")
    """
    for key, value in settings.items():
        if key in KEYS and not _FITS[key](value):
            raise BadUsage(f"{where} sets {key} to {str(value)[:60]!r}", hint=_hint(key, value))


def _hint(key: str, value: Any) -> str:
    if key == "gateway_limit_ms" and type(value) is int and 0 < value < SHORTEST_MS:
        return f"it is in ms: for {value} s write {value * 1000}"
    return f"it is {KEYS[key]}"


def _texts(value: object) -> bool:
    several = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(each, str) for each in several)


def _seconds(value: object) -> bool:
    # NaN is in no range.
    return isinstance(value, int | float) and value is not True and 0 <= value <= LONGEST_MS / 1000


def _text(value: object) -> bool:
    return isinstance(value, str)


def _amount(value: object) -> bool:
    return isinstance(value, int | float) and value is not True and 0 <= value <= 10**9


_FITS: dict[str, Callable[[Any], bool]] = {
    "logs": _texts,
    "log_group": _texts,
    "profile": _text,
    "region": _text,
    "endpoint_url": _text,
    "table": _text,
    "max_gb": _amount,
    "insights_usd_per_gb": _amount,
    "gateway": lambda value: value in ("http", "rest"),
    "gateway_limit_ms": lambda value: type(value) is int and SHORTEST_MS <= value <= LONGEST_MS,
    "meanings": _texts,
    "access_log_format": lambda value: isinstance(value, str),
    "conversation_budget_s": _seconds,
    "extraction_budget_s": _seconds,
}


def _table(settings: dict[str, Any], name: str) -> dict[str, Any]:
    found = settings.get(name, {})
    if not isinstance(found, dict):
        raise BadUsage(
            f"{name} = {str(found)[:60]!r} in pyproject.toml is no table", hint="write [tool.guard]"
        )
    return found


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadUsage(f"{path} cannot be read as TOML: {error}") from error
