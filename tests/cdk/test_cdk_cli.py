"""The real CDK CLI, from npm, pinned: it runs `guard alarms app` and gets what `guard alarms synth` makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig

from alarms.cdk import packaged_node
from tests.cdk.stacks import template

SAID = ("-c", "function=coaching-api-4b4d001", "-c", "timeout_s=300", "-c", "api=http:abc123")


def test_the_cdk_cli_makes_the_template_that_synth_makes(tmp_path):
    """`cdk synth --app "guard alarms app"` with the same words gives the same template."""
    guard = shutil.which("guard", path=sysconfig.get_path("scripts"))
    node, cdk = packaged_node(), os.environ["GUARD_CDK_CLI"]
    command = [
        str(node),
        cdk,
        "synth",
        "--quiet",
        "--app",
        f"{guard} alarms app",
        *SAID,
        "-c",
        "region=us-east-1",
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        # Its home is the folder: it keeps a cache there, and asks the network for news unless told not to.
        env={**os.environ, "HOME": str(tmp_path), "CDK_DISABLE_CLI_TELEMETRY": "true", "CI": "true"},
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert 0 == done.returncode, done.stderr
    assert "nobody is subscribed to the topics for tickets and pages" in done.stderr
    assert template() == json.loads((tmp_path / "cdk.out" / "coaching-alarms.template.json").read_text())
