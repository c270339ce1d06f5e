"""What the modules that need boto3 share: getting it, and clients that give up in time."""

from __future__ import annotations

from typing import Any, Final

from guards import __version__
from guards.errors import MissingExtra

ACTIONS: Final = (
    "dynamodb:GetItem",
    "dynamodb:UpdateItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "sqs:SendMessage",
    "events:PutEvents",
)
"""All that a handler, a worker and a sweeper need of AWS; docs/completion.md says who needs what."""

AGENT: Final = f"coaching-guard-completion/{__version__}"


def client(service: str, **options: Any) -> Any:
    """A client that tries twice, each time 0.5 s to connect and 0.5 s for an answer.

    The engine goes on without an answer after Times.write; these limits free the thread that waits.
    ``options`` go to boto3's client (region_name, endpoint_url). Raises MissingExtra without boto3.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise MissingExtra(f"completion through {service}", extra="aws") from error
    config = Config(
        connect_timeout=0.5,
        read_timeout=0.5,
        retries={"mode": "standard", "total_max_attempts": 2},
        max_pool_connections=64,
        parameter_validation=True,
        user_agent_extra=AGENT,
    )
    return boto3.client(service, **{"config": config, **options})


def code_of(error: Exception) -> str:
    """AWS's code of an error, else its type: never its text, which may hold what was sent."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(code or type(error).__name__)
