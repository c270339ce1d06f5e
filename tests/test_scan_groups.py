"""guard scan by user and tenant, what throttled, and what stands in a folder beside its logs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli
from incidents.paths import NO_LOGS
from incidents.scan.groups import grouped
from tests.cloudwatch_logs.server import serving
from tests.cloudwatch_logs.store import Store
from tests.logs import GROUP, OTHER_SESSION, SESSION, A, B, C, events, file_of, said
from tests.test_scan import WANTED, alone, found, turn

__all__ = ["alone"]

TENANT, OTHER_TENANT = (f"{letter * 8}-2222-4222-8333-444444444444" for letter in "de")
MAIL = "ann@example.com"
D = A.replace("a", "d")
WHEN = ("--since", "2026-02-09T23:00Z", "--until", "2026-02-10T00:00Z")


def guard(*words: str) -> Result:
    return CliRunner().invoke(cli.main, ["scan", *words], prog_name="guard")


def slow(at: float, request: str, took: float, session: str | None, **fields: str) -> list[Any]:
    line = said("coaching_sessions.send_message", session, **fields)
    return [row if "send_message" not in row[1] else (row[0], line) for row in turn(at, request, took)]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Two sessions of a tenant, one of another that is worse, one of nobody; users by e-mail."""
    rows = [
        *slow(0, A, 26, SESSION, tenant_id=TENANT, user_id=MAIL),
        *slow(100, B, 27, OTHER_SESSION, tenant_id=TENANT),
        *slow(200, C, 40, "sess_3", tenantId=OTHER_TENANT, userId="bob@example.com"),
        *slow(300, D, 31, "sess_4"),
    ]
    return str(file_of(tmp_path, events(*rows)))


def test_cases_are_grouped_by_tenant(path: str) -> None:
    """The tenant with the worst case first; what names none last, however bad."""
    groups = grouped(found(path).cases, "tenant")

    assert [OTHER_TENANT, TENANT, None] == [group.name for group in groups]
    assert [["sess_3"], [OTHER_SESSION, SESSION], ["sess_4"]] == [
        [case.session_id for case in group.cases] for group in groups
    ]


def test_a_line_of_another_session_names_nobody(tmp_path: Path) -> None:
    """In a body or a log of others, another session's tenant stands in the request's own lines."""
    rows = slow(0, A, 26, SESSION)
    rows.insert(2, (0.2, said("coaching_sessions.list", OTHER_SESSION, tenant_id=OTHER_TENANT)))
    scan = found(str(file_of(tmp_path, events(*rows))))

    assert [None] == [group.name for group in grouped(scan.cases, "tenant")]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("by", ["user", "tenant", "session"])
def test_no_address_is_printed(path: str, by: str, form: str) -> None:
    """Who is known by an e-mail address is told by its length; who by a UUID by that."""
    result = guard("--logs", path, "--by", by, "--format", form)

    assert (0, False) == (result.exit_code, "@example.com" in result.output)
    assert (by == "tenant") is (TENANT in result.output)


@pytest.mark.parametrize("session", [MAIL, "AKIAABCDEFGHIJKLMNOP"])
def test_what_is_no_id_is_not_printed_in_the_place_of_one(tmp_path: Path, session: str) -> None:
    """An address is no ID to us; a key that looks like one is hidden as everywhere."""
    path = str(file_of(tmp_path, events(*slow(0, A, 26, session))))

    for form in ("text", "json"):
        assert session not in guard("--logs", path, "--format", form).stdout


def test_the_text_has_a_line_for_each_group(path: str) -> None:
    """With how much it was hit; and one for those that name none."""
    lines = guard("--logs", path, "--by", "user").stdout.splitlines()

    assert [
        "user ...(15 chars): 1 session, 1 request; outlived-gateway",
        "user ...(15 chars): 1 session, 1 request; near-gateway-limit",
        "user: none in the lines of 2 sessions, 2 requests",
    ] == [line for line in lines if line.startswith("user")]
    assert 4 == sum("guard trace --session" in line for line in lines)


def test_most_counts_sessions_over_all_groups(path: str) -> None:
    """What is left out is told."""
    text = guard("--logs", path, "--by", "tenant", "--most", "2").stdout

    assert 2 == text.count("guard trace --session")
    assert "and 2 more sessions (--most 4)" in text


def test_the_document_has_groups_beside_its_cases(path: str) -> None:
    """Cases stay as they are; each group names its sessions."""
    plain, told = (
        json.loads(guard("--logs", path, "--format", "json", "--by", by).stdout)
        for by in ("session", "tenant")
    )
    groups = told["groups"]

    assert ([], plain["cases"], "tenant") == (plain["groups"], told["cases"], told["by"])
    assert [OTHER_TENANT, TENANT, None] == [group["name"] for group in groups]
    assert [OTHER_SESSION, SESSION] == groups[1]["sessions"]


DOCUMENT = {
    "schema": 0,
    "requests": 0,
    "past": {"warning": 0, "critical": 0, "limit": 0, "refused": 0},
    "per_minute": {"at": 0, "requests": 0},
    "throttled_lines": 0,
    "by": 0,
    "groups": {"name": 0, "severity": 0, "rules": 0, "requests": 0, "sessions": 0},
    "cases": {
        "session_id": 0,
        "severity": 0,
        "rules": 0,
        "longest_ms": 0,
        "requests": {"request_id": 0, "start": 0, "duration_ms": 0, "client_status": 0, "route": 0},
        "next_command": 0,
    },
    "left_out": 0,
    "unjudged": 0,
    "sources": 0,
    "complete": 0,
    "bytes_scanned": 0,
    "skipped": 0,
}


def shape(value: Any, deep: Any) -> Any:
    """The keys of a document, of lists those of their first element."""
    if not isinstance(deep, dict):
        return 0
    value = value[0] if isinstance(value, list) else value
    return {key: shape(each, deep.get(key)) for key, each in value.items()}


def test_the_documents_keys_are_those_that_are_documented(path: str) -> None:
    """A consumer may rely on each of them, and finds them all in docs/live.md."""
    told = json.loads(guard("--logs", path, "--format", "json", "--by", "tenant").stdout)

    assert "guard.scan/1" == told["schema"]
    assert DOCUMENT == shape(told, DOCUMENT)
    page = Path(__file__).resolve().parent.parent / "docs" / "live.md"
    if page.exists():  # beside the built package there are no docs
        assert [] == [key for key in keys_of(DOCUMENT) if f"`{key}`" not in page.read_text("utf-8")]


def keys_of(deep: Any) -> list[str]:
    inner = [key for each in deep.values() if isinstance(each, dict) for key in keys_of(each)]
    return [*deep, *inner]


# --- throttling -------------------------------------------------------------------------------------

THROTTLED = "WARNING: 2026-02-09T23:48:01.000000Z [warning  ] bedrock.retry [coaching.src.llm] attempt=2"
DECOY = "DEBUG: Event needs-retry.bedrock-runtime.Converse: ThrottlingException"


def quick_and_throttled() -> list[Any]:
    return events(
        *turn(0, A, 2, (0.5, said("coaching_sessions.x")), (1, THROTTLED)),
        *turn(100, B, 2, (101, DECOY)),
        ids=[f"{number:056d}" for number in range(11)],
    )


def test_throttling_in_quick_requests_is_found_where_it_is_asked_for(tmp_path: Path) -> None:
    """It costs half of the pass again, so saved logs are not searched for it unasked."""
    path = str(file_of(tmp_path, quick_and_throttled()))
    plain = json.loads(guard("--logs", path, "--format", "json").stdout)
    told = json.loads(guard("--logs", path, "--format", "json", "--throttled").stdout)

    assert (None, []) == (plain["throttled_lines"], plain["cases"])
    assert (1, [["llm-throttled"]]) == (told["throttled_lines"], [case["rules"] for case in told["cases"]])
    assert ", 1 line of throttling" in guard("--logs", path, "--throttled").stdout
    assert "with --throttled it is everywhere" in guard("--logs", path).stdout


def test_throttling_between_requests_makes_no_answer_incomplete(tmp_path: Path) -> None:
    """It may be met in no request at all; only where none is near could nothing be judged."""
    wanted = replace(WANTED, throttled=True)
    near, far = (events(*turn(0, A, 31), (31 + later, THROTTLED)) for later in (10, 400))
    scans = [found(str(file_of(tmp_path, each)), wanted=wanted) for each in (near, far)]

    assert [(1, 0), (1, 1)] == [(scan.past["throttled"], scan.unjudged) for scan in scans]


@pytest.mark.usefixtures("alone")
def test_throttling_in_quick_requests_is_found_live() -> None:
    """Insights is paid for by the bytes that it scans, so there it is always looked for."""
    store = Store()
    store.add_events(quick_and_throttled())
    with serving(store) as fake:
        where = ("--log-group", GROUP, "--endpoint-url", fake.url, "--region", "us-east-1", *WHEN)
        told = json.loads(guard(*where, "--format", "json").stdout)

    assert (1, [["llm-throttled"]]) == (told["throttled_lines"], [case["rules"] for case in told["cases"]])
    assert [A] == [each["request_id"] for case in told["cases"] for each in case["requests"]]


# --- folders ----------------------------------------------------------------------------------------

PAGE = "# What these are\n\nLogs of the incident.\n" * 30


def folder(tmp_path: Path) -> Path:
    held = tmp_path / "saved"
    held.mkdir()
    (held / "README.md").write_text(PAGE)
    file_of(held, events(*turn(0, A, 31)))
    return held


def page_of(*paths: str) -> dict[str, Any]:
    """What guard trace says of the page among its sources."""
    words = ["trace", "--request", A, "--format", "json", "--logs", *paths]
    sources = json.loads(CliRunner().invoke(cli.main, words).stdout)["sources"]
    [page] = [each for each in sources if each["name"].endswith("README.md")]
    told: dict[str, Any] = page
    return told


def test_a_page_in_a_folder_of_logs_is_left_out_in_one_line(tmp_path: Path) -> None:
    """Nobody named it: that it is no log is said once, and the answer is complete."""
    held = folder(tmp_path)
    result, page = guard("--logs", str(held)), page_of(str(held))

    assert (0, 1) == (result.exit_code, result.stdout.count("README.md"))
    assert f"README.md: {NO_LOGS}" in result.stdout
    assert (1, [NO_LOGS]) == (page["skipped_count"], [each["reason"] for each in page["skipped"]])


def test_a_page_that_is_named_is_read_line_by_line(tmp_path: Path) -> None:
    """Whoever names a file thinks that it is a log; also where its folder is named beside it."""
    held = folder(tmp_path)

    assert page_of(str(held / "README.md"), str(held))["skipped_count"] > 1
    assert page_of(str(held), str(held / "README.md"))["skipped_count"] > 1
    assert len(found(str(held / "README.md"), wanted=WANTED).skips) > 1


def test_a_log_in_a_folder_keeps_its_odd_lines(tmp_path: Path) -> None:
    """What holds a single event is a log."""
    held = folder(tmp_path)
    (held / "README.md").write_text(f"{PAGE}2026-02-09T23:48:00.000Z START RequestId: {B} Version: 1\n{PAGE}")

    assert NO_LOGS not in [each["reason"] for each in page_of(str(held))["skipped"]]
