"""The README says what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

from incidents import demo
from incidents.files import FileSource
from incidents.trace import Query, trace
from incidents.views import Options, view

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_readme_shows_what_the_demo_prints(monkeypatch):
    """The block under "Two commands" is the demo's output at 80 by 24, to the letter."""
    monkeypatch.chdir(Path(demo.logs()).parents[2])
    path = "incidents/demo/coaching-api.ndjson"
    report = trace([FileSource(path)], Query(session_id=demo.SESSION_ID, logs=(path,)))

    assert view("text")(report, Options(columns=80, rows=24)).rstrip("\n") == _block("demo")


def test_the_readme_lists_every_exit_code():
    """The table has each exit code that an error carries, and those of an answer."""
    from guards import errors

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
