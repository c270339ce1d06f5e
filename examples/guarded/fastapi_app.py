"""A FastAPI app behind Mangum that does not begin what its client would not live to see.

The models are not there: each call sleeps as long as the request says.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Response
from mangum import Mangum
from pydantic import BaseModel

from guards import GuardMiddleware, bind, deadline, phase

EXTRACTION_NEEDS = timedelta(milliseconds=int(os.environ.get("EXTRACTION_NEEDS_MS", "8000")))
"""With less time left an extraction is not begun."""

app = FastAPI()
app.add_middleware(GuardMiddleware, service_name="coaching-api")


class Turn(BaseModel):
    """What a user sends, and how long the models take over it."""

    session_id: str
    is_final: bool = False
    conversation_s: float = 0.1
    extraction_s: float = 0.1


@app.post("/coaching/message")
async def message(turn: Turn, response: Response) -> dict[str, Any]:
    """Answer the user; after the last turn extract the result, now or later."""
    bind(session_id=turn.session_id)
    async with phase("conversation", model="CLAUDE_SONNET_4_5") as call:
        await asyncio.sleep(turn.conversation_s)
        call.set(input_tokens=1200, output_tokens=80)
    answer: dict[str, Any] = {"reply": "Well done."}
    if not turn.is_final:
        return answer
    if deadline().remaining < EXTRACTION_NEEDS:
        hand_over(turn)
        response.status_code = 202
        return answer | {"result": "pending"}
    async with phase("extraction", model="CLAUDE_3_5_HAIKU"):
        await asyncio.sleep(turn.extraction_s)
    return answer | {"result": {"core_value": "honesty"}}


@app.post("/coaching/start")
def start(turn: Turn) -> dict[str, str]:
    """Open a session. A sync endpoint runs in a threadpool; what it binds is seen outside all the same."""
    bind(session_id=turn.session_id)
    with phase("conversation", model="CLAUDE_SONNET_4_5"):
        time.sleep(turn.conversation_s)
    return {"reply": "What is on your mind?"}


def hand_over(turn: Turn) -> None:
    """Leave the extraction to another function. Put it into a durable queue before you say "pending"."""


handler = Mangum(app, lifespan="off")
