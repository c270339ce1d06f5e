"""Jobs through an EventBridge bus."""

from __future__ import annotations

from typing import Any, Final

from guards.completion import aws
from guards.completion.dispatch import Dispatch, DispatchFailed, message
from guards.completion.states import Job

DETAIL_TYPE: Final = "coaching.completion.owed"
"""What a rule has to match."""


class EventBridgeDispatch:
    """A bus with a rule for DETAIL_TYPE whose target is the worker's Lambda, or a queue before it.

    EventBridge cannot delay. Jobs that are to come later go through ``delayed``, such as an SqsDispatch;
    without one they are not sent at all, and stand in the table only: then the hand-over's own message, the
    client's retry and the sweeper are what brings a worker.
    """

    def __init__(
        self,
        bus: str = "default",
        *,
        source: str = "coaching-guard",
        delayed: Dispatch | None = None,
        client: Any = None,
        **options: Any,
    ) -> None:
        self._bus = bus
        self._source = source
        self._delayed = delayed
        self._client = client if client is not None else aws.client("events", **options)

    def send(self, job: Job, delay: float) -> None:
        """Have it delivered now, or later through the queue that can wait."""
        if delay > 0:
            self._send_later(job, delay)
            return
        entry = {
            "Source": self._source,
            "DetailType": DETAIL_TYPE,
            "Detail": message(job),
            "EventBusName": self._bus,
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except Exception as error:
            raise _failed(job, aws.code_of(error)) from error
        if answer.get("FailedEntryCount"):  # with HTTP 200
            raise _failed(job, str(answer["Entries"][0].get("ErrorCode")))

    def _send_later(self, job: Job, delay: float) -> None:
        if self._delayed is None:
            raise DispatchFailed("EventBridge cannot delay an event", hint="give delayed=SqsDispatch(...)")
        self._delayed.send(job, delay)


def _failed(job: Job, code: str) -> DispatchFailed:
    what = f"EventBridge did not take the job of session {job.session_id}: {code}"
    return DispatchFailed(what, hint="check the bus's name and the role's permissions")
