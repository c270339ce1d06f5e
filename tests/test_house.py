"""The house rules: what is claimed, pinned, imported and skipped."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import guards

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
GUARDS = sorted(Path(guards.__file__).parent.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def python(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        timeout=60,
    )


def package_of(name: str) -> Path:
    found = importlib.util.find_spec(name)
    assert found and found.origin
    return Path(found.origin).parent


def imported(file: Path) -> set[str]:
    """The top-level names that a file imports anywhere in it."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in plain | named}


def promises_of(file: Path) -> list[ast.FunctionDef]:
    """A file's test functions."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]


@pytest.mark.parametrize("name", ["guards", "alarms", "dashboards", "incidents"])
def test_package_is_typed(name: str) -> None:
    """Every package tells type checkers that its annotations count."""
    assert (package_of(name) / "py.typed").is_file()


@pytest.mark.parametrize("file", GUARDS, ids=lambda file: file.name)
def test_guards_import_the_standard_library_only(file: Path) -> None:
    """What runs inside the Lambda brings nothing with it; the extras' modules are those that name them."""
    extras = {
        "aws.py": {"boto3", "botocore"},
        "metrics.py": {"opentelemetry", "prometheus_client"},
        "telemetry.py": {"opentelemetry"},
    }
    allowed = set(sys.stdlib_module_names) | {"guards"} | extras.get(file.name, set())

    assert set() == imported(file) - allowed


def test_import_guards_loads_nothing_else() -> None:
    """`import guards` itself costs the standard library's imports and no more."""
    names = "GuardMiddleware, bind, deadline, guard_handler, phase"
    code = f"from guards import {names}"
    code = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    loaded = {name.split(".")[0] for name in python(code).stdout.split()}

    assert {"guards"} == loaded - set(sys.stdlib_module_names)


def test_package_alarms_and_dashboards_do_not_load_cdk() -> None:
    """Reading the alarms as data needs neither aws_cdk nor the Node that comes with it."""
    data = "alarms.catalog, alarms.checks, alarms.document, alarms.settings, dashboards.body"
    done = python(f"import sys, {data}; print(*{{'aws_cdk', 'jsii', 'boto3', 'click'}} & set(sys.modules))")

    assert (0, "") == (done.returncode, done.stdout.strip())


def test_command_line_imports_no_cdk() -> None:
    """cli.py reaches aws_cdk only through alarms and dashboards."""
    found = importlib.util.find_spec("cli")

    assert found and found.origin
    assert set() == imported(Path(found.origin)) & {"aws_cdk", "constructs", "jsii"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_lock_pins_every_package_with_hashes_and_names_no_index(lock: Path) -> None:
    """Any mirror can serve a lock: it holds names, exact versions and hashes, and no place to fetch from."""
    text = "\n".join(line for line in lock.read_text().splitlines() if not line.startswith("#"))
    requirements = text.replace("\\\n", "").splitlines()
    pinned = re.compile(r"[a-z0-9.-]+==[\w.]+( ;[^#:]+?)?(\s+--hash=sha256:[0-9a-f]{64})+")

    assert [] == [line for line in requirements if not pinned.fullmatch(line.strip())]
    assert len(requirements) >= 1
    assert not re.search(r"https?:|file:|index-url|find-links", lock.read_text())


def test_locks_agree_on_versions() -> None:
    """One package has one version, whichever lock it is installed from."""
    pins = {
        pin for lock in LOCKS for pin in re.findall(r"^([a-z0-9.-]+)==(\S+)", lock.read_text(), re.MULTILINE)
    }

    assert len(pins) == len({name for name, _ in pins})


def test_demo_installs_neither_cdk_nor_the_aws_sdk() -> None:
    """The first command of the README fetches what it needs and no more."""
    names = re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements" / "demo.txt").read_text(), re.MULTILINE)

    assert ["click"] == names


def test_build_backend_is_locked() -> None:
    """The build backend that pyproject.toml asks for is among the pinned."""
    [backend] = PYPROJECT["build-system"]["requires"]

    assert re.search(
        rf"^{re.split('[>=<]', backend)[0]}==", (ROOT / "requirements/build.txt").read_text(), re.MULTILINE
    )


def test_claimed_pythons_are_those_that_ci_runs() -> None:
    """A Python version is claimed when CI tests it, and only then."""
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))
    [tested] = re.findall(r'^PYTHONS="(.+)"$', (ROOT / ".ci" / "run").read_text(), re.MULTILINE)

    assert claimed == tested.split()
    assert (
        f">={claimed[0]},<3.{int(claimed[-1].split('.')[1]) + 1}" == PYPROJECT["project"]["requires-python"]
    )


def test_ci_runs_everything_once_and_every_file_on_every_python() -> None:
    """The first run leaves nothing out, the later ones only what is marked so."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    first, rest = script.split("export PYTEST_ADDOPTS=")
    runs = [re.findall(r"run\.py (?:test|wheel)$", part, re.M) for part in (first, rest)]

    assert [["run.py test"], ["run.py wheel", "run.py test"]] == runs
    assert rest.startswith("'-n auto --dist worksteal -m \"not once\"'\n")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_no_file_runs_on_one_python_only(file: Path) -> None:
    """A file that has tests marked once has others too."""
    marked = [["once" in ast.unparse(each) for each in test.decorator_list] for test in promises_of(file)]

    assert not marked or not all(map(any, marked))
    assert not re.search(r"^pytestmark.*once", file.read_text(encoding="utf-8"), re.M)


def test_extra_all_holds_every_extra() -> None:
    """coaching-guard[all] is everything there is."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    [everything] = extras["all"]

    assert set(extras) - {"all"} == set(
        everything.removeprefix("coaching-guard[").removesuffix("]").split(",")
    )


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_every_test_states_its_promise(file: Path) -> None:
    """A test without a sentence is a test of which nobody knows why it is there."""
    assert [] == [test.name for test in promises_of(file) if not ast.get_docstring(test)]


LONGEST = 300
LONGER = {"cli.py": 800, "run.py": 380}
"""Given as one file each: the command's every option, and all set-up on a machine with nothing installed."""
MODULES = sorted(
    file
    for place in ("alarms", "benchmarks", "dashboards", "examples", "fuzz", "guards", "incidents")
    for file in (ROOT / place).rglob("*.py")
)


def test_no_module_is_longer_than_a_reader_has_patience() -> None:
    """At most 300 lines; which two may be longer, and how much, stands above."""
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in (*MODULES, *(ROOT / name for name in LONGER))
        if file.exists()  # the packages are not there where the wheel is tested
    }

    assert len(lengths) > len(LONGER)
    assert {} == {name: lines for name, lines in lengths.items() if lines > LONGER.get(name, LONGEST)}


SKIPPING = """
import pytest

def test_that_skips():
    pytest.skip("needs a program that is missing")

@pytest.mark.xfail(reason="known")
def test_that_is_expected_to_fail():
    assert False
"""
SELECTED = """
import pytest

@pytest.mark.parametrize("which", [1, 2])
def test_that_takes_long(which):
    pass

def test_another():
    pass
"""
SKIPPED_WHOLE = 'import pytest\npytest.skip("needs Node", allow_module_level=True)\n'


def pytest_here(folder: Path, test: str, ci: str, *words: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(Path(__file__).parent / "conftest.py", folder)
    (folder / "test_it.py").write_text(test)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *words,
        str(folder),
    ]
    environ = {**os.environ, "CI": ci, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environ, timeout=60)


@pytest.mark.parametrize(
    ("test", "count", "reason"),
    [
        (SKIPPING, "1 failed, 1 xfailed", "needs a program that is missing"),
        (SKIPPED_WHOLE, "1 error", "needs Node"),
    ],
    ids=["one test", "whole file"],
)
def test_skip_fails_in_ci_and_says_why(tmp_path: Path, test: str, count: str, reason: str) -> None:
    """In CI a skipped test or file fails with the skip's reason; an expected failure stays one."""
    done = pytest_here(tmp_path, test, ci="true")

    assert done.returncode != 0
    assert count in done.stdout.splitlines()[-1]
    assert f"skipped, and in CI nothing may be: Skipped: {reason}" in done.stdout


def test_skip_outside_ci_is_only_counted(tmp_path: Path) -> None:
    """On a developer's machine a missing program skips its tests and the run passes."""
    done = pytest_here(tmp_path, SKIPPING, ci="")

    assert 0 == done.returncode
    assert "1 skipped, 1 xfailed" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("workers", ["0", "2"], ids=["alone", "xdist"])
def test_what_a_selection_leaves_out_is_said(tmp_path: Path, workers: str) -> None:
    """With workers, too, the end of a run tells how many tests were not asked for."""
    done = pytest_here(tmp_path, SELECTED, "true", "-p", "xdist", "-n", workers, "-k", "not long")

    assert 0 == done.returncode
    assert "2 tests are left out by 'not long'" in done.stdout.splitlines()


def test_runner_lists_its_commands_when_asked_for_none() -> None:
    """`python3 run.py` alone says what there is, on stderr, and ends with 2 as a wrong question does."""
    done = subprocess.run([sys.executable, str(ROOT / "run.py")], capture_output=True, text=True)

    assert (2, "") == (done.returncode, done.stdout)
    assert "usage: python3 run.py demo|test|lint|wheel|cdk|lock|bench" in done.stderr


def test_runner_says_a_line_about_each_command() -> None:
    """`python3 run.py --help` is an answer, on stdout: what each command does."""
    done = subprocess.run([sys.executable, str(ROOT / "run.py"), "--help"], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    told = {words[0]: " ".join(words[1:]) for line in lines[1:] if (words := line.split())}

    assert (0, "") == (done.returncode, done.stderr)
    assert lines[0].split()[3].split("|") == list(told)
    assert [] == [name for name, words in told.items() if len(words) < 15]
    assert [] == [line for line in lines[1:] if len(line) > 100]


def _runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("runner", ROOT / "run.py")
    assert spec is not None and spec.loader is not None
    runner = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(runner)
    return runner


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands for the command")
def test_runner_says_where_the_command_is_before_the_demo(tmp_path, monkeypatch, capfd) -> None:
    """So that the verdict stays on a terminal of 24 rows; and the command knows how it was started."""
    runner, command = _runner(), tmp_path / "demo" / "bin" / "guard"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\necho "answer under $GUARD_STARTED_BY" >&2\n')
    command.chmod(0o755)
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "environment", lambda name: tmp_path / name)
    monkeypatch.setitem(runner._run.__kwdefaults__, "cwd", tmp_path)

    assert 0 == runner.demo([])
    assert ["run.py: the command itself is demo/bin/guard", "answer under python3 run.py"] == (
        capfd.readouterr().err.splitlines()
    )


def test_runner_says_for_which_python_it_sets_up(tmp_path, monkeypatch, capfd) -> None:
    """Another python3 has an environment of its own: that it is made is no fault."""
    runner = _runner()
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "STATE", tmp_path / ".guard")
    monkeypatch.setattr(runner, "make", lambda folder, *_: folder.mkdir(parents=True))
    runner.environment("demo")

    assert f"once for this Python {runner.VERSION} ({sys.executable})" in capfd.readouterr().err


def test_runner_parses_on_pythons_that_are_too_old() -> None:
    """An old Python gets a clear sentence, not a SyntaxError."""
    source = (ROOT / "run.py").read_text(encoding="utf-8")

    assert ast.parse(source, feature_version=(3, 7))
