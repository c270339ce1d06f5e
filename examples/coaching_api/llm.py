"""The models are not there: a call sleeps as long as the script says, and logs what the API logs of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

from examples.coaching_api.console import Logger
from examples.coaching_api.settings import scaled

CONVERSATION_MODEL: Final = "CLAUDE_SONNET_4_5"
EXTRACTION_MODEL: Final = "CLAUDE_3_5_SONNET_V2"
LAST_WORDS: Final = "that is all"
"""A message that ends with them is the last one of its conversation."""
_log: Final = Logger("coaching.src.services.coaching_session_service")


@dataclass(frozen=True, slots=True)
class Coach:
    """What the model answers to a message."""

    reply: str
    is_final: bool


async def converse(messages: list[dict[str, str]], seconds: float) -> Coach:
    """The call that answers the user; it takes so many seconds of the incident."""
    await _call(CONVERSATION_MODEL, len(messages), seconds)
    text = messages[-1]["content"]
    is_final = text.rstrip(".").lower().endswith(LAST_WORDS)
    _log.info(
        "coaching_service.llm_response_parsed",
        has_result=False,
        is_final=is_final,
        is_json=True,
        message_length=len(text),
    )
    return Coach(f"Well said. ({uuid.uuid4().hex[:8]})", is_final)  # no two answers of a model are the same


async def extract(messages: list[dict[str, str]], seconds: float) -> dict[str, Any]:
    """The call that turns a conversation into its result."""
    _log.info(
        "coaching_service.extraction_max_tokens_applied", extraction_model=EXTRACTION_MODEL, max_tokens=4096
    )
    await _call(EXTRACTION_MODEL, 2, seconds)
    return {"core_value": "honesty", "turns": len(messages)}


async def _call(model: str, messages: int, seconds: float) -> None:
    _log.debug("coaching_service.executing_llm_call", message_count=messages, model_code=model)
    began = time.monotonic()
    await asyncio.sleep(scaled(seconds))
    took = round((time.monotonic() - began) * 1000)
    _log.info(
        "coaching_service.llm_call_completed", model_code=model, processing_time_ms=took, tokens_used=3225
    )
