"""The sessions' table as the coaching API uses it: a whole item is read, changed, and put back, whatever
became of it in between.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import boto3

from examples.coaching_api.console import Logger
from examples.coaching_api.settings import TABLE

_log: Final = Logger("coaching.src.infrastructure.repositories.dynamodb_coaching_session_repository")
Item = dict[str, Any]


class Sessions:
    """The repository; its endpoint is the environment's AWS_ENDPOINT_URL."""

    def __init__(self) -> None:
        self._table = boto3.resource("dynamodb").Table(TABLE)

    def get(self, session_id: str) -> Item | None:
        """The session; None where there is none."""
        item: Item | None = self._table.get_item(Key={"session_id": session_id}).get("Item")
        if item is not None:
            _log.debug("coaching_session.retrieved", session_id=session_id, status=item["status"])
        return item

    def put(self, item: Item) -> None:
        """The whole item, unconditionally: a save by anybody else since it was read is gone."""
        item["updated_at"] = now()
        self._table.put_item(Item=item)
        _log.info("coaching_session.saved", session_id=item["session_id"], status=item["status"])


def now() -> str:
    """As the table's timestamps are written."""
    return datetime.now(UTC).isoformat()
