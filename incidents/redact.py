"""What of a log line may be shown: by allow-list, so that a new field stays hidden.

Users' words, prompts, names and tokens stand in these logs in clear text, and a
report is pasted into tickets. Shown are the kind of the line, its event name
where it looks like one, and the fields below where their value has the form
that the field promises. All else is counted: ``...(n chars)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from incidents.display import clean
from incidents.messages import Kind, Line, Message
from incidents.scalars import ID

LONGEST_SHOWN: Final = 2000
"""Characters of a whole message, where messages are shown as they are."""

_LONGEST_TEXT: Final = 20_000
"""No text of a report is longer for a reason; beyond it the search for secrets would cost seconds."""

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:/+-]{0,79}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?")
_CODE: Final = re.compile(r"[0-9]{3}|-")
_STATUS: Final = re.compile(r"[0-9]{3}|-|[A-Za-z][a-z_-]{1,23}")
_FLAG: Final = re.compile(r"True|False|true|false|None|null")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,18}(Z|[+-][0-9:]{4,6})")
_METHOD: Final = re.compile(r"[A-Z]{3,7}")
_PATH: Final = re.compile(r"([A-Z]{3,7} )?[^\s]{1,512}")


def _allowed() -> Iterator[tuple[str, re.Pattern[str]]]:
    for form, names in (
        (ID, "request_id session_id trace_id requestId extendedRequestId"),
        (ID, "integration.requestId integrationRequestId"),
        (_WORD, "model model_code resolved_model extraction_model phase open_phase"),
        (_WORD, "error_code error_type errorType past limit_by service provider stage"),
        (_NUMBER, "durationMs billedDurationMs memorySizeMB maxMemoryUsedMB"),
        (_NUMBER, "initDurationMs restoreDurationMs timeoutSeconds"),
        (_NUMBER, "processing_time_ms duration_seconds elapsed_ms tokens_used message_count turn"),
        (_NUMBER, "PhaseDuration RequestDuration RequestPastWarning RequestPastCritical RequestPastLimit"),
        (_NUMBER, "phase_id parent_id dropped_records"),
        (_NUMBER, "responseLatency integrationLatency integration.latency"),
        (_CODE, "status_code response_status integration.status integration.integrationStatus"),
        (_STATUS, "status current_status outcome"),
        (_FLAG, "is_final client_gone cold_start has_result"),
        (_TIME, "received deadline start"),
        (_METHOD, "method httpMethod"),
        (_PATH, "path route resourcePath routeKey"),
    ):
        yield from ((name, form) for name in names.split())


FIELDS: Final[Mapping[str, re.Pattern[str]]] = dict(_allowed())
"""The fields that may be shown, and the form that their value must have in full."""

NAMES_OF_WORDS: Final = frozenset(
    {
        "Request started",
        "Request completed",
        "Request failed",
        "Invoking Bedrock Converse API",
        "LLM generation completed via Converse API",
        "Provider resolved for model",
    }
)
"""Event names made of several words. Any others look just like what a user wrote, and stay hidden."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,39}[0-9]{0,4}([./][A-Za-z0-9_-]{1,40}){0,6}")
_RUN: Final = re.compile(r"[0-9]{5}|[A-Za-z0-9]{33}|[0-9][A-Za-z]+[0-9][A-Za-z]+[0-9]")
"""Within a name: a telephone number, a card, a hash, a key."""

SECRETS: Final = re.compile(
    r"[\w.!#$&'*+=?^`{|}~%-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"  # e-mail address
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*"  # JWT, whole or cut
    r"|(?:AKIA|ASIA)[A-Z0-9]{12,}"  # AWS access key ID
    # The secret of such a key: 40 characters of base64, mixed enough to be no path.
    r"|(?<![\w/+=])(?=\S{0,39}[a-z])(?=\S{0,39}[A-Z])(?=\S{0,39}[0-9])[A-Za-z0-9/+]{40}(?![\w/+=])"
    r"|(?i:bearer)[\s:=]+[\w.~+/=-]{6,}"
    r"|\b(?:gh[opsu]_|xox[abprs]-|sk[-_])[\w-]{16,}"  # GitHub, Slack, model providers, Stripe
)
"""What never leaves, wherever it stands."""

_EVENT_SOURCE: Final = re.compile(r"aws[:.][a-z0-9.-]{1,32}")
_SEGMENT: Final = re.compile(r"v[0-9]{1,3}|\$default|\{[A-Za-z_+]{1,40}\}|[A-Za-z][A-Za-z_-]{0,31}|")


def masked(text: str) -> str:
    """Any text of a report on one clean line, with each secret in it replaced by its length.

    >>> print(masked("mail to ann@example.com failed"))
    mail to ...(15 chars) failed
    """
    return SECRETS.sub(lambda found: hidden(len(found[0])), clean(_bounded(text, _LONGEST_TEXT)))


def masked_path(path: str) -> str:
    """A path, or a route such as ``POST /coaching/message``, without query, IDs and addresses.

    What invoked a worker is no path, and stays.

    >>> masked_path("GET /coaching/sess_58a0ffa3/ann@example.com?token=1")
    'GET /coaching/.../...'
    >>> masked_path("aws:sqs")
    'aws:sqs'
    """
    if _EVENT_SOURCE.fullmatch(path):
        return path
    method, space, rest = path.rpartition(" ")
    if not (method == "" or _METHOD.fullmatch(method)):
        return hidden(len(path))
    segments = re.split(r"[?#]", rest, maxsplit=1)[0].split("/")
    return method + space + "/".join(s if _SEGMENT.fullmatch(s) else "..." for s in segments)


def shown(line: Line, *, redact: bool = True) -> str:
    """The line as evidence: printable text on one line.

    Redacted it holds only what the allow-list lets through; else the whole
    message, without its colours, cut at `LONGEST_SHOWN` characters.
    """
    if not redact:
        return whole(line.event.message)
    words = [_level(line.said), _title(line.said), *_pairs(line.said)]
    rest = _rest(line)
    return " ".join([*filter(None, words), *([hidden(rest)] if rest else [])])


def whole(message: str) -> str:
    r"""A message as logged, cleaned and cut; colour sequences go, as they say nothing.

    >>> print(whole("\x1b[32minfo\x1b[0m done\n"))
    info done
    """
    colourless = re.sub(r"\x1b\[[0-9;]*m", "", message[: 4 * LONGEST_SHOWN]).rstrip()
    return _bounded(clean(colourless), LONGEST_SHOWN, len(message) - 4 * LONGEST_SHOWN)


def hidden(characters: int) -> str:
    """What stands for text that is not shown."""
    return f"...({characters} chars)"


def _bounded(text: str, longest: int, cut_before: int = 0) -> str:
    left = len(text) - longest + max(cut_before, 0)
    return text if left <= 0 else text[:longest] + hidden(left)


_TITLES: Final[Mapping[Kind, str]] = {
    "start": "START",
    "end": "END",
    "runtime-done": "platform.runtimeDone",
    "report": "REPORT",
    "timeout": "Task timed out",
    "init-start": "INIT_START",
    "init-report": "INIT_REPORT",
    "restore-start": "RESTORE_START",
    "restore-report": "RESTORE_REPORT",
    "gateway": "gateway",
}


def _title(said: Message) -> str:
    if said.kind in _TITLES:
        return _TITLES[said.kind]
    return said.name if said.name is not None and _is_name(said.name) else ""


def _level(said: Message) -> str:
    return said.level if said.level in ("WARNING", "ERROR", "CRITICAL") else ""


def _is_name(name: str) -> bool:
    """Whether an event name looks like one, and not like something that a person wrote."""
    if name in NAMES_OF_WORDS:
        return True
    return bool(_NAME.fullmatch(name)) and not _RUN.search(name) and not SECRETS.search(name)


def _pairs(said: Message) -> Iterator[str]:
    fields = said.fields or {}
    if "request_id" not in fields and "requestId" not in fields:
        ids = (value_shown("request_id", request_id) for request_id in said.request_ids[:1])
        yield from (f"request_id={value}" for value in ids if value is not None)
    if said.session_id is not None and "session_id" not in fields:
        value = value_shown("session_id", said.session_id)
        yield from () if value is None else (f"session_id={value}",)
    for name in fields:
        value = value_shown(name, fields[name])
        if value is not None:
            yield f"{name}={value}"


def value_shown(name: str, value: object) -> str | None:
    """A field's value as it may be shown; None where it must stay hidden.

    >>> value_shown("model_code", "CLAUDE_3_5_HAIKU"), value_shown("email", "ann@example.com")
    ('CLAUDE_3_5_HAIKU', None)
    """
    text = _text(value)
    form = FIELDS.get(name)
    if form is None or not form.fullmatch(text):
        return None
    if form is _PATH:
        return masked_path(text)
    return None if SECRETS.search(text) else text


def _rest(line: Line) -> int:
    """Characters of the line that are hidden: those of its other values, or all where it has no fields."""
    said = line.said
    if said.kind in _TITLES and said.kind != "gateway":
        return 0
    fields = said.fields or {}
    values = sum(len(_text(value)) for name, value in fields.items() if value_shown(name, value) is None)
    if said.name is None:
        return values if fields else len(line.event.message)
    return values + (0 if _is_name(said.name) else len(said.name))


def _text(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write out an integer of thousands of digits
        return "(number)"
