"""AWS on 127.0.0.1: moto's server in this process, behind one lock or as it comes.

moto checks a condition and writes in two steps. Two requests at once can both pass the check, which DynamoDB
rules out; one lock round the whole server does too.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import boto3
from botocore.config import Config
from werkzeug.serving import make_server

from tests.permissions import heard_by_server
from tests.serving import served

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # not all of what moto's server could serve is installed
    from moto.server import DomainDispatcherApplication, create_backend_app

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
PATIENT = Config(
    max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=120
)
"""Fifty clients of one server in one process take turns; a server may close a connection that was idle."""


class _OneAtATime:
    def __init__(self, app: Any, asked: Callable[[str, bytes], object] | None) -> None:
        self._app = app
        self._asked = asked
        self._lock = threading.Lock()

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        _heard(environ)
        with self._lock:
            if self._asked is not None:
                self._tell(environ, self._asked)
            return list(self._app(environ, start_response))

    def _tell(self, environ: Any, asked: Callable[[str, bytes], object]) -> None:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        asked(environ.get("HTTP_X_AMZ_TARGET", ""), body)


_SERVICES = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "AWSEvents": "events"}


def _heard(environ: Any) -> None:
    target, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    heard_by_server(environ.get("HTTP_USER_AGENT", ""), _SERVICES.get(target, target), operation)


@contextmanager
def moto_server(*, locked: bool = True, asked: Callable[[str, bytes], object] | None = None) -> Iterator[str]:
    """The server's URL while it runs; ``asked`` hears each call's X-Amz-Target and body, if locked."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line for each request
    app: Any = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, _OneAtATime(app, asked) if locked else app, threaded=True)
    with served(server) as address:
        yield f"http://{address}"


def client(service: str, url: str) -> Any:
    """A client of it."""
    return boto3.client(service, endpoint_url=url, config=PATIENT, **KEYS)


def make_table(dynamodb: Any, name: str) -> str:
    """A table of sessions, with the sweeper's sparse index."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "session_id", "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": "session_id", "AttributeType": "S"},
            {"AttributeName": "guard_open", "AttributeType": "S"},
            {"AttributeName": "guard_lease_until", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "owed",
                "KeySchema": [
                    {"AttributeName": "guard_open", "KeyType": "HASH"},
                    {"AttributeName": "guard_lease_until", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["guard_job"]},
            }
        ],
    )
    return name
