"""The logs behind ``guard demo``: the incident of 2026-02-09, reconstructed.

They are a **reconstruction**, not a recording: the original log lines were not kept. Times, IDs and
durations are those of the incident's written report; the form of the lines (console format, DEBUG noise,
records split into one event a line) is that of the coaching API at the commit deployed then. Every other
value, and all the traffic around the incident, is invented. README.md beside this file says which is which.

``examples/make_demo_logs.py`` writes the file, byte for byte the same wherever it runs.
"""

from __future__ import annotations

from pathlib import Path

SESSION_ID = "sess_58a0ffa3-6bca-4ed9-9acc-1f99d849065a"
"""The session whose last message got a 503."""

REQUEST_ID = "ae220969-d5df-4cdc-a767-70f9fa8624de"
"""The Lambda request that outlived the gateway."""

LOG_GROUP = "/aws/lambda/coaching-api-4b4d001"
"""The log group of all events."""


def logs() -> Path:
    """Return the path of the logs: newline-delimited JSON, one CloudWatch event a line, in order of time.

    >>> logs().name
    'coaching-api.ndjson'
    """
    return Path(__file__).with_name("coaching-api.ndjson")
