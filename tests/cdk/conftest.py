"""Tests of what needs the extra ``cdk``: collected only where it is installed (python3 run.py cdk, CI)."""

from __future__ import annotations

import importlib.util
import os

# CDK's own validation takes 9 s of 10 in each App; one test switches it on, in a process of its own.
os.environ["CDK_VALIDATION"] = "false"

collect_ignore = [] if os.environ.get("GUARD_CDK_CLI") else ["test_cdk_cli.py"]
collect_ignore_glob = [] if importlib.util.find_spec("aws_cdk") else ["test_*.py"]
