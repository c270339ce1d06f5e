"""CloudFormation's intrinsic functions, as far as a template alone can answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from alarms.lint.values import Reference, Unknown, Value, joined, table, text, whole

_GAP: Final = re.compile(r"\$\{(!?[^{}]*)\}")
_NO_VALUE: Final = object()


class Resolver:
    """Answers functions from a template's parameters and mappings.

    >>> Resolver({"Parameters": {"Limit": {"Default": 25000}}}).value({"Ref": "Limit"})
    25000
    """

    def __init__(self, tree: dict[str, Any]) -> None:
        self._parameters = table(tree.get("Parameters"))
        self._mappings = table(tree.get("Mappings"))
        self._functions: dict[str, Callable[[Any], Value]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::ToJsonString": self._to_json,
        }

    def value(self, node: Any) -> Value:
        """The value of a tree's node; Unknown where only the deployment knows."""
        found = self._value(node)
        return None if found is _NO_VALUE else found

    def _value(self, node: Any) -> Value:
        if isinstance(node, list):
            return [found for each in node if (found := self._value(each)) is not _NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(name, argument)] = node.items()
            if name in self._functions:
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                return Unknown(name)
        if any(key.startswith("Fn::") for key in node):
            return Unknown("Fn::ForEach")
        found = {key: self._value(inner) for key, inner in node.items()}
        return {key: inner for key, inner in found.items() if inner is not _NO_VALUE}

    def _ref(self, name: Any) -> Value:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if isinstance(name, str) and name in self._parameters:
            return self._parameter(table(self._parameters[name]))
        if not isinstance(name, str) or name.startswith("AWS::"):
            return Unknown(f"Ref {name}")
        return Reference(name, "Ref")

    def _parameter(self, parameter: dict[str, Any]) -> Value:
        default, kind = parameter.get("Default"), str(parameter.get("Type", ""))
        # AWS::SSM::Parameter::Value<...>: the default is the name of the place that holds the value.
        if "Default" not in parameter or kind.startswith("AWS::SSM"):
            return Unknown("a parameter without a default")
        if isinstance(default, str) and (kind.startswith("List") or kind == "CommaDelimitedList"):
            return [part.strip() for part in default.split(",")]
        return default if isinstance(default, str | int | float | bool) else Unknown("a parameter")

    def _get_att(self, argument: Any) -> Value:
        if isinstance(argument, str):
            argument = argument.split(".", 1)
        if isinstance(argument, list) and len(argument) == 2 and all(isinstance(x, str) for x in argument):
            return Reference(argument[0], argument[1])
        return Unknown("Fn::GetAtt")

    def _sub(self, argument: Any) -> Value:
        template, own = (argument, {}) if not isinstance(argument, list) else _template_and_map(argument)
        if not isinstance(template, str):
            return Unknown("Fn::Sub")
        parts: list[Value] = []
        at = 0
        for gap in _GAP.finditer(template):
            parts += [template[at : gap.start()], self._gap(gap[1], own)]
            at = gap.end()
        return joined([*parts, template[at:]])

    def _gap(self, name: str, own: dict[str, Any]) -> Value:
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in own:
            return self.value(own[name])
        if "." in name and name not in self._parameters:
            return self._get_att(name)
        return self.value({"Ref": name})

    def _join(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return Unknown("Fn::Join")
        parts = self.value(argument[1])
        if not isinstance(parts, list):
            return Unknown("Fn::Join")
        between: list[Value] = [argument[0]] * (2 * len(parts) - 1)
        between[::2] = parts
        return joined(between)

    def _if(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 3:
            return Unknown("Fn::If")
        one, other = self._value(argument[1]), self._value(argument[2])
        return one if one is other or (type(one) is type(other) and one == other) else Unknown("Fn::If")

    def _find_in_map(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) < 3:
            return Unknown("Fn::FindInMap")
        found: Any = self._mappings
        for key in argument[:3]:
            found = table(found).get(text(self.value(key)) or "", None)
        return found if isinstance(found, str | int | float | bool) else Unknown("Fn::FindInMap")

    def _select(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2:
            return Unknown("Fn::Select")
        index, choices = whole(self.value(argument[0])), self.value(argument[1])
        if not isinstance(choices, list) or index is None or not 0 <= index < len(choices):
            return Unknown("Fn::Select")
        return choices[index]

    def _split(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return Unknown("Fn::Split")
        whole_text = text(self.value(argument[1]))
        if whole_text is None or not argument[0]:
            return Unknown("Fn::Split")
        return whole_text.split(argument[0])

    def _to_json(self, argument: Any) -> Value:
        found = self.value(argument)
        try:
            return json.dumps(found)
        except (TypeError, ValueError):
            return Unknown("Fn::ToJsonString")


def _template_and_map(argument: list[Any]) -> tuple[Any, dict[str, Any]]:
    if len(argument) != 2:
        return None, {}
    return argument[0], table(argument[1])
