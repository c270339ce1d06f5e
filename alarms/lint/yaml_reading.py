"""YAML templates, with CloudFormation's short forms (``!Ref``, ``!Sub``, ``!GetAtt`` ...).

Needs PyYAML (the extra ``yaml``); import it late.
"""

from __future__ import annotations

from typing import Any

import yaml

from guards.errors import BadUsage

_UNNAMED = ("Ref", "Condition")
"""The functions without ``Fn::`` before their names."""


class _Loader(yaml.SafeLoader):
    """Plain values, and every tag as a function call. Dates stay texts, as CloudFormation has them."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # the name and kind are PyYAML's
        first: [(tag, found) for tag, found in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in _UNNAMED else f"Fn::{suffix}"
    value = _value(loader, node)
    if name == "Fn::GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name: value}


def _value(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return None


_Loader.add_multi_constructor("!", _function)
_Loader.add_multi_constructor("tag:", lambda loader, suffix, node: _value(loader, node))


def load(text: str, name: str) -> Any:
    """The document. Raises BadUsage where the text is no YAML: where, and what is wrong.

    >>> load("Id: !GetAtt Api.ApiId", "t.yaml")
    {'Id': {'Fn::GetAtt': ['Api', 'ApiId']}}
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise BadUsage(f"{name} is no YAML: {_where(error)}", hint="mend it, or name another file") from error
    except (RecursionError, ValueError, TypeError, OverflowError) as error:
        raise BadUsage(f"{name} is no YAML: {error}", hint="mend it, or name another file") from error


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}: {problem}" if mark else problem
