"""What the environment sets for the twin's Lambdas, and how it scales the incident's seconds."""

from __future__ import annotations

import os
from typing import Final, cast

from guards.completion import Policy, Times

SCALE: Final = float(os.environ.get("TWIN_SCALE", "0.05"))
"""So many seconds here are one second of the incident."""
TABLE: Final = os.environ.get("SESSIONS_TABLE", "coaching-sessions")
QUEUE_URL: Final = os.environ.get("COMPLETION_QUEUE_URL", "")
POLICIES: Final = os.environ.get("COMPLETION_POLICIES", "")
"""The guard's policy for each topic, as in ``core_values=defer,vision=explicit``; empty: no guard."""
PREDICTED_S: Final = 8.0
"""What an extraction is expected to take, in seconds of the incident: its budget, too little on that day."""

ANSWER_S: Final = 6.0
"""What comes after a commit within a request ends so long before the gateway gives up: at 24 s, before the
mark at 25 s."""


def scaled(seconds: float) -> float:
    """How long something of the incident takes here, in seconds."""
    return seconds * SCALE


def policies(text: str = POLICIES) -> dict[str, Policy]:
    """The policy of each topic.

    >>> policies("core_values=defer,vision=explicit")
    {'core_values': 'defer', 'vision': 'explicit'}
    """
    pairs = (each.split("=", 1) for each in text.split(",") if each)
    return {topic: cast(Policy, policy) for topic, policy in pairs}


def times() -> Times:
    """The engine's times, scaled; inline work is handed over before the mark at 25 s.

    The store is not faster because the incident is: a call gets up to 0.4 s, as far as the scale has room.
    So inline work is handed over at 24.5 s of the incident where a second takes a second, and at 19.5 s where
    it takes 50 ms. How long the clients of table and queue would wait themselves does not matter: the engine
    goes on without them (tests/test_completion.py).
    """
    return Times(
        answer=scaled(2.0),
        write=max(scaled(1.5), min(scaled(4.0), 0.4)),
        stop=scaled(0.5),
        skew=scaled(2.0),
        lease=max(scaled(60.0), 3.0),
        renew=max(scaled(20.0), 1.0),
        pause=scaled(20.0),
        sweep=scaled(30.0),
    )
