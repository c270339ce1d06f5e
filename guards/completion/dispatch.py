"""How a job reaches a worker: one method."""

from __future__ import annotations

import json
from typing import Final, Protocol

from guards.completion.states import Job
from guards.completion.steps import NoAnswer

KIND: Final = "completion/1"
"""Says what a message is and in which version."""


class DispatchFailed(NoAnswer):
    """No queue took the message, as far as is known."""


class Dispatch(Protocol):
    """Sends a job to the workers."""

    def send(self, job: Job, delay: float) -> None:
        """Have it delivered no sooner than in so many seconds. Raises DispatchFailed.

        A queue that cannot delay so long delivers sooner: a worker that comes too early sends it on.
        """
        ...


def message(job: Job) -> str:
    """A job as text.

    >>> job_of(message(Job("sess_1", "j1")))
    Job(session_id='sess_1', job_id='j1')
    """
    return json.dumps({"guard": KIND, "session_id": job.session_id, "job": job.job_id})


def job_of(text: str) -> Job | None:
    """The job that a text holds; None where it is no message of ours.

    >>> job_of("{}"), job_of("not json")
    (None, None)
    """
    try:
        said = json.loads(text)
        if said["guard"] != KIND:
            return None
        session_id, job_id = said["session_id"], said["job"]
    except (ValueError, TypeError, KeyError):
        return None
    return Job(session_id, job_id) if isinstance(session_id, str) and isinstance(job_id, str) else None
