"""Completing sessions so that no success is stranded: see docs/completion.md.

AWS's store and queues are guards.completion.dynamodb, sqs and eventbridge; they need the extra ``aws``.
"""

from __future__ import annotations

from guards.completion.completion import BlockingCompletion, Completion, by_topic
from guards.completion.dispatch import Dispatch, DispatchFailed
from guards.completion.handlers import NotDone, sweep_handler, worker_handler
from guards.completion.memory import MemoryDispatch, MemoryStore
from guards.completion.replies import Replies, Reply, for_asgi, for_lambda
from guards.completion.requests import Policy, Seen
from guards.completion.states import Job, Session, Turn
from guards.completion.store import SessionStore, StoreUnavailable
from guards.completion.times import Times
from guards.completion.writes import Claim, Expected, Outcome

__all__ = [
    "BlockingCompletion",
    "Claim",
    "Completion",
    "Dispatch",
    "DispatchFailed",
    "Expected",
    "Job",
    "MemoryDispatch",
    "MemoryStore",
    "NotDone",
    "Outcome",
    "Policy",
    "Replies",
    "Reply",
    "Seen",
    "Session",
    "SessionStore",
    "StoreUnavailable",
    "Times",
    "Turn",
    "by_topic",
    "for_asgi",
    "for_lambda",
    "sweep_handler",
    "worker_handler",
]
