"""What is played: the incident, what else went wrong, and the same with the guard on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from examples.coaching_api.client import Client, Exchange
from examples.coaching_api.stage import Stage
from guards.completion import Policy

LAST_MESSAGE: Final = "Honesty matters most to me, and that is all."
MESSAGE: Final = "Honesty, I think."
TOPICS: Final[dict[str, Policy]] = {
    "core_values": "inline-or-defer",
    "purpose": "defer",
    "vision": "explicit",
}
"""With the guard on, each topic has a policy."""
POLICIES: Final = ",".join(f"{topic}={policy}" for topic, policy in TOPICS.items())
RETRIED_AT_S: Final = 43.4
"""So long after its first request the client of the incident tried again."""
SLOW_CONVERSATION_S: Final = 42.56
"""One of the slow requests of the day after."""
SLOW_EXTRACTION_S: Final = 42.23
"""Another one; what it went into is not known."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of a scenario."""

    session_id: str
    exchanges: tuple[Exchange, ...]
    """What the client saw, in the order of the answers."""
    item: dict[str, Any]
    """What the table holds in the end, in DynamoDB's own form."""
    writes: int
    """Of the session's item."""
    messages: int
    """That were sent to the queue."""

    @property
    def status(self) -> str:
        """The session's, in the table."""
        return str(self.item["status"]["S"])

    @property
    def has_result(self) -> bool:
        """Whether the table holds the session's result."""
        return "extracted_result" in self.item

    @property
    def said(self) -> tuple[str, ...]:
        """All that was said in the session, as the table holds it."""
        return tuple(each["M"]["content"]["S"] for each in self.item["messages"]["L"])

    @property
    def until_answer(self) -> float:
        """Seconds of the incident until the client's first request was answered."""
        return self.exchanges[0].answered - self.exchanges[0].sent

    @property
    def with_result(self) -> Exchange | None:
        """The first answer that held the result; None where there was none."""
        return next((each for each in self.exchanges if each.result), None)


def incident(stage: Stage) -> Played:
    """The last message's answer comes too late, and the same message again is refused."""
    client = stage.begin("core_values")
    client.say(LAST_MESSAGE)
    stage.gateway.wait_until_idle()
    client.wait_until(RETRIED_AT_S)
    client.say(LAST_MESSAGE)
    return _played(stage, client)


def lost_update(stage: Stage) -> Played:
    """A retry is answered while the first request still runs; then that one saves what it had read before."""
    client = stage.begin("core_values")
    client.say(MESSAGE, conversation_s=SLOW_CONVERSATION_S)
    client.say(MESSAGE, conversation_s=2.0)
    return _played(stage, client)


def faster_model(stage: Stage) -> Played:
    """A faster model extracts: the answer comes in time, as long as the conversation's model is fast, too."""
    return _completing(stage, "core_values", extraction_s=4.0)


def kept_update(stage: Stage) -> Played:
    """The same retry at the same time: what the first request saves too late is refused."""
    return lost_update(stage)


def faster_model_slow_day(stage: Stage) -> Played:
    """A faster model extracts, on a day when the conversation's model is slow."""
    client = stage.begin("core_values", extraction_s=4.0)
    client.say(LAST_MESSAGE, conversation_s=27.0)
    stage.gateway.wait_until_idle()
    client.follow(client.say(LAST_MESSAGE))
    return _played(stage, client)


def slow_day(stage: Stage) -> Played:
    """The same slow day: no time is left to extract within the request."""
    return faster_model_slow_day(stage)


def inline(stage: Stage) -> Played:
    """A faster model extracts, and there is time for it within the request."""
    return _completing(stage, "core_values", extraction_s=4.0)


def inline_or_defer(stage: Stage) -> Played:
    """The request extracts, and is answered in time: with the result where it is stored by then."""
    return _completing(stage, "core_values")


def hand_over(stage: Stage) -> Played:
    """Extraction begins within the request, takes too long for it, and is handed over in time."""
    return _completing(stage, "core_values", extraction_s=SLOW_EXTRACTION_S)


def defer(stage: Stage) -> Played:
    """A worker extracts."""
    return _completing(stage, "purpose")


def explicit(stage: Stage) -> Played:
    """The client asks for the completion, a request of its own that is answered in time."""
    return _completing(stage, "vision")


Scenario = Callable[[Stage], Played]
UNGUARDED: Final[dict[str, Scenario]] = {
    "incident": incident,
    "lost-update": lost_update,
    "faster-model": faster_model,
    "faster-model-slow-day": faster_model_slow_day,
}
GUARDED: Final[dict[str, Scenario]] = {
    "inline-or-defer": inline_or_defer,
    "defer": defer,
    "explicit": explicit,
    "hand-over": hand_over,
    "inline": inline,
    "kept-update": kept_update,
    "slow-day": slow_day,
}


def _completing(stage: Stage, topic: str, **script: float) -> Played:
    """The last message, what the frontend then does, and the same message once more."""
    client = stage.begin(topic, **script)
    client.follow(client.say(LAST_MESSAGE))
    stage.settle()
    client.say(LAST_MESSAGE)
    return _played(stage, client)


def _played(stage: Stage, client: Client) -> Played:
    stage.settle()
    session_id = client.session_id
    return Played(
        session_id=session_id,
        exchanges=tuple(client.seen),
        item=stage.item(session_id),
        writes=sum(stage.asked[operation, session_id] for operation in ("PutItem", "UpdateItem")),
        messages=stage.asked["SendMessage", session_id],
    )
