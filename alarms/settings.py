"""From words to inputs: `-c key=value`, guard.toml and Pulumi's stack outputs.

>>> from_words({"function": "coaching-api", "timeout_s": "300", "api": "http:abc123"}).services[0].name
'coaching-api'
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from alarms.inputs import Api, FunctionInput, HttpApi, RestApi, ServiceInput
from alarms.pulumi import from_outputs
from alarms.subscribers import check_email
from guards.errors import BadUsage

_STACK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_TOPIC_ARN: Final = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?")
Words = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a stack of alarms is made from."""

    services: tuple[ServiceInput, ...]
    stack: str = "coaching-alarms"
    """The stack's name."""
    email: str | None = None
    """Subscribed to the topics that the stack makes."""
    ticket_topic: str | None = None
    """The ARN of a topic that stands already; None to make one."""
    page_topic: str | None = None
    """The ARN of a topic that stands already; None to make one."""
    own_log_groups: bool = False
    """Whether the stack makes the functions' log groups: only where nothing else does."""
    dashboard: bool = True

    def __post_init__(self) -> None:
        """Refuse what CloudFormation would not take."""
        if not _STACK_NAME.fullmatch(self.stack):
            raise BadUsage(f"{self.stack!r} is no stack's name", hint="write letters, digits and hyphens")
        if self.email is not None:
            check_email(self.email)
        for arn in (self.ticket_topic, self.page_topic):
            if arn is not None and not _TOPIC_ARN.fullmatch(arn):
                raise BadUsage(f"{arn!r} is no topic's ARN", hint="write arn:aws:sns:REGION:ACCOUNT:NAME")


def _whole(value: object) -> int:
    return int(str(value))


def _number(value: object) -> float:
    number = float(str(value))
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _truth(value: object) -> bool:
    return {"true": True, "false": False}[str(value).lower()]


Reader = Callable[[object], Any]
_SERVICE: Final[dict[str, tuple[Reader, str]]] = {
    "function": (str, "the Lambda function's name"),
    "timeout_s": (_whole, "the function's own timeout, in whole seconds"),
    "log_group": (str, "its log group, where it is not /aws/lambda/NAME"),
    "api": (str, "http:API-ID or rest:API-NAME"),
    "stage": (str, "the API's stage; for an HTTP API $default unless said"),
    "limit_ms": (_whole, "the gateway's integration timeout, in ms, where it is not the default"),
    "route": (str, "a route to alarm on alone, such as 'POST /coaching/message'"),
    "detailed_metrics": (_truth, "true where the stage has detailed metrics, else false"),
    "access_log_group": (str, "the log group of the stage's access log"),
    "path": (str, "how a path of the access log ends that is alarmed on alone"),
    "service": (str, "the name that the service's records carry, where it is not the function's"),
    "middleware": (_truth, "true where the function runs our middleware, else false"),
    "warning_ms": (_number, "a duration that is a warning, in ms"),
    "critical_ms": (_number, "a duration that is critical, in ms"),
    "region": (str, "the Region, for links"),
    "runbooks": (str, "the URL under which docs/runbooks is published"),
}
_STACK: Final[dict[str, tuple[Reader, str]]] = {
    "stack": (str, "the stack's name"),
    "email": (str, "who is subscribed to the topics that the stack makes"),
    "ticket_topic": (str, "the ARN of a topic for tickets"),
    "page_topic": (str, "the ARN of a topic for pages"),
    "own_log_groups": (_truth, "true where the stack is to make the log groups, else false"),
    "dashboard": (_truth, "false for no dashboard, else true"),
    "pulumi": (str, "a file with the answer of `pulumi stack output --json`"),
}
KEYS: Final = {key: meaning for key, (_, meaning) in {**_SERVICE, **_STACK}.items()}
"""What may be said, and what it is."""


def from_words(words: Words, folder: str | os.PathLike[str] | None = None) -> Settings:
    """The settings of words over those of the folder's guard.toml over Pulumi's outputs.

    Raises BadUsage for a word that is not known or not of its kind, and for inputs that no alarm could watch.
    """
    _check_known(words, "the command line")
    file = {} if folder is None else _file(folder)
    stack = {**{key: file[key] for key in _STACK if key in file}, **_only(_STACK, words)}
    services = _services(file, words, stack.pop("pulumi", None))
    read = {key: _read(key, value, _STACK) for key, value in stack.items()}
    return Settings(services=tuple(service_of(each) for each in services), **read)


def service_words(words: Words, folder: str | os.PathLike[str] | None = None) -> tuple[dict[str, Any], ...]:
    """What is said of each service, before it is asked whether that is enough for alarms.

    One empty dict where nothing is said of any. Raises BadUsage for a word that is not known.

    >>> service_words({"function": "coaching-api"})
    ({'function': 'coaching-api'},)
    """
    _check_known(words, "the command line")
    file = {} if folder is None else _file(folder)
    return _services(file, words, words.get("pulumi", file.get("pulumi")))


def _services(file: Words, words: Words, pulumi: object) -> tuple[dict[str, Any], ...]:
    shared: dict[str, object] = {key: file[key] for key in ("region", "runbooks") if key in file}
    told: Any = file.get("service", [])
    tables = [{**shared, **table} for table in told]
    words = _only(_SERVICE, words)
    if len(tables) > 1 and (words or pulumi):
        raise BadUsage(
            f"guard.toml has {len(tables)} services, and {next(iter(words), 'pulumi')} does not say which",
            hint="write it into the table of the service that is meant",
        )
    outputs = {} if pulumi is None else from_outputs(str(pulumi))
    if len(tables) > 1:
        return tuple(tables)
    return ({**shared, **outputs, **(tables[0] if tables else {}), **words},)


def service_of(words: Words) -> ServiceInput:
    """The inputs of one service. Raises BadUsage where the words are too few, or of none of their kinds."""
    said = {key: _read(key, value, _SERVICE) for key, value in words.items()}
    said.setdefault("region", os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"))
    function = FunctionInput(
        _needed(said, "function", "such as function=coaching-api-4b4d001"),
        _needed(said, "timeout_s", "such as timeout_s=300 (aws lambda get-function-configuration shows it)"),
        said.get("log_group"),
    )
    about = ("service", "middleware", "warning_ms", "critical_ms", "region", "runbooks")
    return ServiceInput(function, _api(said), **{key: said[key] for key in about if key in said})


def _api(said: Mapping[str, Any]) -> Api:
    kind, _, name = _needed(said, "api", "such as api=http:abc123 or api=rest:coaching").partition(":")
    given = {
        key: said[key] for key in ("route", "detailed_metrics", "access_log_group", "path") if key in said
    }
    if "limit_ms" in said:
        given["integration_timeout_ms"] = said["limit_ms"]
    if kind == "http":
        return HttpApi(name, said.get("stage", "$default"), **given)
    if kind == "rest":
        return RestApi(name, said.get("stage", ""), **given)
    raise BadUsage(f"api is {said['api']!r}", hint="write http:API-ID or rest:API-NAME")


def _needed(said: Mapping[str, Any], key: str, such_as: str) -> Any:
    if key not in said:
        raise BadUsage(f"{key} is not said: {KEYS[key]}", hint=f"say it, {such_as}")
    return said[key]


def _read(key: str, value: object, keys: Mapping[str, tuple[Reader, str]]) -> Any:
    reader, meaning = keys[key]
    try:
        return reader(value)
    except (KeyError, ValueError):
        raise BadUsage(f"{key} is {value!r}", hint=f"it is {meaning}") from None


def _only(keys: Mapping[str, object], words: Words) -> dict[str, object]:
    return {key: value for key, value in words.items() if key in keys}


def _check_known(words: Words, where: str) -> None:
    unknown = [key for key in words if key not in KEYS]
    if unknown:
        raise BadUsage(
            f"{where} says {unknown[0]!r}, which is not known", hint=f"known are {', '.join(KEYS)}"
        )


def _file(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The table [alarms] of guard.toml; empty where there is none."""
    path = os.path.join(folder, "guard.toml")
    if not os.path.isfile(path):
        return {}
    try:
        with open(path, "rb") as file:
            table = tomllib.load(file).get("alarms", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadUsage(f"{path} cannot be read as TOML: {error}") from error
    _check_tables(table, path)
    return dict(table)


def _check_tables(table: object, path: str) -> None:
    services = table.get("service", []) if isinstance(table, dict) else None
    if not isinstance(services, list) or not all(isinstance(each, dict) for each in services):
        raise BadUsage(f"{path} has no tables for its services", hint="write [alarms] and [[alarms.service]]")
    assert isinstance(table, dict)
    _check_known({key: value for key, value in table.items() if key != "service"}, f"[alarms] of {path}")
    for each in services:
        _check_known(each, f"[[alarms.service]] of {path}")
