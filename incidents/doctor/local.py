"""What can be told without asking anybody: installed packages, boto3, the Node for CDK."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

import guards
from alarms.node import OLDEST, node_in_use
from guards.errors import install_command
from incidents.doctor.check import Check, failed, ok, skipped, warning

OURS: Final = "coaching-guard"
NAMES: Final = ("guards", "alarms", "dashboards", "incidents", "cli")
"""The names that we are imported by."""


def local_checks() -> Iterator[Check]:
    """All of them."""
    yield packages(distributions())
    yield aws_extra()
    yield cdk_node()


def packages(installed: Iterable[Distribution]) -> Check:
    """Whether our names are ours: as they are imported here, and in what is installed."""
    for name in NAMES:
        origin = _origin(name)
        if origin is not None and _home() not in origin.parents:
            fix = f"take it off the path, or run: {sys.executable} -m pip install --force-reinstall {OURS}"
            return failed("packages", name, f"`import {name}` gives {origin}, which is not ours", fix)
    for one in installed:
        clash = sorted(_top_level(one) & set(NAMES))
        if clash and _name(one) != OURS:
            said = f"the distribution {_name(one)} brings {', '.join(clash)} too: one overwrites the other"
            fix = f"run: pip uninstall {_name(one)}; then reinstall {OURS}"
            return failed("packages", _name(one), said, fix)
    return ok("packages", None, f"{OURS} {guards.__version__} in {_home()}; nobody else has its names")


def aws_extra() -> Check:
    """Whether boto3 is there."""
    if importlib.util.find_spec("boto3") is None:
        fix = f"for live logs run: {install_command('aws')}"
        return warning("aws-extra", None, "boto3 is not installed: saved logs only", fix)
    return ok("aws-extra", None, "boto3 is installed")


def cdk_node() -> Check:
    """Whether aws_cdk, where it is installed, finds a Node that it runs in."""
    if importlib.util.find_spec("aws_cdk") is None:
        fix = f"for guard alarms synth run: {install_command('cdk')}"
        return skipped("cdk-node", fix, "aws_cdk is not installed")
    fix = f"run: {install_command('cdk')}, which brings one, or let JSII_NODE name Node {OLDEST} or newer"
    node = node_in_use()
    if node is None:
        return failed("cdk-node", None, "aws_cdk is installed, and there is no Node", fix)
    version = _version(node)
    if version is None:
        return failed("cdk-node", node, "it does not tell its version", fix)
    if int(version.partition(".")[0]) < OLDEST:
        return warning("cdk-node", node, f"Node {version} is older than {OLDEST}, jsii's oldest", fix)
    return ok("cdk-node", node, f"Node {version}")


def _version(node: str) -> str | None:
    try:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.fullmatch(r"v(\d+\.[\d.]+)\S*", done.stdout.strip())
    return found[1] if found else None


def _home() -> Path:
    """Where our packages stand side by side."""
    return Path(guards.__file__).resolve().parents[1]


def _origin(name: str) -> Path | None:
    found = importlib.util.find_spec(name)
    return Path(found.origin).resolve() if found is not None and found.origin else None


def _name(one: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", str(one.metadata["Name"])).lower()


def _top_level(one: Distribution) -> set[str]:
    """The names that a distribution is imported by, from its list of files."""
    files = one.files or ()
    return {file.parts[0].removesuffix(".py") for file in files if file.suffix == ".py"}
