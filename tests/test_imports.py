"""What `import guards` brings into a Lambda's cold start."""

from __future__ import annotations

import subprocess
import sys

MODULES = "import sys; before = set(sys.modules); {}; print(*(set(sys.modules) - before))"
OTEL = "import opentelemetry.trace, opentelemetry.metrics"
HEAVY = {"asyncio", "aws_cdk", "boto3", "click", "opentelemetry.sdk", "rich"}


def loaded(code: str) -> set[str]:
    """The modules that some imports load in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES.format(code)], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import_guards_loads_nothing_heavy() -> None:
    """Neither an event loop, nor AWS's or OpenTelemetry's SDK, nor what draws on terminals."""
    assert set() == HEAVY & loaded("import guards")


def test_import_guards_loads_few_modules_beside_opentelemetrys_api() -> None:
    """Whoever traces by hand imports that API; guards load at most 40 modules over it, of all sorts."""
    otel = loaded(OTEL)

    assert "opentelemetry.trace" in otel
    assert 40 >= len(loaded(f"{OTEL}; import guards") - otel)
