"""A plain Lambda handler: its phases are functions, its root is the handler.

The model is not there: each call sleeps as long as the event says.
"""

from __future__ import annotations

import json
import time
from typing import Any

from guards import bind, guard_handler, phase


@phase("conversation", model="CLAUDE_SONNET_4_5")
def converse(seconds: float) -> str:
    """The call that answers the user."""
    time.sleep(seconds)
    return "What would you do first?"


@phase("extraction", model="CLAUDE_3_5_HAIKU")
def extract(seconds: float) -> dict[str, str]:
    """The call that turns a finished conversation into its result."""
    time.sleep(seconds)
    return {"core_value": "honesty"}


@guard_handler(service_name="coaching-api")
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One turn of a session behind an HTTP API."""
    turn = json.loads(event["body"])
    bind(session_id=turn["session_id"])
    answer: dict[str, Any] = {"reply": converse(turn["conversation_s"])}
    if turn["is_final"]:
        answer["result"] = extract(turn["extraction_s"])
    return {"statusCode": 200, "body": json.dumps(answer)}
