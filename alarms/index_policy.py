"""An index on the IDs of our records, so that `filter session_id = "..."` reads what it must and no more.

It helps only where the log has these fields as fields: the coaching API's own coloured lines have none.
PutIndexPolicy replaces the group's one policy and overrides the account's: so an existing one is read and
merged, never replaced unseen.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatchLogs-Field-Indexing.html
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from typing import Any, Final

from guards.errors import BadUsage
from guards.names import REQUEST_ID, SESSION_ID

FIELDS: Final = (SESSION_ID, REQUEST_ID)
_SAVED: Final = "policy.json"
MOST: Final = 20
"""CloudWatch takes no more fields in a policy."""


def policy_document(existing: Iterable[str] = ()) -> dict[str, list[str]]:
    """The policy with our fields after those that it has already. Raises BadUsage where there is no room.

    >>> policy_document(["tenant_id"])
    {'Fields': ['tenant_id', 'session_id', 'request_id']}
    """
    fields = list(dict.fromkeys((*existing, *FIELDS)))
    if len(fields) > MOST:
        raise BadUsage(
            f"the index policy would have {len(fields)} fields, and CloudWatch takes {MOST}",
            hint="drop one that nobody filters by",
        )
    return {"Fields": fields}


def existing_fields(described: dict[str, Any]) -> tuple[str, ...]:
    """The fields in the answer of `aws logs describe-index-policies`, of the group and its account."""
    documents = [each.get("policyDocument") or "{}" for each in described.get("indexPolicies", [])]
    return tuple(field for document in documents for field in json.loads(document).get("Fields", []))


def load(path: str) -> tuple[str, ...]:
    """The fields in a file with that answer, or - for standard input. Raises BadUsage where it is none."""
    name = "standard input" if path == "-" else path
    try:
        with open(0 if path == "-" else path, encoding="utf-8") as file:
            return existing_fields(json.load(file))
    except (OSError, ValueError, AttributeError) as error:
        raise BadUsage(
            f"{name} is no answer of describe-index-policies: {error}", hint="save it with > policy.json"
        ) from error


def read_command(log_group: str) -> str:
    """The call that reads the policy in force."""
    return f"aws logs describe-index-policies --log-group-identifiers {shlex.quote(log_group)}"


def recipe(log_group: str) -> str:
    """Both steps, to be pasted into a shell: they read the policy and print the call that would write it."""
    return "\n".join(
        (
            "# PutIndexPolicy replaces the policy in force. So save that first; this only reads:",
            save_command(log_group),
            "# Then print the call that writes it with our fields merged in; this changes nothing either:",
            merge_command(log_group),
            "# Then run the call that this prints.",
        )
    )


def save_command(log_group: str) -> str:
    """The first step: the policy in force, into a file."""
    return f"{read_command(log_group)} > {_SAVED}"


def merge_command(log_group: str) -> str:
    """The second step, which prints the third."""
    return f"guard alarms index-policy {shlex.quote(log_group)} --existing {_SAVED}"


def put_command(log_group: str, existing: Iterable[str]) -> str:
    """The call that writes the merged policy."""
    document = shlex.quote(json.dumps(policy_document(existing)))
    return (
        f"aws logs put-index-policy --log-group-identifier {shlex.quote(log_group)} "
        f"--policy-document {document}"
    )
