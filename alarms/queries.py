"""The queries of CloudWatch Logs Insights that are saved beside the alarms."""

from __future__ import annotations

from alarms.inputs import ServiceInput
from alarms.model import QueryDefinition
from alarms.thresholds import durations

_TOOK_MS = r"processing_time_ms[^=]*=\D*(?:\d+m)?(?<took_ms>\d+)"
_REPORTS = 'filter @type = "REPORT"'


def queries(service: ServiceInput) -> tuple[QueryDefinition, ...]:
    """A session's lines, the slowest requests, and stranded successes."""
    texts = {
        "lines of a session": session_lines("sess_PASTE-THE-ID"),
        "slowest requests": slowest_requests(),
        "stranded successes": stranded_successes(service),
    }
    groups = (service.function.log_group_name,)
    return tuple(
        QueryDefinition(f"coaching-guard/{service.name}/{name}", text, groups) for name, text in texts.items()
    )


def session_lines(session_id: str) -> str:
    """Where a session stands in the log: its streams and times; `guard trace` takes it from there."""
    return (
        f'fields @timestamp, @logStream, @message\n| filter @message like "{session_id}"\n| sort @timestamp'
    )


def slowest_requests(limit: int = 20) -> str:
    """The requests that took longest, and what their init took."""
    return (
        f"fields @timestamp, @requestId, @duration, @initDuration, @logStream\n| {_REPORTS}"
        f"\n| sort @duration desc\n| limit {limit}"
    )


def stranded_successes(service: ServiceInput, limit: int = 20) -> str:
    """Streams and minutes in which a session was completed and an invocation outlived the gateway.

    A candidate: the two lines of one stream and five minutes may be of two requests.
    """
    limit_ms = f"{durations(service).limit_ms:g}"
    return (
        f'filter (@type = "REPORT" and @duration > {limit_ms}) or @message like "session_completed"'
        f"\n| stats sum(strcontains(@message, 'session_completed')) as completed, max(@duration) as longest"
        " by @logStream, bin(5m)"
        f"\n| filter completed > 0 and longest > {limit_ms}\n| sort longest desc\n| limit {limit}"
    )


def call_durations() -> str:
    """How long the model's calls took, by the coaching API's own lines.

    They name no phase, so that conversation and extraction are in one. ANSI codes stand between the key, the
    equals sign and the value.
    """
    return (
        'filter @message like "llm_call_completed"'
        f"\n| parse @message /{_TOOK_MS}/"
        "\n| stats pct(took_ms, 50) as p50, pct(took_ms, 90) as p90, max(took_ms) as longest by bin(5m)"
    )
