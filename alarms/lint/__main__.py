"""Write the page of all rules: ``python -m alarms.lint > docs/lint.md``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from alarms import metrics
from alarms.lint.registry import Rule, broken
from alarms.lint.rules import RULES
from alarms.lint.template import build

_HEAD = """\
# The rules of `guard alarms lint`

<!-- Written by `python -m alarms.lint > docs/lint.md` from the rules; a test keeps it current. -->

An alarm that cannot fire looks like one that has no reason to. `guard alarms lint TEMPLATE...` reads any
CloudFormation template, JSON or YAML, and names the alarms that cannot do their job. Each finding has a rule,
a resource, what will happen and what to write instead. The command ends with 1 where there is an error, else
with 0; `--ignore RULE` leaves a rule out. Values that only the deployment knows are never judged. The IDs are
stable. Every example is run: the rule fires on the first one and stays silent on the second.
"""

_PATTERNS = """
## Filter patterns: what is decided where the documentation is silent

- A term is found anywhere, also within a longer word, and colour codes around it make no difference.
- Terms with `?` make no difference beside other terms.
- A pattern of fields without `...` matches events of just as many fields. Say `...` where there may be more.
- `=!` in a pattern of fields is `!=`. A number in double quotes is a number there, since every field is text.
- In JSON, `<`, `<=`, `>` and `>=` compare numbers with numbers; `=` and `!=` also compare texts, and `*` in a
  text stands for any text. A property that is missing, null, an array or an object is neither equal nor
  unequal.
- Letters outside ASCII count as letters of a term. A space may stand in a regular expression.
"""


def page() -> str:
    """The Markdown page, from the docstrings and examples of the rules."""
    rows = (f"| [{each.id}](#{each.id}) | {each.severity} |" for each in RULES)
    known = (f"| {each.namespace} | {each.about} | {_linked(each.source)} |" for each in metrics.groups())
    parts = [
        _HEAD,
        "| rule | severity |\n|---|---|",
        *rows,
        *(_section(each) for each in RULES),
        _PATTERNS,
        "## What is known of metrics\n",
        "Names, dimensions and units are data, in `alarms/metrics.toml`. Other namespaces are custom ones to",
        "the linter: of these it knows what metric filters of the same template make.\n",
        "| namespace | metrics of | source |\n|---|---|---|",
        *known,
    ]
    return "\n".join(parts) + "\n"


def _linked(source: str) -> str:
    return f"<{source}>" if source.startswith("https:") else f"`{source}`"


def _section(rule: Rule) -> str:
    finding = next(iter(rule(build(rule.fires()))))
    return f"""
## {rule.id}

{rule.documentation}

Fires on:

{_described(rule.fires())}

> {finding.summary}
> {finding.fix}

Silent where it says instead:

{_changed(rule.fires(), rule.silent())}"""


def _described(tree: dict[str, Any]) -> str:
    return "\n".join(line for name, body in tree["Resources"].items() for line in _resource(name, body))


def _resource(logical_id: str, body: dict[str, Any]) -> Iterator[str]:
    yield f"    {logical_id}: {body['Type']}"
    yield from (f"      {key}: {json.dumps(value)}" for key, value in body["Properties"].items())


def _changed(fires: dict[str, Any], silent: dict[str, Any]) -> str:
    """What the silent example has that the firing one has not, and the other way round."""
    before, after = (tree["Resources"] for tree in (fires, silent))
    lines: list[str] = []
    for name, body in after.items():
        if name not in before:
            lines += _resource(name, body)
        elif body != before[name]:
            lines += _resource(name, {**body, "Properties": _new(before[name], body)})
    return "\n".join(lines)


def _new(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    old, new = before["Properties"], after["Properties"]
    gone = {key: None for key in old if key not in new}
    return {**{key: value for key, value in new.items() if old.get(key) != value}, **gone}


def main() -> int:
    """Print the page; 1, and what is wrong, where a rule contradicts its own examples."""
    wrong = [problem for each in RULES if (problem := broken(each))]
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
