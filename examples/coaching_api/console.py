"""Log lines as the coaching API writes them: structlog's coloured console lines after logging's level."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any, Final

_RESET: Final = "\x1b[0m"
_COLOURS: Final = {"debug": "\x1b[32m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}


class Logger:
    """Writes events under a logger's name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def debug(self, event: str, **values: Any) -> None:
        """What the API logs since its root logger is at DEBUG."""
        self._write("debug", event, values)

    def info(self, event: str, **values: Any) -> None:
        """A step that was done."""
        self._write("info", event, values)

    def warning(self, event: str, **values: Any) -> None:
        """A request that was refused."""
        self._write("warning", event, values)

    def _write(self, level: str, event: str, values: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        # One write, so that no other line stands in its midst.
        sys.stdout.write(line(level, event, values, logger=self._name, now=now) + "\n")
        sys.stdout.flush()


def line(level: str, event: str, values: dict[str, Any], *, logger: str, now: str) -> str:
    r"""A line, without its end.

    >>> text = line("info", "coaching_service.send_message", {"session_id": "s1"}, logger="api", now="NOW")
    >>> text.replace("\x1b", "^")[:58]
    'INFO: ^[2mNOW^[0m [^[32m^[1minfo     ^[0m] ^[1mcoaching_se'
    """
    pairs = "".join(
        f" \x1b[36m{name}{_RESET}=\x1b[35m{_shown(value)}{_RESET}" for name, value in sorted(values.items())
    )
    return (
        f"{level.upper()}: \x1b[2m{now}{_RESET} [{_COLOURS[level]}\x1b[1m{level:<9}{_RESET}] "
        f"\x1b[1m{event:<30}{_RESET} [{_RESET}\x1b[1m\x1b[34m{logger}{_RESET}]{_RESET}{pairs}"
    )


def _shown(value: Any) -> str:
    if isinstance(value, str) and value and not set(value) & set(" \t=\r\n\"'"):
        return value
    return repr(value)
