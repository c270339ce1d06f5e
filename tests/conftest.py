"""What holds for every test: in CI a skip is a failure, and no test depends on how fast it ran."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# A deadline would be a timed test. A fixed seed makes CI answer for the change, not for its luck.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)


def pytest_configure(config: pytest.Config) -> None:
    """Choose by CI's own variable."""
    in_ci = os.environ.get("CI", "").lower() == "true"
    settings.load_profile("ci" if in_ci else "here")
    if in_ci:
        config.pluginmanager.register(_SkipsFail(), "skips-fail")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not run for want of the extra cdk, which most environments do without."""
    if importlib.util.find_spec("aws_cdk") is None:
        terminalreporter.write_line("tests/cdk: not run without aws_cdk; python3 run.py cdk runs them")


class _SkipsFail:
    """Turns each skip into a failure that shows the skip's reason.

    Registered rather than left in this file, so that doctests outside ``tests/`` count too.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if not hasattr(report, "wasxfail"):  # an expected failure is reported as a skip, and is none
            _fail_if_skipped(report)
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        _fail_if_skipped(report)
        return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, and in CI nothing may be: {reason}"
