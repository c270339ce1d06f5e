"""Inputs from Pulumi: the outputs of the stack that deployed the API.

The coaching API's stack gives ``apiId`` and ``lambdaArn``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from guards.errors import BadUsage

_ARN: Final = re.compile(
    r"arn:[\w-]+:lambda:(?P<region>[\w-]+):\d{12}:function:(?P<name>[\w-]{1,64})(?::.+)?"
)
_HOW: Final = "run `pulumi stack output --json > outputs.json`"


def from_outputs(path: str) -> dict[str, str]:
    """The words that the outputs say: function, region and api. Raises BadUsage where they do not."""
    outputs = _load(path)
    found = _ARN.fullmatch(str(outputs.get("lambdaArn")))
    api_id = outputs.get("apiId")
    if found is None or not isinstance(api_id, str):
        raise BadUsage(
            f"{path} has no lambdaArn and apiId among its outputs ({', '.join(sorted(outputs)) or 'none'})",
            hint=f"{_HOW} in the stack of the API, or say function and api yourself",
        )
    return {"function": found["name"], "region": found["region"], "api": f"http:{api_id}"}


def _load(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            outputs = json.load(file)
    except (OSError, ValueError) as error:
        raise BadUsage(f"{path} cannot be read as JSON: {error}", hint=_HOW) from error
    if not isinstance(outputs, dict):
        raise BadUsage(f"{path} is no JSON object", hint=_HOW)
    return outputs
