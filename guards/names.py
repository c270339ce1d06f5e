"""The names that writer and reader share, each written once.

>>> REQUEST_PAST["critical"]
'RequestPastCritical'
"""

from __future__ import annotations

from typing import Final, Literal, get_args

# Phases. Any other name is allowed; the first two are what the coaching API's time goes into, the others are
# the completion guard's own.
CONVERSATION: Final = "conversation"
"""The LLM call that answers the user."""
EXTRACTION: Final = "extraction"
"""The LLM call that turns a finished conversation into its result."""
HAND_OVER: Final = "hand-over"
"""A request leaves its work to a worker."""
COMMIT: Final = "completion-commit"
"""A session's result is stored. Where it ended ok, and only there, the session is completed from then on."""
OWN_PHASES: Final = (HAND_OVER, COMMIT)
"""They tell what became of a request, and nothing of what its time went into."""

# Kinds of record: the value of the field "guard" is the kind, a slash and the version.
RecordKind = Literal["request.start", "phase.start", "phase.end", "request.past", "request.end"]
RECORD_KINDS: Final[tuple[RecordKind, ...]] = get_args(RecordKind)
RECORD_VERSION: Final = 1

# Values of record fields.
Mark = Literal["warning", "critical", "limit"]
"""What a running request is past: the two alarm thresholds, then the deadline itself."""
LimitedBy = Literal["gateway", "lambda"]
"""Which of the two gives up first."""
RecordOutcome = Literal["ok", "error"]
"""How a phase or a handler ended, as the handler saw it."""

# Fields of every record.
LEVEL: Final = "level"
TIMESTAMP: Final = "timestamp"
GUARD: Final = "guard"
SERVICE: Final = "service"
REQUEST_ID: Final = "request_id"
SESSION_ID: Final = "session_id"
TRACE_ID: Final = "trace_id"

# Fields of some records.
ROUTE: Final = "route"
RECEIVED: Final = "received"
DEADLINE: Final = "deadline"
LIMIT_BY: Final = "limit_by"
COLD_START: Final = "cold_start"
PHASE: Final = "phase"
PHASE_ID: Final = "phase_id"
PARENT_ID: Final = "parent_id"
MODEL: Final = "model"
START: Final = "start"
OUTCOME: Final = "outcome"
ERROR_TYPE: Final = "error_type"
PAST: Final = "past"
ELAPSED_MS: Final = "elapsed_ms"
OPEN_PHASE: Final = "open_phase"
RESPONSE_STATUS: Final = "response_status"
CLIENT_GONE: Final = "client_gone"
DROPPED_RECORDS: Final = "dropped_records"
DROPPED_SPANS: Final = "dropped_spans"
CLOCK_SKEW_MS: Final = "clock_skew_ms"
PHASE_FACTS: Final = ("input_tokens", "output_tokens", "attempts")
"""Numbers that a phase may learn while it runs and that its end record carries."""
EMF: Final = "_aws"
"""CloudWatch's embedded metric format keeps its metadata here."""

# CloudWatch metrics: namespace, names, and the only dimension sets there are.
NAMESPACE: Final = "CoachingGuard"
PHASE_DURATION: Final = "PhaseDuration"
REQUEST_DURATION: Final = "RequestDuration"
REQUEST_PAST: Final[dict[Mark, str]] = {
    "warning": "RequestPastWarning",
    "critical": "RequestPastCritical",
    "limit": "RequestPastLimit",
}
REQUEST_DIMENSIONS: Final = ((SERVICE,),)
PHASE_DIMENSIONS: Final = ((SERVICE,), (SERVICE, PHASE))

# OpenTelemetry: our instrument and attribute, then the semantic conventions' names. The faas.* and
# gen_ai.* ones are still in development there, which is why nothing else may spell them out.
# https://opentelemetry.io/docs/specs/semconv/
OTEL_PHASE_DURATION: Final = "coaching.phase.duration"
OTEL_REQUEST_DURATION: Final = "coaching.request.duration"
OTEL_REQUESTS_PAST: Final = "coaching.requests.past"
OTEL_PHASE: Final = "coaching.phase"
OTEL_MARK: Final = "coaching.past"
OTEL_FACTS: Final[dict[str, str]] = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
}
"""Facts of a phase that the semantic conventions have a name for."""
OTEL_METHOD: Final = "http.request.method"
OTEL_ROUTE: Final = "http.route"
OTEL_INVOCATION_ID: Final = "faas.invocation_id"
OTEL_COLD_START: Final = "faas.coldstart"
OTEL_SESSION_ID: Final = "session.id"
OTEL_CONVERSATION_ID: Final = "gen_ai.conversation.id"
OTEL_REQUEST_MODEL: Final = "gen_ai.request.model"
OTEL_OPERATION_NAME: Final = "gen_ai.operation.name"
OTEL_ERROR_TYPE: Final = "error.type"
OTEL_RESPONSE_STATUS: Final = "http.response.status_code"
