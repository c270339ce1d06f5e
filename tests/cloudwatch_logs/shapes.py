"""Parameters checked on the server's side against botocore's model of the service.

boto3 checks types and lengths from below, but neither patterns nor enums nor upper bounds: a program that
sends 51 log groups is refused by the service alone.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from botocore.model import ServiceModel, Shape
from botocore.session import Session

from tests.cloudwatch_logs.errors import invalid

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "structure": dict,
    "map": dict,
}


@cache
def service(name: str = "logs") -> ServiceModel:
    """The model of a service that boto3 itself works from."""
    return Session().get_service_model(name)


def check(operation: str, parameters: dict[str, Any], name: str = "logs") -> None:
    """That parameters are what the model lets through. Raises InvalidParameterException."""
    shape = service(name).operation_model(operation).input_shape
    assert shape is not None
    _structure(shape, parameters, "")


def _structure(shape: Any, value: dict[str, Any], where: str) -> None:
    for name in shape.required_members:
        if value.get(name) is None:
            raise invalid(f"{where}{name} must not be null")
    for name, each in value.items():
        if name not in shape.members:
            raise invalid(f"{where}{name} is not a parameter")
        _value(shape.members[name], each, f"{where}{name}")


def _value(shape: Shape, value: Any, where: str) -> None:
    wanted = _TYPES.get(shape.type_name)
    if wanted and (not isinstance(value, wanted) or (wanted is int and isinstance(value, bool))):
        raise invalid(f"{where} must be a {shape.type_name}")
    _bounds(shape.metadata, value, where)
    if shape.type_name == "structure":
        _structure(shape, value, f"{where}.")
    if shape.type_name == "list":
        for index, each in enumerate(value):
            _value(shape.member, each, f"{where}[{index}]")  # type: ignore[attr-defined]


def _bounds(metadata: dict[str, Any], value: Any, where: str) -> None:
    size = value if isinstance(value, int | float) else len(value)
    if size < metadata.get("min", size) or size > metadata.get("max", size):
        raise invalid(f"{where} is out of bounds: {metadata.get('min')} to {metadata.get('max')}")
    if isinstance(value, str) and "pattern" in metadata and not re.fullmatch(metadata["pattern"], value):
        raise invalid(f"{where} does not match {metadata['pattern']}")
    if "enum" in metadata and value not in metadata["enum"]:
        raise invalid(f"{where} is none of {metadata['enum']}")
