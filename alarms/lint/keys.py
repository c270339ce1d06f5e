"""Whether a KMS key of a template may be used by CloudWatch."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from alarms.lint.template import Resource, Template
from alarms.lint.values import Reference, Unknown, Value, items, table, text

_NEEDED: Final = ("kms:decrypt", "kms:generatedatakey")
_KEY: Final = "AWS::KMS::Key"
_ALIAS: Final = "AWS::KMS::Alias"


def lets_cloudwatch_in(template: Template, key: Value) -> bool | None:
    """Whether the key's policy grants CloudWatch what it needs; None where that is not known."""
    resource = _key(template, key)
    if resource is None:
        return None
    statements = items(resource.get("KeyPolicy", "Statement"))
    if isinstance(resource.get("KeyPolicy"), Unknown) or statements is None:
        return None
    granted: set[str] = set()
    for statement in statements:
        grant = _granted(statement)
        if grant is None:
            return None
        granted |= grant
    return granted >= set(_NEEDED)


def _key(template: Template, value: Value) -> Resource | None:
    """The key of the template that a value means, also by its alias."""
    if isinstance(value, Reference):
        target = template.resources.get(value.logical_id)
    else:
        name = text(value)
        target = next(
            (each for each in template.of(_ALIAS) if name and text(each.get("AliasName")) == name), None
        )
    if target is not None and target.type == _ALIAS:
        pointed = target.get("TargetKeyId")
        target = template.resources.get(pointed.logical_id) if isinstance(pointed, Reference) else None
    return target if target is not None and target.type == _KEY else None


def _granted(statement: Value) -> set[str] | None:
    """The needed actions that a statement grants to CloudWatch; None where that is not known."""
    told = table(statement)
    if not told or isinstance(told.get("Principal"), Unknown) or isinstance(told.get("Action"), Unknown):
        return None
    if text(told.get("Effect")) != "Allow" or not _for_cloudwatch(told.get("Principal")):
        return set()
    actions = [(text(each) or "").lower() for each in _several(told.get("Action"))]
    return {need for need in _NEEDED if any(fnmatchcase(need, each) for each in actions)}


def _for_cloudwatch(principal: Value) -> bool:
    if text(principal) == "*":
        return True
    services = [text(each) for each in _several(table(principal).get("Service"))]
    accounts = [text(each) for each in _several(table(principal).get("AWS"))]
    return "cloudwatch.amazonaws.com" in services or None in services or "*" in accounts


def _several(value: Value) -> list[Value]:
    return value if isinstance(value, list) else [] if value is None else [value]
