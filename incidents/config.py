"""Defaults from ``guard.toml``, or ``[tool.guard]`` in ``pyproject.toml``, of the current folder."""

from __future__ import annotations

import os
import tomllib
from typing import Any

from guards.errors import BadUsage

KEYS = {
    "logs": "paths of saved logs",
    "gateway": "http or rest",
    "gateway_limit_ms": "the gateway's integration timeout, in ms",
    "meanings": "files that say what your log lines mean",
    "access_log_format": "the $context format of the gateway's access log",
    "conversation_budget_s": "how long a conversation phase may take, in seconds",
    "extraction_budget_s": "how long an extraction phase may take, in seconds",
}
"""What may be set, and what it is."""


def defaults(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in force in a folder; ``guard.toml`` wins over ``pyproject.toml``.

    Raises BadUsage where a file is no TOML or sets something unknown.
    """
    own, project = os.path.join(folder, "guard.toml"), os.path.join(folder, "pyproject.toml")
    if os.path.isfile(own):
        settings, where = _load(own), own
    elif os.path.isfile(project):
        settings, where = _load(project).get("tool", {}).get("guard", {}), f"[tool.guard] of {project}"
    else:
        return {}
    if unknown := sorted(set(settings) - set(KEYS)):
        raise BadUsage(
            f"{where} sets {unknown[0]!r}, which is not known", hint=f"known are {', '.join(KEYS)}"
        )
    return dict(settings)


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise BadUsage(f"{path} cannot be read as TOML: {error}") from error
