"""A file's text to a plain tree of a template: JSON or YAML, never crashing on what it holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from guards.errors import BadUsage, MissingExtra

_MEND: Final = "mend it, or name another file"

DEEPEST: Final = 80
"""Levels of a template; CloudFormation's own limit is lower."""
LARGEST: Final = 500_000
"""Values in a template. CloudFormation takes 1 MB of text; YAML's aliases can blow that up without end."""


def read_file(path: str) -> str:
    """The text of a file, or of standard input for "-". Raises BadUsage where it cannot be read as text."""
    try:
        if path == "-":
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadUsage(f"{path!r} cannot be read: {reason}", hint="name a CloudFormation template") from error


def name_of(path: str) -> str:
    """What a file is called in findings and errors."""
    return "standard input" if path == "-" else path


def parse(text: str, name: str) -> dict[str, Any]:
    """The template's tree. Raises BadUsage that says why a text is no template.

    >>> parse('{"Resources": {}}', "t.json")
    {'Resources': {}}
    """
    tree = plain(_document(text, name), name)
    if not isinstance(tree, dict) or not isinstance(tree.get("Resources"), dict):
        what = f"its top level is {_kind(tree)}" if not isinstance(tree, dict) else "it has no Resources"
        raise BadUsage(
            f"{name} is no CloudFormation template: {what}",
            hint="lint what is deployed: with the CDK, a file of cdk.out named *.template.json",
        )
    return tree


def plain(document: Any, name: str = "the template") -> Any:
    """The same tree with text keys and without sharing. Raises BadUsage where it is too deep or too large."""
    left = [LARGEST]

    def copied(value: Any, depth: int) -> Any:
        left[0] -= 1
        if depth > DEEPEST or left[0] < 0:
            what = (
                f"nested deeper than {DEEPEST} levels" if left[0] >= 0 else f"over {LARGEST:,} values large"
            )
            raise BadUsage(f"{name} is {what}", hint="no template that can be deployed is")
        if isinstance(value, dict):
            return {_key(key): copied(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple | set):
            return [copied(inner, depth + 1) for inner in value]
        return value if value is None or isinstance(value, bool | int | float | str) else str(value)

    return copied(document, 0)


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(key)


def _document(text: str, name: str) -> Any:
    if text.lstrip()[:1] == "{":
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            if not _yaml_flow(text):
                reason = f"{error}" if isinstance(error, ValueError) else "it is nested too deep"
                raise BadUsage(f"{name} is no JSON: {reason}", hint=_MEND) from error
    try:
        from alarms.lint import yaml_reading
    except ImportError as error:
        raise MissingExtra(f"reading YAML ({name})", extra="yaml") from error
    return yaml_reading.load(text, name)


def _yaml_flow(text: str) -> bool:
    """YAML too may begin with a brace; its short forms have a tag, which JSON has not."""
    return "!" in text and '"Resources"' not in text


def _kind(tree: Any) -> str:
    return "a list" if isinstance(tree, list) else "empty" if tree is None else "a single value"
