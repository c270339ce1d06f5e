"""Clients made by boto3, which is imported here and not before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from guards import __version__
from guards.errors import BadUsage, MissingExtra

AGENT: Final = f"coaching-guard-command/{__version__}"
"""How the command signs its calls, so that CloudTrail tells who read the logs."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Whose logs, and where. What is None is left to boto3: AWS_PROFILE, AWS_REGION, roles, instance."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    read_timeout: float = 30.0
    """Seconds to wait for an answer."""


def client(connection: Connection, service: str = "logs") -> Any:
    """A client of a service, which tries each call once: tries are counted in incidents.cloudwatch.calls.

    Raises MissingExtra without boto3, and BadUsage where the profile or the Region is not known.
    """
    return clients(connection)(service)


def clients(connection: Connection) -> Callable[[str], Any]:
    """The same for several services, with one session and its credentials. Raises as ``client`` does."""
    session = None

    def make(service: str) -> Any:
        nonlocal session
        made, session = _client(connection, service, session)
        return made

    return make


def _client(connection: Connection, service: str, session: Any) -> tuple[Any, Any]:
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, NoRegionError
    except ImportError:
        raise MissingExtra("reading CloudWatch Logs", extra="aws") from None
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=10,
        read_timeout=connection.read_timeout,
        user_agent_extra=AGENT,
    )
    try:
        session = session or boto3.Session(profile_name=connection.profile, region_name=connection.region)
        return session.client(service, endpoint_url=connection.endpoint_url, config=config), session
    except NoRegionError:
        hint = "set --region or AWS_REGION, or region in guard.toml"
        raise BadUsage("it is not said in which Region to ask", hint=hint) from None
    except (BotoCoreError, ValueError) as error:
        raise BadUsage(
            f"no client for AWS can be made: {error}", hint="set --profile and --region, or AWS_PROFILE"
        ) from error
