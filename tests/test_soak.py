"""The long runs, at a size that a test has time for."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings

from tests import completion_machine, completion_world, soak


@pytest.mark.parametrize(
    ("name", "count", "said"),
    [
        ("worlds", 20, "worlds: 20 worlds on a virtual clock"),
        ("machine", 100, "machine: 100 steps of Hypothesis's state machine"),
        ("kills", 5, "kills: 5 deaths at each step"),
        ("race", 2, "race: 2 sessions, each with fifty completers at once, on moto"),
    ],
)
def test_a_long_run_says_what_it_did(
    name: str,
    count: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """How much of what, how long it took, and that nothing went wrong."""
    monkeypatch.setenv("GUARD_DISABLED", "1")  # as the command does: a race writes records too
    code = soak.main([name, str(count)])
    out = capsys.readouterr().out

    assert (0, True, True) == (code, out.startswith(said), out.endswith("s; wrong: nothing\n"))


@pytest.mark.parametrize(("name", "count"), [("worlds", 400), ("machine", 500_000)])
def test_a_long_run_ends_with_1_where_a_promise_is_broken(
    name: str, count: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the condition that only the owner completes, each run finds what goes wrong and says it.

    The machine comes upon it once in some 15,000 steps, and ends there.
    """
    unowned, table = ("complete", "guard_owner"), completion_world.Table
    generate = settings(completion_machine.LONG, phases=[Phase.generate])
    monkeypatch.setattr(completion_machine, "LONG", generate)
    monkeypatch.setattr(completion_machine.Protocol, "without", unowned)
    monkeypatch.setattr(completion_world, "Table", lambda journal, item, _: table(journal, item, unowned))

    assert 1 == soak.main([name, str(count)])
    said = capsys.readouterr().out
    assert "by one who does not own it" in said or "completed twice" in said


def test_deaths_that_nobody_makes_good_end_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sweeper that finds nothing, some death leaves a session that nobody completes."""
    monkeypatch.setattr(completion_world.Table, "lapsed", lambda table, before, limit: [])

    assert 1 == soak.main(["kills", "5"])
    assert "it never ends" in capsys.readouterr().out


def test_a_race_that_is_lost_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What went wrong at a session is counted and told."""
    monkeypatch.setattr(soak, "races", lambda url, sessions: [[], ["2 began to extract"]])

    assert 1 == soak.main(["race", "2"])
    assert "wrong: {'2 began to extract': 1}" in capsys.readouterr().out
