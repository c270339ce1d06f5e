"""Who hears of the alarms: the address that is subscribed, and what is said where there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from alarms.model import Topic
from guards.errors import BadUsage

_EMAIL: Final = re.compile(r"[^@\s\"<>,;]{1,64}@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]{2,}")
_PLURAL: Final[dict[Topic, str]] = {"ticket": "tickets", "page": "pages"}


def check_email(email: str) -> None:
    """Refuse what SNS could send no mail to. Raises BadUsage."""
    if not _EMAIL.fullmatch(email):
        raise BadUsage(f"{email!r} is no e-mail address", hint="write one such as oncall@example.com")


def unheard(email: str | None, given: Mapping[Topic, str | None]) -> str | None:
    """What to say where a topic that the stack makes has no subscription; None where each has one.

    >>> unheard(None, {"ticket": "arn:...", "page": None})
    'nobody is subscribed to the topic for pages: add -c email=ADDRESS, or -c page_topic=ARN for one of yours'
    """
    made = [name for name, arn in given.items() if arn is None]
    if email is not None:
        return None if made else f"{email} is subscribed to nothing: both topics are yours already"
    if not made:
        return None
    topics = f"topic{'s' if len(made) > 1 else ''} for {' and '.join(_PLURAL[name] for name in made)}"
    instead = " and ".join(f"-c {name}_topic=ARN" for name in made)
    return f"nobody is subscribed to the {topics}: add -c email=ADDRESS, or {instead} for one of yours"
