"""What `import guards` brings into a Lambda's cold start."""

from __future__ import annotations

import subprocess
import sys

MODULES = "import sys; before = set(sys.modules); {}; print(*(set(sys.modules) - before))"
OTEL = "import opentelemetry.trace, opentelemetry.metrics"
GUARDS = "from guards import GuardMiddleware, bind, deadline, guard_handler, phase"
HEAVY = {"asyncio", "aws_cdk", "boto3", "click", "opentelemetry.sdk", "rich"}


def loaded(code: str) -> set[str]:
    """The modules that some imports load in a process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES.format(code)], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_import_guards_loads_nothing_heavy() -> None:
    """Neither an event loop, nor AWS's or OpenTelemetry's SDK, nor what draws on terminals."""
    assert set() == HEAVY & loaded(GUARDS)


def test_import_guards_loads_few_modules_beside_opentelemetrys_api() -> None:
    """Whoever traces by hand imports that API; guards load at most 40 modules over it, of all sorts."""
    otel = loaded(OTEL)

    assert "opentelemetry.trace" in otel
    assert 40 >= len(loaded(f"{OTEL}; {GUARDS}") - otel)


def test_errors_and_limits_do_not_load_what_times_a_handler() -> None:
    """The command line and the alarms need no more of guards than these."""
    code = "import guards.errors, guards.limits, guards.names"
    brought = {name for name in loaded(code) if name.startswith("guards")}

    assert {"guards", "guards.errors", "guards.limits", "guards.names"} == brought


def test_every_public_name_is_there_and_no_other() -> None:
    """Names are loaded when they are asked for, and stay what they are when their neighbours are."""
    code = """
import guards, guards.deadlines, types
found = [getattr(guards, name) for name in guards.__all__]
print(*(each for each in found if isinstance(each, types.ModuleType)))
guards.nothing
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert "" == done.stdout.strip()
    assert "module 'guards' has no attribute 'nothing'" in done.stderr
