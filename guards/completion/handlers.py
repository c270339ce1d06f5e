"""The Lambdas behind the queue and behind a schedule."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final

from guards.completion.completion import BlockingCompletion, Completion
from guards.completion.dispatch import job_of
from guards.completion.states import Job
from guards.errors import BadUsage, GuardError
from guards.handler import left_ms
from guards.loops import completed
from guards.request import bind

_log: Final = logging.getLogger("guards.completion")
Handler = Callable[[Mapping[str, Any], object], Any]


class NotDone(GuardError):
    """A job could not be done now: whoever delivered it is to deliver it again."""


def worker_handler(completion: Completion | BlockingCompletion) -> Handler:
    """A Lambda handler for jobs from SQS, from EventBridge, or from EventBridge through SQS.

    For SQS set ReportBatchItemFailures on the event source mapping, a batch size of 1, and a visibility
    timeout of at least the function's timeout. Messages that are none of ours count as failed, and so reach
    the dead-letter queue. For EventBridge it raises NotDone, upon which Lambda tries twice more.
    """

    def handler(event: Mapping[str, Any], context: object) -> Any:
        if "Records" in event:
            records = event["Records"]
            failed = [each["messageId"] for each in records if not _done(completion, _job_in(each), context)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
        if not _done(completion, job_of(json.dumps(event.get("detail"))), context):
            raise NotDone(
                "the job could not be done now", hint="it is delivered again, or the sweeper finds it"
            )
        return None

    return handler


def sweep_handler(completion: Completion | BlockingCompletion, *, limit: int = 100) -> Handler:
    """A Lambda handler for a schedule, once a minute; gives how many jobs were sent once more."""

    def handler(event: Mapping[str, Any], context: object) -> Any:
        if isinstance(completion, BlockingCompletion):
            return {"sent": completion.sweep(limit)}
        return {"sent": _finished(completion.sweep(limit))}

    return handler


def _finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives. Raises BadUsage where a loop runs already: nobody would await it."""
    found = completed(work)
    if found is not work:
        return found
    work.close()
    raise BadUsage("the handler was called where an event loop runs", hint="await completion.work(job) there")


def _job_in(record: Mapping[str, Any]) -> Job | None:
    """A record's job; EventBridge wraps it in an envelope of its own."""
    body = record.get("body", "")
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    detail = envelope.get("detail") if isinstance(envelope, dict) else None
    return job_of(body if detail is None else json.dumps(detail))


def _done(completion: Completion | BlockingCompletion, job: Job | None, context: object) -> bool:
    if job is None:
        _log.warning("completion: a message that is no job")
        return False
    bind(session_id=job.session_id)
    milliseconds = left_ms(context)
    left = None if milliseconds is None else timedelta(milliseconds=milliseconds)
    try:
        if isinstance(completion, BlockingCompletion):
            return completion.work(job, left=left)
        return bool(_finished(completion.work(job, left=left)))
    except BadUsage:
        raise
    except Exception as error:  # one job's trouble must not send the others of its batch back
        _log.warning("completion: a worker raised %s", type(error).__name__)
        return False
