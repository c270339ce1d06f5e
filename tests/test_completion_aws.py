"""The completion guard on DynamoDB, SQS and EventBridge, as moto serves them over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from guards.completion import (
    BlockingCompletion,
    DispatchFailed,
    Job,
    MemoryStore,
    StoreUnavailable,
    Times,
    Turn,
    aws,
)
from guards.completion import writes as the_writes
from guards.completion.dispatch import message
from guards.completion.dynamodb import DynamoStore
from guards.completion.eventbridge import DETAIL_TYPE, EventBridgeDispatch
from guards.completion.handlers import worker_handler
from guards.completion.sqs import SqsDispatch
from guards.completion.states import Session
from guards.completion.writes import Claim, Expected, Write
from guards.errors import BadUsage, MissingExtra
from tests.completion_mutants import CONDITIONS
from tests.completion_race import races
from tests.moto_server import KEYS, client, make_table, moto_server

SECRET = "a secret for the tests"
UNHURRIED = Times(write=5.0)
"""A busy machine answers late; how soon to give up is tested elsewhere."""
JOB = Job("sess_1", "job_1")
SESSIONS = 200
"""That fifty completers race for. On stock moto one in four goes wrong: so many in vain happen to nobody."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server behind one lock."""
    with moto_server() as address:
        yield address


@pytest.fixture
def dynamodb(url: str) -> Any:
    return client("dynamodb", url)


@pytest.fixture
def store(dynamodb: Any) -> DynamoStore:
    return DynamoStore(make_table(dynamodb, uuid.uuid4().hex), client=dynamodb, index="owed")


def put(store: DynamoStore, session_id: str, **more: Any) -> dict[str, Any]:
    """An item as the API writes it; gives what was written."""
    from guards.completion.dynamodb import _wire

    item = {
        "session_id": session_id,
        "status": "active",
        "messages": [{"role": "user", "content": "hi"}],
        **more,
    }
    wired = {name: _wire(value) for name, value in item.items()}
    store._client.put_item(TableName=store._table, Item=wired)
    return item


@pytest.mark.once
@pytest.mark.parametrize("part", range(4))
def test_fifty_completers_of_each_of_two_hundred_sessions_complete_it_once(url: str, part: int) -> None:
    """One of them claims, extracts and completes; the others are told pending or the result."""
    assert [] == [wrong for wrong in races(url, SESSIONS // 4) if wrong]


@pytest.mark.once
def test_the_same_race_is_lost_on_stock_moto() -> None:
    """The race itself is able to fail: without the lock, moto as it is lets two of fifty through."""
    with moto_server(locked=False) as address:
        lost = next(filter(None, races(address, SESSIONS)))

    assert re.fullmatch(r"([2-9]|\d\d) began to extract", lost[0])


def course(write_of: Any) -> list[Write]:
    """A session's writes in order, some of which must be refused."""
    claim = Claim("w1", "job_1", 1, 100.0, True, Turn("text", "key"), {"messages": ["a", {"b": 0.5}]})
    again = Claim("w2", "job_1", 2, 200.0, True)
    return [
        write_of.save("s", {"title": "Goals", "score": 0.25, "done": None}, Expected(None), "t1"),
        write_of.save("s", {"title": "Late"}, Expected(None), "t2"),
        write_of.claim("s", claim, Expected(1)),
        write_of.claim("s", replace(claim, token="other"), Expected(1)),
        write_of.claim("s", claim, Expected(1)),  # sent twice: recognised
        write_of.save("s", {"title": "While extracting"}, Expected(2), "t3"),
        write_of.renew("s", "w1", 150.0),
        write_of.release("s", "other", 0.0),
        write_of.release("s", "w1", 0.0),
        write_of.complete("s", "w1", {"goals": []}, 1_000.0),
        write_of.claim("s", again, Expected(4)),
        write_of.fail("s", "w1", "ValueError"),
        write_of.complete("s", "w2", {"goals": [{"name": "run", "weight": 0.1}], "n": 3}, 1_000.0),
        write_of.complete("s", "w2", {"goals": []}, 1_000.0),  # sent twice: recognised
        write_of.complete("s", "w1", {"goals": []}, 1_000.0),
        write_of.save("s", {"title": "After"}, Expected(6), "t4"),
        write_of.close(Session.of({"session_id": "s", "status": "paused", "guard_version": 6}), "t6"),
        write_of.close(Session.of({"session_id": "s", "status": "completed", "guard_version": 6}), "t7"),
        write_of.claim("nobody", claim, Expected(None)),
        write_of.save("nobody", {}, Expected(None), "t5"),
    ]


def test_both_stores_tell_the_same_story(store: DynamoStore) -> None:
    """Write by write the table's outcome and item are those of the store in memory."""
    memory = MemoryStore(put(store, "s", ttl=1_800_000_000))

    for write in course(the_writes):
        ours, theirs = store.apply(write), memory.apply(write)
        assert theirs == ours, write
        assert memory.load("s") == store.load("s")

    assert (None, 1_800_000_000) == (store.load("nobody"), store.load("s").data["ttl"])


@pytest.mark.parametrize("condition", CONDITIONS, ids="-".join)
def test_each_condition_holds_in_the_table(store: DynamoStore, condition: tuple[str, str]) -> None:
    """With each condition a write is refused by DynamoDB, without it the same write takes effect."""
    operation, attribute = condition
    put(store, "s", guard_version=1, guard_state="active", guard_owner="w1")
    if attribute == "status":
        status = "active" if operation == "close" else "cancelled"
        put(store, "s", guard_version=1, status=status, guard_owner="w1")
    if attribute == "guard_state":
        put(store, "s", guard_version=1, guard_state="extracting")
    session_id, expected = ("gone", Expected(None)) if attribute == "session_id" else ("s", Expected(1))
    if attribute == "guard_version":
        expected = Expected(2)
    read = {"session_id": "s", "guard_version": expected.version, "status": "paused"}
    owner = "w1" if attribute == "status" else "w2"
    if condition == ("close", "guard_version"):
        put(store, "s", guard_version=1, status="paused")
    write = {
        "save": the_writes.save(session_id, {}, expected, "t"),
        "claim": the_writes.claim(session_id, Claim("w2", "job", 1, 1.0, True), expected),
        "renew": the_writes.renew("s", "w2", 1.0),
        "complete": the_writes.complete("s", owner, {}, 1.0),
        "fail": the_writes.fail("s", "w2", "reason"),
        "release": the_writes.release("s", "w2", 1.0),
        "close": the_writes.close(Session.of(read), "t"),
    }[operation]
    without = replace(write, conditions=tuple(c for c in write.conditions if c.attribute != attribute))

    assert [False, True] == [store.apply(each).took for each in (write, without)]


class LosesAnswers:
    """A client whose first answer to an update is lost, upon which it sends it again, as botocore does."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.sent = 0

    def update_item(self, **asked: Any) -> Any:
        """Twice."""
        self.sent += 2
        self._real.update_item(**asked)
        return self._real.update_item(**asked)

    def get_item(self, **asked: Any) -> Any:
        """As it is."""
        return self._real.get_item(**asked)


def test_write_that_is_sent_twice_is_recognised(store: DynamoStore, dynamodb: Any) -> None:
    """A failed condition after a retry is one's own write where its token stands in the item."""
    put(store, "s")
    lossy = DynamoStore(store._table, client=LosesAnswers(dynamodb))
    queue = SqsSink()
    options: dict[str, Any] = {"predict": 0.0, "secret": SECRET, "times": UNHURRIED}

    reply = BlockingCompletion(lossy, queue, lambda session: {"goals": []}, **options).complete("s")

    assert ("completed", ()) == (reply.kind, reply.extra)
    assert 2 == store.load("s").version


class SqsSink:
    """Takes every job and keeps none."""

    def send(self, job: Job, delay: float) -> None:
        """Nowhere."""


@pytest.mark.parametrize("index", [None, "owed"])
def test_sweeper_finds_leases_that_ran_out(store: DynamoStore, index: str | None) -> None:
    """By the index or by a scan: extracting and over, not live, not completed, no more than asked."""
    store._index = index
    for name, lease in (("over-1", 10.0), ("over-2", 20.5), ("live", 900.0)):
        put(store, name)
        store.claim(name, Claim(name, f"job-{name}", 1, lease, True), Expected(None))
    put(store, "done")
    store.claim("done", Claim("w", "job", 1, 5.0, True), Expected(None))
    store.complete("done", "w", {}, 6.0)

    assert {"over-1", "over-2"} == {job.session_id for job in store.lapsed(100.0, 10)}
    assert 1 == len(store.lapsed(100.0, 1))
    assert {"job-over-1", "job-over-2"} == {job.job_id for job in store.lapsed(100.0, 10)}


@pytest.fixture
def queue(url: str) -> tuple[Any, str]:
    sqs = client("sqs", url)
    return sqs, sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"]


def received(sqs: Any, queue_url: str) -> list[dict[str, Any]]:
    """What is there now, as Lambda's event has it."""
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=0)
    return [
        {"messageId": each["MessageId"], "body": each["Body"], "receipt": each["ReceiptHandle"]}
        for each in answer.get("Messages", ())
    ]


def test_job_goes_through_the_queue_to_a_worker(store: DynamoStore, queue: tuple[Any, str]) -> None:
    """Deferred, received, completed; its message delayed past a lease does not come before."""
    sqs, queue_url = queue
    put(store, "s")
    options: dict[str, Any] = {"predict": 0.0, "secret": SECRET, "times": UNHURRIED}
    completion = BlockingCompletion(store, SqsDispatch(queue_url, client=sqs), lambda s: {"n": 1}, **options)

    reply = BlockingCompletion(
        store, SqsDispatch(queue_url, client=sqs), lambda s: {"n": 1}, policy="defer", **options
    ).complete("s")
    records = received(sqs, queue_url)
    answer = worker_handler(completion)({"Records": records}, None)

    assert ("pending", 1, {"batchItemFailures": []}) == (reply.kind, len(records), answer)
    assert {"n": 1} == store.load("s").data["extracted_result"]
    put(store, "s2")
    assert "completed" == completion.complete("s2", left=timedelta(seconds=20)).kind
    assert [] == received(sqs, queue_url)


@pytest.mark.parametrize(("delay", "asked"), [(0.0, 0), (12.2, 13), (5000.0, 900)])
def test_delay_is_in_whole_seconds_and_900_at_most(delay: float, asked: int) -> None:
    """SQS refuses longer delays; a worker that comes too early sends the job on."""
    sent: list[Any] = []

    class Sqs:
        def send_message(self, **message: Any) -> None:
            """Note it."""
            sent.append(message)

    SqsDispatch("http://queue", client=Sqs()).send(JOB, delay)

    assert [(asked, message(JOB))] == [(each["DelaySeconds"], each["MessageBody"]) for each in sent]


def test_fifo_queue_is_refused() -> None:
    """It cannot delay single messages: better told at the start than found in an incident."""
    with pytest.raises(BadUsage, match="FIFO"):
        SqsDispatch("https://sqs.us-east-1.amazonaws.com/1/jobs.fifo", client=object())


def test_missing_queue_and_table_are_told_by_their_code(url: str, dynamodb: Any) -> None:
    """AWS's refusals become our errors, with its code and without what was sent."""
    with pytest.raises(DispatchFailed, match=r"sess_1: .*NonExistentQueue"):
        SqsDispatch(f"{url}/1/none", client=client("sqs", url)).send(JOB, 0.0)
    with pytest.raises(StoreUnavailable, match=r"'none'.*ResourceNotFoundException"):
        DynamoStore("none", client=dynamodb).load("s")


def test_job_goes_through_eventbridge_and_its_rule(
    url: str, queue: tuple[Any, str], store: DynamoStore
) -> None:
    """The rule's queue gets the event, out of whose envelope the worker takes the job."""
    sqs, queue_url = queue
    events = client("events", url)
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="owed", EventPattern=f'{{"detail-type": ["{DETAIL_TYPE}"]}}')
    events.put_targets(Rule="owed", Targets=[{"Id": "1", "Arn": arn}])
    put(store, "s")
    dispatch = EventBridgeDispatch(client=events)
    options: dict[str, Any] = {"predict": 0.0, "secret": SECRET, "policy": "defer", "times": UNHURRIED}
    completion = BlockingCompletion(store, dispatch, lambda session: {"n": 1}, **options)

    assert "pending" == completion.complete("s").kind
    worker_handler(completion)({"Records": received(sqs, queue_url)}, None)
    assert "completed" == store.load("s").status


class Bus:
    """Answers 200 and takes nothing, as EventBridge does when it throttles."""

    def put_events(self, Entries: list[Any]) -> dict[str, Any]:
        """Nothing was put."""
        return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}


def test_event_that_was_not_taken_is_a_failure() -> None:
    """FailedEntryCount is looked at: the HTTP status says nothing."""
    with pytest.raises(DispatchFailed, match="ThrottlingException"):
        EventBridgeDispatch(client=Bus()).send(JOB, 0.0)


def test_eventbridge_does_not_pretend_to_delay() -> None:
    """A job for later goes through the queue that can wait, or is not sent at all."""
    with pytest.raises(DispatchFailed, match="cannot delay"):
        EventBridgeDispatch(client=Bus()).send(JOB, 30.0)
    from guards.completion import MemoryDispatch

    later = MemoryDispatch()
    EventBridgeDispatch(client=Bus(), delayed=later).send(JOB, 30.0)
    assert [(JOB, 30.0)] == later.sent


def test_own_client_gives_up_on_a_server_that_says_nothing() -> None:
    """Two tries and no more: a hanging endpoint frees its thread in seconds, not in minutes."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tried: list[int] = []
        stop = threading.Event()

        def accept() -> None:
            silent.settimeout(0.1)
            kept = []
            while not stop.is_set():
                try:
                    kept.append(silent.accept())
                    tried.append(1)
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
            DynamoStore("t", endpoint_url=address, **KEYS).load("s")
        stop.set()
        thread.join(10)

    assert 2 == len(tried)


def test_missing_boto3_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the one command that installs it."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(MissingExtra, match=r"pip install '.+\[aws\]'"):
        DynamoStore("sessions")


DOCS = Path(__file__).resolve().parent.parent / "docs" / "completion.md"


def test_example_of_the_docs_works_as_it_stands(
    url: str, queue: tuple[Any, str], store: DynamoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI behind Mangum, table and queue: a conversation, its end, the retry, the status, the worker."""
    monkeypatch.setattr(aws, "client", lambda service: client(service, url))
    code = DOCS.read_text("utf-8").split("```python\n")[1].split("```")[0]
    assert '"sessions"' in code

    async def converse(session: Any, text: str) -> dict[str, Any]:
        return {"text": "I see.", "is_final": text == "that is all"}

    async def extract(session: Any) -> dict[str, Any]:
        return {"heard": len(session["messages"])}

    api: dict[str, Any] = {"QUEUE_URL": queue[1], "SECRET": SECRET, "converse": converse, "extract": extract}
    api["unhurried"] = UNHURRIED
    exec(
        code.replace("sessions", store._table).replace("secret=SECRET", "secret=SECRET, times=unhurried"), api
    )
    put(store, "s", messages=[])

    def call(method: str, path: str, **said: Any) -> tuple[int, Any, Any]:
        answer = guarded(api["app"], method, path, json.dumps(said))
        return answer["statusCode"], json.loads(answer["body"] or "null"), answer["headers"]

    first = call("POST", "/coaching/message", session_id="s", text="hello")
    last = call("POST", "/coaching/message", session_id="s", text="that is all")
    again = call("POST", "/coaching/message", session_id="s", text="that is all")
    other = call("POST", "/coaching/message", session_id="s", text="one more thing")
    status = call("GET", "/coaching/session/s")

    assert [200, 200, 200, 409, 200] == [each[0] for each in (first, last, again, other, status)]
    assert ["active", "completed"] == [first[1]["status"], last[1]["status"]]
    assert {"heard": 4} == last[1]["result"] == again[1]["result"] == status[1]["result"]
    assert "true" == again[2]["idempotent-replayed"]
    assert {"batchItemFailures": []} == api["work"]({"Records": received(*queue)}, None)
    assert {"sent": 0} == api["sweep"]({}, None)


def guarded(app: Any, method: str, path: str, body: str) -> Any:
    """A request as an HTTP API sends it to Lambda."""
    from mangum import Mangum

    asyncio.set_event_loop(asyncio.new_event_loop())
    http = {"method": method, "path": path, "sourceIp": "127.0.0.1", "protocol": "HTTP/1.1"}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": http, "timeEpoch": time.time_ns() // 1_000_000, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }
    return Mangum(app, lifespan="off")(event, None)
