"""Fifty completers of each of many sessions at once, on a DynamoDB that answers over HTTP."""

from __future__ import annotations

import sys
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from guards.completion import BlockingCompletion, MemoryDispatch, Reply, Times
from guards.completion.dynamodb import DynamoStore
from tests.moto_server import client, make_table

COMPLETERS = 50
UNHURRIED = Times(write=120.0)
"""Fifty completers of one server in one process take turns: slowness is not what is tested here."""
TURNS_S = 0.001
"""How often the threads of this process take turns during a race; Python's own default is 5 ms.

What can go wrong between two steps of a server in this process then goes wrong in one session of four instead
of one of sixteen (docs/decisions.md has the measurement).
"""


def races(url: str, sessions: int) -> Iterator[list[str]]:
    """What went wrong at each of so many sessions, one after the other; nothing, as it should be."""
    dynamodb = client("dynamodb", url)
    table = make_table(dynamodb, f"race-{uuid.uuid4().hex[:8]}")
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    with _short_turns(), ThreadPoolExecutor(COMPLETERS) as pool:
        for _ in range(sessions):
            yield race(dynamodb, table, pool)


def race(dynamodb: Any, table: str, pool: ThreadPoolExecutor) -> list[str]:
    """What is wrong after fifty completers have met at one new session."""
    session_id = f"sess_{uuid.uuid4()}"
    dynamodb.put_item(TableName=table, Item={"session_id": {"S": session_id}, "status": {"S": "active"}})
    extractions: list[str] = []
    start = threading.Barrier(COMPLETERS)

    def extract(session: Any) -> dict[str, str]:
        extractions.append(uuid.uuid4().hex)
        return {"by": extractions[-1]}

    store = DynamoStore(table, client=dynamodb)
    options: dict[str, Any] = {"predict": 0.0, "secret": "a secret for the tests", "times": UNHURRIED}
    completion = BlockingCompletion(store, MemoryDispatch(), extract, **options)

    def complete() -> Reply:
        start.wait(60)
        return completion.complete(session_id)

    replies = [each.result(300) for each in [pool.submit(complete) for _ in range(COMPLETERS)]]
    return _wrong(replies, extractions, store.load(session_id))


def _wrong(replies: list[Reply], extractions: list[str], session: Any) -> list[str]:
    first = [each for each in replies if each.kind == "completed" and not each.extra]
    others = Counter(each.kind for each in replies)
    wrong = []
    if len(extractions) != 1:
        wrong.append(f"{len(extractions)} began to extract")
    if len(first) != 1:
        wrong.append(f"{len(first)} completed it")
    if set(others) - {"completed", "pending", "unavailable"}:
        wrong.append(f"answers: {dict(others)}")
    if session.status != "completed" or session.data["extracted_result"]["by"] not in extractions:
        wrong.append(f"the table says {session.status}")
    return wrong


@contextmanager
def _short_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURNS_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
