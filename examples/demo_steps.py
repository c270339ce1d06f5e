"""What the coaching API logs at each step of a request: what make_demo_logs.py tells its story with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo_lines import Stream, aws_call, make_uuid

# Made to be redacted, and obviously fake: {"alg":"none"}, {"sub":"not-a-real-token"}.
FAKE_JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub3QtYS1yZWFsLXRva2VuIn0.bm90LWEtcmVhbC1zaWduYXR1cmU"
FAKE_SECRET = "only-an-example-and-not-a-secret"

MODEL = "CLAUDE_3_5_SONNET_V2"
MODEL_NAME = "anthropic.claude-3-5-sonnet-20241022-v2:0"
SESSIONS = "purposepath-coaching-sessions-dev"
TOPICS = "purposepath-topics-dev"
SERVICE = "coaching.src.services.coaching_session_service"
ROUTES = "coaching.src.api.routes.coaching_sessions"
STORE = "coaching.src.infrastructure.repositories.dynamodb_coaching_session_repository"
BEDROCK = "coaching.src.infrastructure.llm.bedrock_provider"
TOPIC_STORE = "coaching.src.repositories.topic_repository"
RATE_LIMITING = "coaching.src.api.middleware.rate_limiting"


@dataclass(frozen=True)
class Session:
    """A coaching session and whose it is; all but the incident's session ID is invented."""

    label: str
    topic: str = "core_values"
    given_id: str = ""

    @property
    def id(self) -> str:
        """The session ID."""
        return self.given_id or "sess_" + make_uuid("session", self.label)

    @property
    def tenant(self) -> str:
        """The tenant's ID."""
        return make_uuid("tenant", self.label)

    @property
    def user(self) -> str:
        """The user's ID."""
        return make_uuid("user", self.label)

    def item(self, status: str, *texts: str) -> dict[str, Any]:
        """Return the session as its table keeps it, with what was said."""
        roles = ("user", "assistant")
        said = [{"M": {"role": {"S": roles[i % 2]}, "content": {"S": text}}} for i, text in enumerate(texts)]
        named = {"session_id": self.id, "tenant_id": self.tenant, "topic_id": self.topic}
        named |= {"user_id": self.user, "status": status}
        return {key: {"S": value} for key, value in named.items()} | {"messages": {"L": said}}


def sign_in(stream: Stream, session: Session) -> None:
    """Write how the API checks the caller's token: its log says far too much."""
    name, secret = "purposepath-jwt-secret-dev", json.dumps({"jwt_secret": FAKE_SECRET})
    found = {"Name": name, "SecretString": secret}
    aws_call(stream, "secretsmanager", "GetSecretValue", {"SecretId": name}, found, 12)
    stream.wait(1)
    length, first = len(FAKE_SECRET), FAKE_SECRET[:10]
    stream.say(f"INFO: JWT secret extracted from JSON (length: {length}, first 10 chars: {first})")
    stream.debug(f"Authorization header: Bearer {FAKE_JWT}")
    stream.debug(f"Token claims: {{'sub': '{session.user}', 'email': 'user@example.com', 'role': 'user'}}")
    stream.wait(2)
    stream.log("coaching_session_repository.initialized", STORE, table_name=SESSIONS)


def receive(stream: Stream, session: Session, text: str, *, at: str = "") -> None:
    """Write that a message came in."""
    sign_in(stream, session)
    stream.at(at) if at else stream.wait(38)
    about = {"session_id": session.id, "tenant_id": session.tenant}
    stream.log("coaching_sessions.send_message", ROUTES, message_length=len(text), **about)
    stream.log("coaching_service.send_message", SERVICE, **about)


def start_api(stream: Stream) -> None:
    """Write what a new environment logs while it loads."""
    stream.say("[STARTUP] Lambda handler loading")
    message = "FastAPI application initializing"
    stream.log("lambda_startup", "coaching.src.api.main", message=message)


def limit_rates(stream: Stream) -> None:
    """Write what an environment's first request logs: not a throttling, though it speaks of rates."""
    stream.log("Rate limiting middleware initialized", RATE_LIMITING, default_capacity=100)


def read_session(stream: Stream, session: Session, status: str, *texts: str) -> None:
    """Write that the session is read from its table."""
    key = {"session_id": session.id}
    stream.wait(2)
    stream.debug(f"Calling dynamodb:get_item with {{'TableName': '{SESSIONS}', 'Key': {key}}}")
    found = {"Item": session.item(status, *texts)}
    aws_call(stream, "dynamodb", "GetItem", {"TableName": SESSIONS, "Key": key}, found, 18)
    stream.wait(1)
    stream.log("coaching_session.retrieved", STORE, "debug", session_id=session.id, status=status)


def read_topic(stream: Stream, session: Session) -> None:
    """Write that the topic's settings and its prompt are read."""
    key, s3_key = {"topic_id": session.topic}, f"prompts/{session.topic}/system.md"
    topic = {"Item": {"topic_id": {"S": session.topic}, "basic_model_code": {"S": MODEL}}}
    aws_call(stream, "dynamodb", "GetItem", {"TableName": TOPICS, "Key": key}, topic, 21)
    stream.log("Topic retrieved", TOPIC_STORE, "debug", topic_id=session.topic)
    aws_call(stream, "s3", "GetObject", {"Key": s3_key}, {"ContentLength": 2048}, 14)
    stream.log("coaching_service.template_loaded", SERVICE, "debug", template_type="system", **key)


def save_session(stream: Stream, session: Session, status: str, *texts: str, ms: int = 19) -> None:
    """Write that the session is stored, a call of so many ms."""
    item = {"TableName": SESSIONS, "Item": session.item(status, *texts)}
    aws_call(stream, "dynamodb", "PutItem", item, {}, ms)
    stream.wait(1)
    about = {"session_id": session.id, "tenant_id": session.tenant}
    stream.log("coaching_session.saved", STORE, status=status, **about)


def ask_model(stream: Stream, session: Session, reply: str, ms: int, *, messages: int = 5) -> None:
    """Write one LLM call of exactly so many ms; nothing in it says whether it converses or extracts."""
    began, tokens = stream.now, 1200 + len(reply) // 4
    about = {"message_count": messages, "model_code": MODEL, "temperature": 0.7, "user_tier": "free"}
    stream.log("coaching_service.executing_llm_call", SERVICE, "debug", **about)
    stream.log("Invoking Bedrock Converse API", BEDROCK, "debug", original_model=MODEL_NAME)
    body = {"system": [{"text": f"You help with {session.topic}."}], "inferenceConfig": {"maxTokens": 2000}}
    message = {"role": "assistant", "content": [{"text": reply}]}
    answer = {"output": {"message": message}, "stopReason": "end_turn", "usage": {"totalTokens": tokens}}
    aws_call(stream, "bedrock-runtime", "Converse", body, answer, ms - 3)
    stream.wait(began + ms - stream.now)
    stream.log("LLM generation completed via Converse API", BEDROCK, model=MODEL_NAME, tokens=tokens)
    done = {"model_code": MODEL, "model_name": MODEL_NAME, "processing_time_ms": ms, "tokens_used": tokens}
    stream.log("coaching_service.llm_call_completed", SERVICE, **done)


def assemble(stream: Stream, session: Session, said: str) -> None:
    """Write the messages for the model; the user's text stands in it as a quoted value."""
    about = {"topic_id": session.topic, "user_preview": said}
    stream.log("coaching_service.llm_messages_assembled", SERVICE, **about)


def parse_reply(stream: Stream, reply: str, *, final: bool) -> None:
    """Write what the model's reply was taken for."""
    about = {"has_result": False, "is_final": final, "is_json": True, "message_length": len(reply)}
    stream.log("coaching_service.llm_response_parsed", SERVICE, **about)


def trigger_completion(stream: Stream, session: Session) -> None:
    """Write that the last message completes the session, so that its results are extracted next."""
    stream.log("coaching_service.auto_completion_triggered", SERVICE, session_id=session.id)


def extract(stream: Stream, session: Session, ms: int) -> None:
    """Write the extraction: an LLM call like any other."""
    found = {"values": [{"name": "Care"}, {"name": "Craft"}], "summary": "Two values, in this order."}
    ask_model(stream, session, json.dumps(found), ms, messages=2)


def complete(stream: Stream, session: Session) -> None:
    """Write the commit."""
    keys = ["values", "summary"]
    about = {"has_result": True, "result_keys": keys, "session_id": session.id}
    stream.log("coaching_service.session_completed", SERVICE, **about)


def succeed(stream: Stream, session: Session, status: str, count: int) -> None:
    """Write that the handler has its answer."""
    about = {"message_count": count, "session_id": session.id, "status": status}
    stream.log("coaching_sessions.send_message.success", ROUTES, **about)


def refuse(stream: Stream, session: Session, status: str) -> None:
    """Write that a message is refused because its session takes none any more."""
    about = {"session_id": session.id, "current_status": status, "error_code": "SESSION_NOT_ACTIVE"}
    stream.log("coaching_sessions.send_message.not_active", ROUTES, "warning", **about)


def created(stream: Stream, session: Session) -> None:
    """Write that a new session has its first answer; only here does its request name it."""
    about = {"session_id": session.id, "status": "active", "tenant_id": session.tenant}
    stream.log("coaching_sessions.start_session.success", ROUTES, **about)
