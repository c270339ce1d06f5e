"""The README says what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from cli import main
from guards import errors
from incidents import demo
from tests.test_cli import ANSI, on_a_terminal

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_readme_shows_what_the_demo_prints():
    """The block under "Two commands" is the demo's answer on a terminal of 80 by 24, to the letter."""
    _, _, answer = ANSI.sub("", on_a_terminal("demo")).partition("\n")

    assert _block("demo") == answer.rstrip("\n")


def test_the_readme_lists_every_exit_code():
    """The table has each exit code that an error carries, and those of an answer."""
    codes = {each.exit_code for each in vars(errors).values() if isinstance(each, type)} | {0, 130}

    listed = re.findall(r"^\| (\d+) \|", README.read_text(encoding="utf-8"), re.M)

    assert sorted(codes) == sorted(map(int, listed))


def test_the_python_example_of_the_readme_runs(monkeypatch, capsys):
    """The developer's example works as written and gives the verdict and the findings."""
    monkeypatch.chdir(Path(demo.logs()).parents[2])
    [example] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)

    exec(compile(example, "README.md", "exec"), {})  # it is our own text

    assert "The session was completed, but the client never heard" in capsys.readouterr().out


def _block(name: str) -> str:
    found = re.search(rf"<!-- {name}: .*?-->\n```text\n(.*?)\n```", README.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1]


def test_the_commands_for_an_sre_make_the_alarms(monkeypatch, tmp_path):
    """The words of the README's `guard alarms synth` are taken as they stand."""
    monkeypatch.chdir(tmp_path)
    [words] = re.findall(r"^guard (alarms synth .+?)(?: -o \S+)?$", README.read_text(encoding="utf-8"), re.M)

    answer = CliRunner().invoke(main, [*shlex.split(words), "--format", "json"])

    assert 0 == answer.exit_code
    assert '"Threshold": 28000' in answer.stdout
