"""A template as the rules see it: resources with resolved properties, and who they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from alarms.lint.resolve import Resolver
from alarms.lint.values import Reference, Value, number, table, text

FUNCTIONS: Final = ("AWS::Lambda::Function", "AWS::Serverless::Function")
HTTP_APIS: Final = ("AWS::ApiGatewayV2::Api", "AWS::Serverless::HttpApi")

_DEFAULT_TIMEOUT_S: Final = 3.0
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html
_SERVERLESS: Final = "AWS::Serverless-2016-10-31"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource."""

    logical_id: str
    type: str
    """Such as AWS::CloudWatch::Alarm; empty where it has none."""
    properties: dict[str, Value]
    """Resolved as far as can be."""
    metadata: dict[str, Value]
    """What its author says of it."""

    def get(self, *path: str) -> Value:
        """The value at a path of property names; None where nothing stands."""
        found: Value = self.properties
        for name in path:
            if not isinstance(found, dict):
                return found  # Unknown, or nothing
            found = found.get(name)
        return found


@dataclass(frozen=True, slots=True)
class Template:
    """All resources of a template."""

    name: str
    """The file's name, for findings."""
    resources: dict[str, Resource]
    open: bool
    """Whether loops or macros may add resources that are not seen here."""
    serverless_timeout: Value = None
    """Globals.Function.Timeout of a serverless template, in seconds."""

    def of(self, *types: str) -> Iterator[Resource]:
        """The resources of these types, in the order of the template."""
        return (each for each in self.resources.values() if each.type in types)

    def meant_by(self, value: Value, types: tuple[str, ...], name: str) -> Resource | None:
        """The resource of one of the types that a value refers to, or whose property ``name`` it is."""
        if isinstance(value, Reference):
            found = self.resources.get(value.logical_id)
            return found if found is not None and found.type in types else None
        known = text(value)
        named = (each for each in self.of(*types) if known and text(each.get(name)) == known)
        return next(named, None)

    def timeout_s(self, function: Resource) -> float | None:
        """A function's timeout in seconds; None where it is not known."""
        told = function.get("Timeout")
        if told is None and function.type == "AWS::Serverless::Function":
            told = self.serverless_timeout
        return _DEFAULT_TIMEOUT_S if told is None else number(told)


def build(tree: dict[str, Any], name: str = "template") -> Template:
    """The template of a plain tree as :func:`alarms.lint.reading.parse` gives it. Never raises."""
    resolver = Resolver(tree)
    resources = {
        logical_id: Resource(
            logical_id,
            str(body.get("Type", "")),
            table(resolver.value(table(body.get("Properties")))),
            table(resolver.value(table(body.get("Metadata")))),
        )
        for logical_id, body in table(tree.get("Resources")).items()
        if isinstance(body, dict) and not logical_id.startswith("Fn::")
    }
    functions = table(table(tree.get("Globals")).get("Function"))
    return Template(name, resources, _open(tree), resolver.value(functions.get("Timeout")))


def _open(tree: dict[str, Any]) -> bool:
    transforms = tree.get("Transform")
    names = transforms if isinstance(transforms, list) else [] if transforms is None else [transforms]
    harmless = ("AWS::LanguageExtensions", _SERVERLESS, "AWS::SecretsManager-2020-07-23")
    loops = any(key.startswith("Fn::") for key in table(tree.get("Resources")))
    return loops or any(name not in harmless for name in names)
