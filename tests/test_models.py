"""The registry of models, the check of pairs, and the way out at run time."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import main
from guards.errors import BadUsage
from guards.models import fell_back, load, validate

HTTP = timedelta(seconds=30)
SMALL = """
[models.QUICK]
provider = "ours"
p95_s = { conversation = 2.0, extraction = 3.5 }
[models.SLOW]
provider = "ours"
p95_s = { conversation = 12.0, extraction = 20.0 }
[defaults]
conversation = "SLOW"
extraction = "QUICK"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.toml"
    file.write_text(SMALL)
    return file


def guard(*words: str) -> Result:
    return CliRunner().invoke(main, ["models", "check", *words])


def test_registry_knows_the_coaching_apis_codes_and_its_defaults() -> None:
    """The incident's model and the fix's default are both in the registry that comes along."""
    registry = load()

    assert {"CLAUDE_3_5_SONNET_V2", "CLAUDE_3_5_HAIKU", "GPT_4O_MINI"} <= set(registry.models)
    assert "CLAUDE_3_5_HAIKU" == registry.extraction


def test_incidents_pair_does_not_fit_and_the_fixs_does() -> None:
    """Twice the slow model goes over 30 s with the margin; the fast one for the extraction does not."""
    registry = load()
    slow = "CLAUDE_3_5_SONNET_V2"

    assert [False, True] == [
        registry.pair(slow, extraction).fits(HTTP) for extraction in (slow, "CLAUDE_3_5_HAIKU")
    ]


def test_sum_that_is_the_limit_exactly_fits(small: Path) -> None:
    """p95 + p95 + margin is compared with the limit itself."""
    pair = load(small).pair("SLOW", "QUICK", margin=timedelta(seconds=14.5))

    assert (HTTP, True, False) == (pair.total, pair.fits(HTTP), pair.fits(HTTP - timedelta(milliseconds=1)))


@pytest.mark.parametrize("code", ["CLAUDE_9", "", 7, ["QUICK"], "I feel stuck at work"])
def test_unknown_extraction_model_falls_back_and_is_counted(small: Path, code: Any, caplog: Any) -> None:
    """A wrong setting never costs a user the session, and never stays unseen; text is not logged."""
    fell_back.take()

    model = load(small).extraction_model(code)

    assert ("QUICK", 1) == (model.code, fell_back.take())
    assert "conversation_config.extraction_model_code" in caplog.text
    assert "stuck" not in caplog.text


def test_known_or_no_extraction_model_is_not_counted(small: Path) -> None:
    """The configured model is taken as it is; where there is none the default is meant."""
    fell_back.take()
    registry = load(small)

    codes = [registry.extraction_model(code).code for code in ("SLOW", None)]

    assert (["SLOW", "QUICK"], 0) == (codes, fell_back.take())


def test_invalid_configuration_is_told_with_the_valid_codes(small: Path) -> None:
    """Whoever saves a topic learns which setting is off and what may stand there."""
    with pytest.raises(BadUsage) as refused:
        validate({"extraction_model_code": "QICK"}, load(small))

    told = "'QICK' is not a model of small.toml; use one of: QUICK, SLOW"
    assert f"conversation_config.extraction_model_code: {told}" == str(refused.value)


@pytest.mark.parametrize("code", [["QUICK"], {"QUICK": 1}, 7])
def test_code_that_is_no_text_is_told_as_what_it_is(small: Path, code: Any) -> None:
    """A configuration comes from JSON: anything may stand there."""
    with pytest.raises(BadUsage, match=f"is a {type(code).__name__}|a {type(code).__name__} is not a model"):
        validate({"extraction_model_code": code}, load(small))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense", "not TOML"),
        (SMALL.replace("3.5", "inf"), "not in order: cannot convert float infinity to integer"),
        (
            "[models.A]\nprovider = 'x'\n[defaults]\nconversation = 'A'\nextraction = 'A'\n",
            "not in order: 'p95_s'",
        ),
        (SMALL.replace('extraction = "QUICK"', 'extraction = "GONE"'), "use one of: QUICK, SLOW"),
        (SMALL.replace("2.0", "0"), "above 0"),
    ],
)
def test_registry_that_is_not_in_order_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """A default that is not in the registry would be the report's own mistake once more."""
    file = tmp_path / "models.toml"
    file.write_text(text)

    with pytest.raises(BadUsage, match=said):
        load(file)


def test_registry_of_ones_own_is_named_by_the_environment(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GUARD_MODELS replaces the file that comes along; a missing one is told."""
    monkeypatch.setenv("GUARD_MODELS", str(small))
    assert ["QUICK", "SLOW"] == list(load().models)

    monkeypatch.setenv("GUARD_MODELS", str(small / "gone"))
    with pytest.raises(BadUsage, match="cannot be read"):
        load()


def test_check_names_the_configured_pair_first_and_lists_all(small: Path) -> None:
    """The verdict is the first line; each pair stands below with its sum, by whether it fits."""
    done = guard("--registry", str(small))
    lines = done.stdout.splitlines()

    assert 0 == done.exit_code
    assert "SLOW + QUICK fits: 12.0 + 3.5 + 5.0 = 20.5 s of 30 s, declared p95" == lines[0]
    assert [
        "QUICK +",
        "  fits      QUICK 10.5, SLOW 27.0",
        "SLOW +",
        "  fits      QUICK 20.5",
        "  too long  SLOW 37.0",
    ] == lines[3:]


def test_check_of_a_pair_that_does_not_fit_ends_with_1(small: Path) -> None:
    """The pair asked for decides the exit code, and another gateway's limit the verdict."""
    slow = guard("--registry", str(small), "--conversation", "SLOW", "--extraction", "SLOW")

    assert (1, "SLOW + SLOW does not fit: 12.0 + 20.0 + 5.0 = 37.0 s of 30 s, declared p95") == (
        slow.exit_code,
        slow.stdout.splitlines()[0],
    )
    assert (
        0 == guard("--registry", str(small), "--extraction", "SLOW", "--gateway-limit-ms", "37000").exit_code
    )
    assert 1 == guard("--registry", str(small), "--margin-s", "14", "--gateway", "rest").exit_code


def test_check_in_json(small: Path) -> None:
    """Every figure of the text, in seconds, and which pair was asked for."""
    done = guard("--registry", str(small), "--format", "json")
    answer = json.loads(done.stdout)

    asked = {
        "conversation": "SLOW",
        "extraction": "QUICK",
        "conversation_p95_s": 12.0,
        "extraction_p95_s": 3.5,
        "total_s": 20.5,
        "fits": True,
    }
    assert asked == answer["asked"]
    assert (30.0, 5.0, "small.toml") == (answer["limit_s"], answer["margin_s"], answer["registry"])
    assert 4 == len(answer["pairs"])


def test_check_of_an_unknown_code_ends_with_2_and_lists_the_codes(small: Path) -> None:
    """A code that is none is a wrong question."""
    done = guard("--registry", str(small), "--extraction", "QICK")

    assert (2, "") == (done.exit_code, done.stdout)
    assert "guard: 'QICK' is not a model of small.toml; use one of: QUICK, SLOW" == done.stderr.strip()
