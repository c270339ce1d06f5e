"""The README says what the commands print."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette

from cli import main
from guards import GuardMiddleware, errors
from incidents import demo
from tests.guarded import SESSION, Context, http_event, of_kind, written
from tests.test_cli import ANSI, on_a_terminal

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def test_the_readme_shows_what_the_demo_prints():
    """The block under "Two commands" is the demo's answer on a terminal of 80 by 24, to the letter."""
    _, _, answer = ANSI.sub("", on_a_terminal("demo", GUARD_STARTED_BY="python3 run.py")).partition("\n")

    assert _block("demo") == answer.rstrip("\n")


def test_the_readme_lists_every_exit_code():
    """The table has each exit code that an error carries, and those of an answer."""
    codes = {each.exit_code for each in vars(errors).values() if isinstance(each, type)} | {0, 130}

    listed = re.findall(r"^\| (\d+) \|", README.read_text(encoding="utf-8"), re.M)

    assert sorted(codes) == sorted(map(int, listed))


def test_the_python_example_of_the_readme_runs(monkeypatch, capsys):
    """The developer's example works as written and gives the verdict and the findings."""
    monkeypatch.chdir(Path(demo.logs()).parents[2])

    exec(compile(_python("incidents.trace"), "README.md", "exec"), {})  # it is our own text

    assert "The session was completed, but the client never heard" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("age_s", "status", "phases"), [(0.0, 200, ["conversation", "extraction"]), (23.0, 202, ["conversation"])]
)
def test_time_your_handler_works_as_written(capfd, age_s, status, phases):
    """The handler of the README records its phases and its session; with 7 s left it does not extract."""
    space = {"converse": lambda event: "What would you do first?", "extract": lambda reply: "honesty"}
    exec(compile(_python("@guard_handler"), "README.md", "exec"), space)  # it is our own text

    event = http_event(age_s=age_s, session_id=SESSION)
    answers = []
    records = written(capfd, lambda: answers.append(space["handler"](event, Context())))

    assert [status] == [answer["statusCode"] for answer in answers]
    assert phases == [each["phase"] for each in of_kind(records, "phase.end")]
    assert [(SESSION, "coaching-api")] == [
        (each["session_id"], each["service"]) for each in of_kind(records, "request.end")
    ]


def test_the_middleware_of_the_readme_is_added_as_written():
    """The block brings its own import, and the application gets the middleware with the service's name."""
    app = Starlette()
    exec(compile(_python("add_middleware"), "README.md", "exec"), {"app": app})  # it is our own text

    assert [(GuardMiddleware, {"service_name": "coaching-api"})] == [
        (each.cls, each.kwargs) for each in app.user_middleware
    ]


@pytest.mark.parametrize("name", ["guards.testing.capture_phases", "GUARD_RECORDS=0"])
def test_what_a_developer_needs_next_is_named_with_its_page(name):
    """A test's helper and the switch for records: a line each, with the page that has both."""
    [line] = [
        each for each in README.read_text(encoding="utf-8").splitlines() if name in each and "](docs/" in each
    ]
    target, _, anchor = re.findall(r"\]\((docs/[^)]+)\)", line)[-1].partition("#")
    page = (ROOT / target).read_text(encoding="utf-8")

    assert name.removesuffix("=0").rpartition(".")[2] in page
    assert anchor in [each.lower().replace(" ", "-") for each in re.findall(r"^#+ (.+)$", page, re.M)]


def test_time_your_handler_takes_ten_lines():
    """What a developer writes fits on a card."""
    assert len([line for line in _python("@guard_handler").splitlines() if line.strip()]) <= 10


def _python(holding: str) -> str:
    """The Python block that holds a text."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    [found] = [block for block in blocks if holding in block]
    return found


def _block(name: str) -> str:
    found = re.search(rf"<!-- {name}: .*?-->\n```text\n(.*?)\n```", README.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return found[1]


def test_the_commands_for_an_sre_make_the_alarms(monkeypatch, tmp_path):
    """The words of the README's `guard alarms synth` are taken as they stand; the CDK CLI gets the same."""
    monkeypatch.chdir(tmp_path)
    [synth] = _commands(README, "guard alarms synth -c")
    [deploy] = _commands(README, 'cdk deploy --app "guard alarms app" -c')
    words = synth[3 : synth.index("-o")]

    answer = CliRunner().invoke(main, ["alarms", "synth", *words, "--format", "json"])

    assert 0 == answer.exit_code
    assert '"Threshold": 28000' in answer.stdout
    assert words == deploy[4:]


@pytest.mark.parametrize("page", ["README.md", "examples/alarms/README.md"])
def test_somebody_hears_of_the_alarms_that_are_deployed_as_written(page):
    """Each command that names a function, and so makes topics, subscribes an address to them."""
    commands = [
        *_commands(ROOT / page, "guard alarms synth -c function="),
        *_commands(ROOT / page, 'cdk deploy --app "guard alarms app" -c function='),
    ]

    assert commands
    assert [] == [each for each in commands if not any(word.startswith("email=") for word in each)]


def _commands(page: Path, start: str) -> list[list[str]]:
    """The words of a page's commands that begin so, those of continued lines too."""
    lines = page.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith(start)]
