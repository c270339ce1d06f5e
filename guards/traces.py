"""Which trace a request belongs to: from the W3C header, else from Lambda's X-Ray variable.

>>> parent_of({"Traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"}).trace_id
'5759e988bd862e3fe1be46a994272793'
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

# https://www.w3.org/TR/trace-context/#traceparent-header
# IDs of nothing but zeros are none, there is no version ff, and version 00 ends with the flags.
_W3C: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:(?<!\A00.{53})-.*)?"
)
# https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
_XRAY_ROOT: Final = re.compile(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|\Z)")
_XRAY_PARENT: Final = re.compile(r"Parent=([0-9a-f]{16})(?:;|\Z)")
_XRAY_SAMPLED: Final = re.compile(r"Sampled=1(?:;|\Z)")


class Parent(NamedTuple):
    """The span that called."""

    trace_id: str
    """32 hex digits."""
    span_id: str | None
    """16 hex digits; None where only the trace is known, or X-Ray does not record it."""
    sampled: bool


def parent_of(headers: Mapping[str, object] | None) -> Parent | None:
    """The caller's span; None where nothing tells of one."""
    return (_w3c(headers) if headers else None) or _xray(os.environ.get("_X_AMZN_TRACE_ID"))


def _w3c(headers: Mapping[str, object]) -> Parent | None:
    value = headers.get("traceparent") or headers.get("Traceparent")
    found = _W3C.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    trace, span, flags = found.groups()
    return Parent(trace, span, bool(int(flags, 16) & 1))


def _xray(value: str | None) -> Parent | None:
    root = _XRAY_ROOT.search(value) if value else None
    if root is None or value is None:
        return None
    # Lambda sends Sampled=0 wherever X-Ray is not switched on. Taken for a caller's decision it would switch
    # off the tracing of everybody who uses something else.
    parent = _XRAY_PARENT.search(value) if _XRAY_SAMPLED.search(value) else None
    return Parent(root[1] + root[2], parent[1] if parent else None, parent is not None)
