"""What is given to the alarms must be known before the deployment: names written out, times as numbers."""

from __future__ import annotations

from typing import Final

from guards.errors import BadUsage

_TOKEN: Final = "${Token["
"""How a text begins that the CDK puts in place of what only the deployment knows."""


def check_spelled(value: str, what: str, instead: str | None = None) -> None:
    """Refuse a token of the CDK: names of alarms, links, queries and patterns are made of these texts.

    Raises BadUsage.

    >>> check_spelled("${Token[TOKEN.15]}", "the stage's name")
    Traceback (most recent call last):
    guards.errors.BadUsage: the stage's name is known only at deployment; write the stage's name out
    """
    if _TOKEN in value:
        raise BadUsage(f"{what} is known only at deployment", hint=instead or f"write {what} out")


def is_token(value: str) -> bool:
    """Whether all of a text is one token, which a template can carry where the text stands alone."""
    return value.startswith(_TOKEN) and value.endswith("]}") and value.count(_TOKEN) == 1


def check_whole(value: object, what: str, unit: str) -> None:
    """Refuse a time that is no number, such as a Duration of the CDK. Raises BadUsage.

    >>> check_whole("5 min", "timeout_s", "seconds")
    Traceback (most recent call last):
    guards.errors.BadUsage: timeout_s is a str; write a whole number of seconds
    """
    if isinstance(value, int | float) and value >= 0 and value % 1 == 0:
        return
    found = f"{value:g}" if isinstance(value, int | float) else f"a {type(value).__name__}"
    method = f", as its to_{unit}() gives it" if hasattr(value, f"to_{unit}") else ""
    raise BadUsage(f"{what} is {found}", hint=f"write a whole number of {unit}{method}")
