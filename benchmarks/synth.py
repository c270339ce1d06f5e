"""What the whole stack of alarms costs over an empty one: `guard alarms synth` against an empty CDK app.

Run with the Python of an environment that has every extra: whole processes, in turns, medians.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import sysconfig
import tempfile
from pathlib import Path

from measure import ENVIRON, seconds

ROUNDS = 7
ALLOWED = 1.3

EMPTY = """
import json, os
from click import echo
from alarms.cdk import aws_cdk
app = aws_cdk.App(analytics_reporting=False)
aws_cdk.Stack(app, "empty", synthesizer=aws_cdk.BootstraplessSynthesizer())
echo(json.dumps(app.synth().get_stack_by_name("empty").template))
"""
WORDS = (
    *("-c", "function=coaching-api-4b4d001", "-c", "timeout_s=300", "-c", "api=http:abc123"),
    *("-c", "route=POST /coaching/message", "-c", "detailed_metrics=true", "-c", "middleware=true"),
    *("-c", "access_log_group=/aws/apigateway/coaching", "-c", "email=oncall@example.com"),
)


def main() -> int:
    """Print both medians and their ratio; 1 where the stack takes more than ALLOWED of an empty one."""
    guard = shutil.which("guard", path=sysconfig.get_path("scripts"))
    if guard is None:
        sys.exit(
            "guard is not installed beside this Python: run .guard/all-3.11/bin/python benchmarks/synth.py"
        )
    ENVIRON["CDK_VALIDATION"] = "false"
    commands = {"empty": [sys.executable, "-c", EMPTY], "alarms": [guard, "alarms", "synth", *WORDS]}
    took = _medians(commands)
    ratio = took["alarms"] / took["empty"]
    for name, median in took.items():
        print(f"{name:7} {median:.2f} s")
    print(f"ratio   {ratio:.2f} (at most {ALLOWED}), load {os.getloadavg()[0]:.1f}, median of {ROUNDS}")
    return int(ratio > ALLOWED)


def _medians(commands: dict[str, list[str]]) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for command in commands.values():  # once untimed: bytecode and the unpacked library stay behind
            seconds(command, folder / "out", folder)
        rounds = [
            {name: seconds(command, folder / "out", folder) for name, command in commands.items()}
            for _ in range(ROUNDS)
        ]
    return {name: statistics.median(each[name] for each in rounds) for name in commands}


if __name__ == "__main__":
    sys.exit(main())
