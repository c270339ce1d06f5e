"""What guard doctor tells of this machine: packages that share our names, the Node for CDK."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

import cli
from alarms import node
from guards.errors import install_command
from incidents.doctor.check import Check
from incidents.doctor.local import cdk_node, packages
from incidents.doctor.views import text
from incidents.views import Options
from tests.test_cli import ANSI, on_a_terminal, process


def install(folder: Path, name: str, *files: str) -> None:
    """A distribution as pip leaves it."""
    told = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (told / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    for file in files:
        if not file.startswith(".."):
            # From Python 3.12 on only files that are there are told.
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).touch()


@pytest.mark.parametrize("file", ["guards/__init__.py", "alarms/x.py", "cli.py"])
def test_another_distribution_with_our_names_is_told(tmp_path: Path, file: str) -> None:
    """Whichever was installed last has overwritten the other: say which one to take away."""
    install(tmp_path, "some-guards", file)
    found = packages(distributions(path=[str(tmp_path)]))

    assert ("failed", "some-guards") == (found.state, found.about)
    assert "pip uninstall some-guards" in str(found.fix)


def test_names_that_only_look_alike_are_nobodys_fault(tmp_path: Path) -> None:
    """A script, a nested module, our own distribution under either spelling."""
    install(
        tmp_path, "other", "../../bin/cli.py", "pkg/guards/__init__.py", "guards-1.0.txt", "guardsman/x.py"
    )
    install(tmp_path, "Coaching.Guard", "guards/__init__.py", "cli.py")

    assert "ok" == packages(distributions(path=[str(tmp_path)])).state


def test_a_module_from_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder `dashboards` of the user's own comes before ours on the path."""
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.split(".")[0] == "dashboards"]:
        monkeypatch.delitem(sys.modules, name)
    found = packages(())

    assert ("failed", "dashboards") == (found.state, found.about)
    assert str(tmp_path) in found.said


def test_a_foreign_guards_is_told_by_the_command_itself(tmp_path: Path) -> None:
    """Where `import guards` is not ours, no command can start: it says so, and no traceback."""
    (tmp_path / "guards").mkdir()
    (tmp_path / "guards" / "__init__.py").write_text("")
    paths = [str(tmp_path), str(Path(cli.__file__).parent)]
    code = f"import sys; sys.path[:0] = {paths!r}; import cli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert 2 == done.returncode
    assert str(tmp_path / "guards") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def with_cdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """aws_cdk is installed, no Node came with it, and PATH is a folder of one's own."""
    (tmp_path / "aws_cdk").mkdir()
    (tmp_path / "aws_cdk" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(node, "packaged_node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JSII_NODE", raising=False)
    return tmp_path


def put(path: Path, version: str) -> Path:
    path.write_text(f"#!{sys.executable}\nprint({version!r})\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v22.11.0", "ok"),
        ("v24.1.0", "ok"),
        ("v20.18.1", "warning"),
        ("v9.9.9", "warning"),
        ("hello", "failed"),
    ],
)
def test_the_node_on_path_is_asked_for_its_version(with_cdk: Path, version: str, state: str) -> None:
    """jsii runs in it: 22 or newer."""
    put(with_cdk / "node", version)

    assert state == cdk_node().state


def test_no_node_at_all_fails(with_cdk: Path) -> None:
    """The extra brings one."""
    found = cdk_node()

    assert ("failed", True) == (found.state, install_command("cdk") in str(found.fix))


def test_the_node_that_is_named_comes_first(with_cdk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for jsii itself: JSII_NODE, then the extra's, then the one on PATH."""
    put(with_cdk / "node", "v18.0.0")
    packaged = put(with_cdk / "packaged", "v22.0.0")
    monkeypatch.setattr(node, "packaged_node", lambda: packaged)
    assert str(packaged) == cdk_node().about
    monkeypatch.setenv("JSII_NODE", str(put(with_cdk / "named", "v24.0.0")))
    assert "Node 24.0.0" == cdk_node().said


def test_without_cdk_no_node_is_missed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who does not want CDK needs none: nothing is looked at, and the fix says what for it would be."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = cdk_node()

    assert ("skipped", "aws_cdk is not installed") == (found.state, found.said)
    assert f"for guard alarms synth run: {install_command('cdk')}" == found.fix


FINDING = Check(
    "retention", "/aws/lambda/f", "warning", "events are kept 3 days: older ones are gone", "keep 30"
)


def test_a_line_is_wrapped_at_words_on_a_terminal() -> None:
    """Under its own text, so that the states stand alone at the left; a pipe gets each line whole."""
    assert (
        "warning  retention /aws/lambda/f: events\n"
        "         are kept 3 days: older ones are\n"
        "         gone\n"
        "         fix: keep 30\n"
        "1 warning\n"
    ) == text([FINDING], Options(columns=40, rows=24))
    assert 3 == text([FINDING], Options(columns=40)).count("\n")


@pytest.mark.parametrize("columns", [60, 80])
def test_no_word_is_broken_on_a_terminal(columns: int) -> None:
    """As a terminal of that width shows it: every line fits, and the words are those of a pipe."""
    sent = ANSI.sub("", on_a_terminal("doctor", columns=columns, COLUMNS=str(columns)))
    piped = process("doctor").stdout.decode()
    short = [word for word in piped.split() if len(word) < columns - 9]

    assert max(map(len, sent.splitlines())) <= columns
    assert set(short) <= set(sent.split())
    assert max(map(len, piped.splitlines())) > columns
