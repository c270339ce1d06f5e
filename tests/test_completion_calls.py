"""What the completion guard asks of table and queue, call by call, and what it makes of their answers."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from guards.completion import BlockingCompletion, MemoryDispatch, StoreUnavailable, Times, aws
from guards.completion.dynamodb import DynamoStore
from guards.completion.handlers import worker_handler
from guards.completion.sqs import SqsDispatch
from guards.completion.writes import Claim, Expected
from tests.moto_server import KEYS, client, make_table, moto_server

OPTIONS: dict[str, Any] = {"predict": 0.0, "secret": "a secret for the tests", "times": Times(write=5.0)}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server behind one lock."""
    with moto_server() as address:
        yield address


@pytest.fixture
def table(url: str) -> str:
    """With one active session in it."""
    name = make_table(client("dynamodb", url), uuid.uuid4().hex)
    item = {"session_id": {"S": "s"}, "status": {"S": "active"}}
    client("dynamodb", url).put_item(TableName=name, Item=item)
    return name


class Heard:
    """A client that notes what it is asked to update; a refusal comes without the item, as from dynalite."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.updates: list[dict[str, Any]] = []

    def update_item(self, **asked: Any) -> Any:
        """As the real one's."""
        self.updates.append(asked)
        try:
            return self._real.update_item(**asked)
        except ClientError as error:
            error.response.pop("Item", None)
            raise

    def get_item(self, **asked: Any) -> Any:
        """As the real one's."""
        return self._real.get_item(**asked)


def set_by(update: dict[str, Any]) -> set[str]:
    """The attributes that an update sets."""
    text = update["UpdateExpression"].split(" REMOVE ")[0].removeprefix("SET ")
    names = update["ExpressionAttributeNames"]
    return {names[each.split(" = ")[0].strip()] for each in text.split(", ") if each.startswith("#")}


def test_a_completion_is_two_conditional_updates(url: str, table: str) -> None:
    """State, owner, lease, job and attempt go in one; then state, status, result and its hash in another."""
    heard = Heard(client("dynamodb", url))

    BlockingCompletion(DynamoStore(table, client=heard), MemoryDispatch(), dict, **OPTIONS).complete("s")

    claim, complete = heard.updates
    assert set_by(claim) >= {
        *("guard_state", "guard_owner", "guard_lease_until", "guard_job", "guard_attempt"),
        *("guard_version", "guard_writer"),
    }
    assert set_by(complete) >= {"guard_state", "status", "extracted_result", "guard_result_hash"}
    assert all(each["ConditionExpression"] for each in heard.updates)


def test_a_refusal_without_the_item_is_judged_by_reading_it(url: str, table: str) -> None:
    """One's own write is known by its token, somebody else's by theirs, where the refusal tells neither."""
    store = DynamoStore(table, client=Heard(client("dynamodb", url)))
    claim = Claim("mine", "job", 1, 100.0, True)

    first, again = (store.claim("s", claim, Expected(None)) for _ in range(2))
    other = store.claim("s", Claim("other", "job", 1, 100.0, True), Expected(None))

    assert [True, True, False] == [each.took for each in (first, again, other)]
    assert "mine.claim" == other.session.writer


@contextmanager
def throttling(times: int) -> Iterator[tuple[str, list[str]]]:
    """A DynamoDB that throttles so many calls and then answers; what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        """Every call is a POST."""

        def do_POST(self) -> None:
            """Throttle it, or answer that there is nothing."""
            self.rfile.read(int(self.headers["content-length"]))
            asked.append(self.headers["x-amz-target"].rsplit(".", 1)[-1])
            throttled = len(asked) <= times
            code = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            body = json.dumps({"__type": code} if throttled else {}).encode()
            self.send_response(400 if throttled else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_the_own_client_waits_no_longer_than_the_engine() -> None:
    """Its tries to read an answer fit into Times.write: no thread waits for what nobody wants."""
    config = aws.client("dynamodb", **KEYS).meta.config
    tries = config.retries["total_max_attempts"]

    assert ("standard", 2) == (config.retries["mode"], tries)
    assert tries * config.read_timeout <= Times().write
    assert config.connect_timeout <= config.read_timeout


def test_a_throttled_call_is_tried_once_more() -> None:
    """The own client's second try gets the answer, where the first was throttled."""
    with throttling(1) as (address, asked):
        found = DynamoStore("t", endpoint_url=address, **KEYS).load("s")

    assert (None, ["GetItem"] * 2) == (found, asked)


def test_a_store_that_goes_on_throttling_is_unavailable() -> None:
    """Two tries, then the client is told to come again: nothing is promised, and nothing is lost."""
    with throttling(99) as (address, asked):
        store = DynamoStore("t", endpoint_url=address, **KEYS)
        with pytest.raises(StoreUnavailable, match="ProvisionedThroughputExceededException"):
            store.load("s")
        reply = BlockingCompletion(store, MemoryDispatch(), dict, **OPTIONS).complete("s")

    assert ("unavailable", 503, "2") == (reply.kind, reply.status, dict(reply.headers)["retry-after"])
    assert ["GetItem"] * 4 == asked


class Hurried:
    """A queue's client for which what is to be delayed comes at once: the test need not wait."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def send_message(self, **message: Any) -> Any:
        """Without its delay."""
        return self._real.send_message(**message | {"DelaySeconds": 0})


def test_waiting_for_a_lease_never_reaches_the_dead_letters(url: str, table: str) -> None:
    """A queue that gives up after two receives keeps a job that meets a live lease five times."""
    sqs, dynamodb = client("sqs", url), client("dynamodb", url)
    dead = sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    attributes = {"RedrivePolicy": policy, "VisibilityTimeout": "0"}
    jobs = sqs.create_queue(QueueName=uuid.uuid4().hex, Attributes=attributes)["QueueUrl"]
    store = DynamoStore(table, client=dynamodb)
    completion = BlockingCompletion(store, SqsDispatch(jobs, client=Hurried(sqs)), dict, **OPTIONS)
    store.claim("s", Claim("somebody", "job", 1, time.time() + 300.0, True), Expected(None))
    SqsDispatch(jobs, client=sqs).send(store.load("s").job, 0.0)

    counts = [drained(sqs, jobs, worker_handler(completion)) for _ in range(5)]
    store.release("s", "somebody", 0.0)
    drained(sqs, jobs, worker_handler(completion))

    assert ["1"] * 5 == counts
    assert [] == sqs.receive_message(QueueUrl=dead).get("Messages", [])
    assert "completed" == store.load("s").status


def drained(sqs: Any, queue_url: str, handler: Any) -> str:
    """Have the one message done as Lambda does; how often the queue had delivered it."""
    [found] = sqs.receive_message(QueueUrl=queue_url, AttributeNames=["All"], WaitTimeSeconds=0)["Messages"]
    answer = handler({"Records": [{"messageId": "1", "body": found["Body"]}]}, None)
    if not answer["batchItemFailures"]:
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=found["ReceiptHandle"])
    return str(found["Attributes"]["ApproximateReceiveCount"])
