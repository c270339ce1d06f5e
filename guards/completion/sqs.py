"""Jobs through an SQS queue."""

from __future__ import annotations

import math
from typing import Any, Final

from guards.completion import aws
from guards.completion.dispatch import DispatchFailed, message
from guards.completion.states import Job
from guards.errors import BadUsage

LONGEST_DELAY_S: Final = 900
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html


class SqsDispatch:
    """A standard queue: a FIFO queue cannot delay single messages.

    Its visibility timeout must be at least the worker's Lambda timeout, and so longer than a lease.
    """

    def __init__(self, queue_url: str, *, client: Any = None, **options: Any) -> None:
        if queue_url.endswith(".fifo"):
            what = f"{queue_url} is a FIFO queue, which cannot delay one message"
            raise BadUsage(what, hint="use a standard one")
        self._url = queue_url
        self._client = client if client is not None else aws.client("sqs", **options)

    def send(self, job: Job, delay: float) -> None:
        """Have it delivered in so many seconds, 900 at most: who comes too early sends it on."""
        seconds = min(LONGEST_DELAY_S, math.ceil(delay))
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=message(job), DelaySeconds=seconds)
        except Exception as error:
            what = f"SQS did not take the job of session {job.session_id}: {aws.code_of(error)}"
            raise DispatchFailed(what, hint="check the queue's URL and the role's permissions") from error
