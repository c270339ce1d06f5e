"""Fifty completers of each of many sessions at once, on a DynamoDB that answers over HTTP.

    python -m tests.completion_race [--sessions 200] [--completers 50] [--endpoint URL]

Without an endpoint it starts moto behind one lock. With one, such as dynalite's, it uses that.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from guards.completion import BlockingCompletion, MemoryDispatch, Reply, Times
from guards.completion.dynamodb import DynamoStore
from tests.moto_server import client, make_table, moto_server

UNHURRIED = Times(write=120.0)
"""Fifty completers of one server in one process take turns: slowness is not what is tested here."""


def race(dynamodb: Any, table: str, completers: int, pool: ThreadPoolExecutor) -> list[str]:
    """What is wrong after as many completers as that met at one new session; nothing, as it should be."""
    session_id = f"sess_{uuid.uuid4()}"
    dynamodb.put_item(TableName=table, Item={"session_id": {"S": session_id}, "status": {"S": "active"}})
    extractions: list[str] = []
    start = threading.Barrier(completers)

    def extract(session: Any) -> dict[str, str]:
        extractions.append(uuid.uuid4().hex)
        return {"by": extractions[-1]}

    store = DynamoStore(table, client=dynamodb)
    options: dict[str, Any] = {"predict": 0.0, "secret": "a secret for the tests", "times": UNHURRIED}
    completion = BlockingCompletion(store, MemoryDispatch(), extract, **options)

    def complete() -> Reply:
        start.wait(60)
        return completion.complete(session_id)

    replies = [each.result(300) for each in [pool.submit(complete) for _ in range(completers)]]
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


def main() -> int:
    """Race at many sessions and say how it went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--completers", type=int, default=50)
    parser.add_argument("--endpoint")
    asked = parser.parse_args()
    if asked.endpoint:
        return _many(asked.endpoint, asked.sessions, asked.completers)
    with moto_server() as url:
        return _many(url, asked.sessions, asked.completers)


def _many(url: str, sessions: int, completers: int) -> int:
    dynamodb, begun = client("dynamodb", url), time.monotonic()
    table = make_table(dynamodb, f"race-{uuid.uuid4().hex[:8]}")
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    with ThreadPoolExecutor(completers) as pool:
        wrong = [found for _ in range(sessions) for found in race(dynamodb, table, completers, pool)]
    took = time.monotonic() - begun
    print(f"{sessions} sessions, {completers} completers each, {took:.0f} s; wrong: {dict(Counter(wrong))}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
