"""The files that paths, folders and patterns name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

from guards.errors import BadUsage

STANDARD_INPUT = "-"

NO_LOGS = "holds no log lines, left out"
"""What is said, once, of a file that was found in a folder and is no log at all."""


class InFolder(str):
    """A path that nobody named: it stood in a folder that was."""

    __slots__ = ()


def find_files(paths: Sequence[str]) -> list[str]:
    """The files that paths, folders and patterns name, in order, each once; ``-`` is standard input.

    Raises BadUsage where one names nothing.
    """
    found: dict[str, str] = {}
    for path in paths:
        names = [path] if path == STANDARD_INPUT else sorted(_expand(path))
        if not names:
            raise BadUsage(f"no log file at {path!r}", hint="name a file, a folder or a pattern")
        found.update((name, name) for name in names if not isinstance(name, InFolder) or name not in found)
    return list(found.values())


def _expand(path: str) -> Iterable[str]:
    if os.path.isdir(path):
        return _inside(path)
    if os.path.exists(path):
        return [path]
    import glob

    # Log streams have [$LATEST] in their names: a pattern is tried where no file is named so, first with the
    # brackets as they are meant in patterns, then as they stand in names.
    found = glob.glob(path, recursive=True) or glob.glob(path.replace("[", "[[]"), recursive=True)
    return [each for each in found if os.path.isfile(each)]


def _inside(folder: str) -> Iterator[str]:
    """The files in a folder, and those folders in it that cannot be read, so that this is told."""
    refused: list[str] = []
    for inner, folders, names in os.walk(folder, onerror=lambda error: refused.append(error.filename)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (os.path.join(inner, name) for name in names if not name.startswith("."))
        # A pipe or a socket among the files would wait for ever; a broken link is told when it is read.
        yield from (InFolder(path) for path in paths if os.path.isfile(path) or not os.path.exists(path))
    yield from refused
