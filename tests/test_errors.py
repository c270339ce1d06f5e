"""What an error tells to do works where the package was installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import guards
from guards.errors import MissingExtra, install_command

BY_NAME = "pip install 'coaching-guard[aws]'"


def installed(place: Path, told: str | None) -> None:
    """The package as pip leaves it, with its note of where it came from."""
    info = place / "coaching_guard-9.9.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: coaching-guard\nVersion: 9.9\n")
    if told is not None:
        (info / "direct_url.json").write_text(told)


@pytest.mark.parametrize("editable", [True, False])
def test_an_extra_comes_from_the_folder_that_the_package_came_from(tmp_path, monkeypatch, editable):
    """No index needs to have the package: the folder is named, also one with a space in its name."""
    folder = tmp_path / "my checkout"
    folder.mkdir()
    told = {"url": folder.as_uri(), "dir_info": {"editable": editable}}
    installed(tmp_path / "site", json.dumps(told))
    monkeypatch.syspath_prepend(tmp_path / "site")

    assert f"pip install '{folder}[aws]'" == install_command("aws")
    assert str(MissingExtra("x", extra="aws")).endswith(f"run: pip install '{folder}[aws]'")


@pytest.mark.parametrize(
    "told",
    [
        None,
        "no JSON",
        "[]",
        '{"url": 1}',
        '{"url": "file:///no/such/folder", "dir_info": {}}',
        '{"url": "https://example.com/coaching-guard.tar.gz", "archive_info": {}}',
        '{"url": "file://%s", "vcs_info": {"vcs": "git", "commit_id": "1"}}',
        '{"url": "file://%s/a.whl", "archive_info": {}}',
        '{"url": "file://%s/it\'s", "dir_info": {}}',
        '{"url": "file://[", "dir_info": {}}',
    ],
)
def test_an_extra_comes_by_name_where_the_package_came_from_no_folder(tmp_path, monkeypatch, told):
    """From an index, an archive, a repository, or nobody knows: and a note that is none breaks nothing."""
    (tmp_path / "it's").mkdir()
    (tmp_path / "a.whl").touch()
    installed(tmp_path / "site", told and told.replace("%s", str(tmp_path)))
    monkeypatch.syspath_prepend(tmp_path / "site")

    assert BY_NAME == install_command("aws")


def test_errors_are_imported_without_what_reads_packages():
    """Only who lacks an extra waits for importlib.metadata."""
    place = str(Path(guards.__file__).parents[1])
    code = (
        f"import sys; sys.path.insert(0, {place!r}); import guards.errors as e; "
        "before = 'importlib.metadata' in sys.modules; e.install_command('aws'); "
        "print(before, 'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=60
    )

    assert "False True" == done.stdout.strip()
