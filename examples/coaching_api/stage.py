"""The twin on this machine: its Lambdas under the real runtime client, a gateway, a table and a queue."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from examples.coaching_api.client import Client
from examples.coaching_api.gateway import Call, Gateway, event_of, listening
from examples.coaching_api.poller import Poller, polling
from guards.limits import GATEWAY_LIMITS

# The Lambda environment and the AWS stand-in live with the tests, for which they were made: nobody who
# installs the package needs them, and the twin must run what the tests have tested.
from tests.lambda_runtime import LambdaEnvironment
from tests.moto_server import KEYS, client, make_table, moto_server

ROOT: Final = Path(__file__).resolve().parents[2]
GATEWAY_S: Final = GATEWAY_LIMITS["http"].total_seconds()
TIMEOUT_S: Final = 300.0
"""The functions', and so the least that a message must stay invisible."""
_WRITES: Final = ("PutItem", "UpdateItem", "SendMessage")
_SETTLING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario plays on."""

    address: str
    """The gateway's."""
    scale: float
    """Seconds here for one second of the incident."""
    gateway: Gateway
    poller: Poller | None
    """None without a guard."""
    functions: tuple[LambdaEnvironment, ...]
    dynamodb: Any
    table: str
    asked: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Writes by operation and session, queue messages among them."""

    @property
    def limit_ms(self) -> int:
        """What the gateway waits here."""
        return round(self.gateway.limit * 1000)

    def begin(self, topic: str, *, extraction_s: float = 21.9, after_commit_s: float = 10.0) -> Client:
        """A user in the midst of a session, whose extraction will take so many seconds of the incident."""
        session_id = f"sess_{uuid.uuid4()}"
        script = {"extraction_s": {"N": str(extraction_s)}, "after_commit_s": {"N": str(after_commit_s)}}
        item = {
            "session_id": {"S": session_id},
            "topic_id": {"S": topic},
            "status": {"S": "active"},
            "messages": {"L": [_said("assistant", "What matters most to you?")]},
            "context": {"M": script},
        }
        self.dynamodb.put_item(TableName=self.table, Item=item)
        self.asked.pop(("PutItem", session_id), None)  # ours, not the API's
        return Client(self.address, session_id, self.scale)

    def item(self, session_id: str) -> dict[str, Any]:
        """What the table holds, in DynamoDB's own form."""
        key = {"session_id": {"S": session_id}}
        found: dict[str, Any] = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)[
            "Item"
        ]
        return found

    def settle(self) -> None:
        """Wait until no function runs and the queue is empty: until nothing more will happen."""
        self.gateway.wait_until_idle()
        until = time.monotonic() + _SETTLING_S + 600 * self.scale
        while self.poller is not None and self.poller.left():
            assert time.monotonic() < until, "the queue is still not empty"
            time.sleep(0.1)

    def save_logs(self, folder: Path) -> Path:
        """Each environment's log stream, in CloudWatch's form, one JSON object a line."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, function in enumerate(self.functions):
            name = function.log.group.rsplit("/", 1)[-1]
            function.log.save(folder / f"{name}-{number}.ndjson")
        return folder


@contextmanager
def stage(policies: str = "", *, scale: float = 0.05, environments: int = 2) -> Iterator[Stage]:
    """The twin, up and warm; with policies the guard is on, and a worker reads the queue."""
    asked: Counter[tuple[str, str]] = Counter()
    with ExitStack() as stack:
        url = stack.enter_context(moto_server(asked=lambda target, body: _count(asked, target, body)))
        dynamodb, sqs = client("dynamodb", url), client("sqs", url)
        # The stand-in keeps its tables and queues for as long as this process lives.
        table = make_table(dynamodb, f"coaching-sessions-{uuid.uuid4().hex[:8]}")
        queue_url = _make_queue(sqs, math.ceil(TIMEOUT_S * scale))
        environ = _environ(url, scale) | {
            "SESSIONS_TABLE": table,
            "COMPLETION_QUEUE_URL": queue_url,
            "COMPLETION_POLICIES": policies,
        }
        timeout = TIMEOUT_S * scale
        apis = [
            stack.enter_context(_function("handler", "coaching-api", environ, timeout))
            for _ in range(environments)
        ]
        workers = (
            [stack.enter_context(_function("worker", "coaching-worker", environ, timeout))]
            if policies
            else []
        )
        _warm(apis, workers)
        gateway = Gateway(apis, GATEWAY_S * scale)
        address = stack.enter_context(listening(gateway))
        poller = stack.enter_context(polling(Poller(sqs, queue_url, workers[0]))) if workers else None
        yield Stage(address, scale, gateway, poller, (*apis, *workers), dynamodb, table, asked)


def _make_queue(sqs: Any, visibility_s: int) -> str:
    attributes = {"VisibilityTimeout": str(visibility_s)}
    return str(
        sqs.create_queue(QueueName=f"coaching-completions-{uuid.uuid4().hex[:8]}", Attributes=attributes)[
            "QueueUrl"
        ]
    )


def _function(name: str, called: str, environ: dict[str, str], timeout: float) -> LambdaEnvironment:
    handler = f"examples/coaching_api/app.{name}"
    return LambdaEnvironment(handler, ROOT, environ=environ, name=called, timeout=timeout)


def _environ(url: str, scale: float) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
        "GUARD_COMPLETION_SECRET": "a secret of the twin's own",
        "GUARD_GATEWAY_LIMIT_MS": str(round(GATEWAY_S * scale * 1000)),
        "TWIN_SCALE": str(scale),
    }


def _warm(apis: list[LambdaEnvironment], workers: list[LambdaEnvironment]) -> None:
    """Start all and have each use its clients once: a cold start would not be scaled."""
    nothing = Call("GET", "/coaching/sessions/none", {}, "")
    job = {"messageId": "none", "body": '{"guard": "completion/1", "session_id": "none", "job": "none"}'}
    with ThreadPoolExecutor() as pool:
        started = [pool.submit(_started, each, lambda: event_of(nothing, time.time())) for each in apis]
        started += [pool.submit(_started, each, lambda: {"Records": [job]}) for each in workers]
        for each in started:
            each.result()


def _started(function: LambdaEnvironment, event: Callable[[], dict[str, Any]]) -> None:
    function.start()
    outcome = function.invoke(event())
    assert outcome.ended == "ok", "\n".join(function.log.lines()[-20:])


def _count(asked: Counter[tuple[str, str]], target: str, body: bytes) -> None:
    operation = target.rsplit(".", 1)[-1]
    if operation in _WRITES:
        asked[operation, _session_of(json.loads(body))] += 1


def _session_of(request: dict[str, Any]) -> str:
    if "MessageBody" in request:
        return str(json.loads(request["MessageBody"]).get("session_id"))
    return str(request.get("Item", request.get("Key", {})).get("session_id", {}).get("S"))


def _said(role: str, text: str) -> dict[str, Any]:
    return {"M": {"role": {"S": role}, "content": {"S": text}}}
