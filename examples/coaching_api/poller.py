"""The event source mapping between a queue and its Lambda: one message at a time, deleted when it is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from examples.coaching_api.gateway import Environment

_BETWEEN_S: Final = 0.05
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class Poller:
    """Hands a queue's messages to a worker."""

    def __init__(self, sqs: Any, queue_url: str, worker: Environment) -> None:
        self._sqs, self._url, self._worker = sqs, queue_url, worker
        self._stopping = threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._stopping.wait(_BETWEEN_S):
            # No long polling: the stand-in would serve nobody else meanwhile.
            answer = self._sqs.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=1, WaitTimeSeconds=0, AttributeNames=["All"]
            )
            for message in answer.get("Messages", ()):
                self._hand_over(message)

    def stop(self) -> None:
        """After the message that it is at."""
        self._stopping.set()

    def left(self) -> int:
        """How many messages stand in the queue, delayed ones and those being worked on included."""
        asked = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(_COUNTS))
        return sum(int(asked["Attributes"][name]) for name in _COUNTS)

    def _hand_over(self, message: dict[str, Any]) -> None:
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:coaching-completions",
            "awsRegion": "us-east-1",
        }
        response = self._worker.invoke({"Records": [record]}).response
        if response is not None and not response.get("batchItemFailures"):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def polling(poller: Poller) -> Iterator[Poller]:
    """A poller while it runs."""
    thread = threading.Thread(target=poller.run, daemon=True)
    thread.start()
    try:
        yield poller
    finally:
        poller.stop()
        thread.join(60)
