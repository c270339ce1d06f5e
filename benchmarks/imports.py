"""What `import guards` costs a cold start: CPU of fresh processes in turns, and the modules that it loads."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator

_OTEL = "import opentelemetry.trace, opentelemetry.metrics"
_GUARDS = "from guards import GuardMiddleware, bind, deadline, guard_handler, phase"
_SDK = "import opentelemetry.sdk.trace.export, opentelemetry.sdk.metrics"
_WORK = {
    "bare Python": "pass",
    "guards": _GUARDS,
    _OTEL: _OTEL,
    "both": f"{_OTEL}; {_GUARDS}",
    "OpenTelemetry's SDK, traces and metrics": _SDK,
    "Powertools Logger, Tracer, Metrics": "from aws_lambda_powertools import Logger, Metrics, Tracer",
    "the Lambda runtime client": "import awslambdaric.bootstrap",
    "the Lambda runtime client, then guards": f"import awslambdaric.bootstrap; {_GUARDS}",
}
_COUNT = "import sys; before = set(sys.modules); {}; print(len(set(sys.modules) - before))"


def table(rounds: int) -> Iterator[str]:
    """A row for each import, then what the bars ask for."""
    costs = _measured(rounds)
    modules = {name: _modules(code) for name, code in _WORK.items()}
    bare, otel = (statistics.median(costs[name]) for name in ("bare Python", _OTEL))
    yield "| import | CPU ms | over bare Python | to OpenTelemetry's API | modules |\n|---|--:|--:|--:|--:|"
    for name, times in costs.items():
        median = statistics.median(times)
        ratio = (median - bare) / (otel - bare)
        yield f"| {name} | {median:.1f} | {median - bare:.1f} | {ratio:.2f} | {modules[name]} |"
    whole = statistics.median(
        ours / theirs for ours, theirs in zip(costs["guards"], costs[_OTEL], strict=True)
    )
    yield ""
    yield (
        f"Whole processes: `{_GUARDS}` takes {whole:.2f} times the CPU of `{_OTEL}` (bar: 1.15) and loads "
        f"{modules['guards'] - modules[_OTEL]:+d} modules over it (bar: +40)."
    )


def _measured(rounds: int) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {name: [] for name in _WORK}
    for number in range(-1, rounds):  # the first leaves bytecode behind and does not count
        for name, code in _WORK.items():
            cost = _cpu_ms(code)
            if number >= 0:
                costs[name].append(cost)
    return costs


# -P: the folder in which this runs must not offer guards.py beside this file as the package.
def _cpu_ms(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-P", "-c", code], check=True, env=_environ())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000


def _modules(code: str) -> int:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _COUNT.format(code)], check=True, env=_environ(), capture_output=True
    )
    return int(done.stdout)


def _environ() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
