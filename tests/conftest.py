"""What holds for every test: in CI a skip is a failure, and no test depends on how fast it ran."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A deadline would be a timed test. A fixed seed makes CI answer for the change, not for its luck.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)


# Tests of what needs the extra cdk: collected where it is installed, and the CDK CLI where run.py put it.
_CDK = importlib.util.find_spec("aws_cdk") is not None
collect_ignore_glob = [] if _CDK else ["cdk/*"]
collect_ignore = [] if os.environ.get("GUARD_CDK_CLI") else ["cdk/test_cdk_cli.py"]
# CDK's own validation takes 9 s of 10 in each App; one test switches it on, in a process of its own.
os.environ["CDK_VALIDATION"] = "false"


# Away from the other tests, as tests/test_house.py has it, there is nobody to hear.
_HEARS = (Path(__file__).parent / "permissions.py").is_file()


@pytest.fixture(autouse=True)
def calls_are_allowed() -> Iterator[None]:
    """Whatever a test makes the product ask of AWS, the policies that it states allow."""
    if not _HEARS:
        yield
        return
    from tests import permissions

    permissions.REFUSED.clear()
    yield
    refused = permissions.REFUSED[:]
    permissions.REFUSED.clear()
    assert not refused, refused


@pytest.fixture(autouse=True)
def nothing_left_to_say() -> Iterator[None]:
    """What a test leaves running writes nothing into the output that the next one reads."""
    yield
    if _HEARS:
        from tests import strays

        strays.let_go()


def pytest_configure(config: pytest.Config) -> None:
    """Choose by CI's own variable, and listen to calls of AWS and to records."""
    if _HEARS:
        from tests import permissions, strays

        permissions.listen()
        strays.listen()
    in_ci = os.environ.get("CI", "").lower() == "true"
    settings.load_profile("ci" if in_ci else "here")
    if in_ci:
        config.pluginmanager.register(_SkipsFail(), "skips-fail")
    config.pluginmanager.register(_LeftOut(config), "left-out")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not run for want of the extra cdk, which most environments do without."""
    if not _CDK:
        terminalreporter.write_line("tests/cdk: not run without aws_cdk; python3 run.py cdk runs them")


class _LeftOut:
    """Says how many tests a selection such as -m "not once" left out: pytest-xdist keeps it to itself."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._count = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """A worker's, or those of a run without workers."""
        self._count += len(items)

    def pytest_sessionfinish(self) -> None:
        """A worker tells its count to the run."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput["left out"] = self._count

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: object) -> None:
        """Every worker collects everything, so that each has the same count."""
        self._count = max(self._count, getattr(node, "workeroutput", {}).get("left out", 0))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where something was left out."""
        if self._count:
            chosen = self._config.option.markexpr or self._config.option.keyword or "the arguments"
            terminalreporter.write_line(f"{self._count} tests are left out by {chosen!r}")


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
