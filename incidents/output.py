"""Where an answer goes: a terminal, a pipe or a file, each in what it can show."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from guards.errors import BadUsage


def terminal() -> dict[str, Any]:
    """What standard output can show, by the names of ``incidents.views.Options``. BadUsage: there is none."""
    import shutil

    stdout, size = _stdout(), shutil.get_terminal_size()
    interactive = stdout.isatty()
    return {
        "columns": _readable(size.columns),
        "rows": size.lines if interactive else None,
        "color": interactive and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb",
        # Under LC_ALL=C Python says UTF-8 all the same: https://peps.python.org/pep-0540/
        "ascii": "utf" not in (stdout.encoding or "").lower() or os.environ.get("LC_ALL") in ("C", "POSIX"),
        **timezone(),
    }


def timezone() -> dict[str, Any]:
    """The zone of this machine, by the name of ``incidents.views.Options``; None where it is UTC."""
    from datetime import datetime, timedelta

    here = datetime.now().astimezone()
    return {"timezone": here.tzinfo if here.utcoffset() != timedelta(0) else None}


def sentence(lead: str, text: str) -> str:
    """A lead and a clean sentence for standard error: on a terminal broken between words, else one line."""
    if sys.stderr is None or not sys.stderr.isatty():
        return lead + text
    from incidents.display import hung

    said = text.lstrip(" ")
    return "\n".join(hung(lead + " " * (len(text) - len(said)), said, _columns_of(sys.stderr)))


def _columns_of(stream: TextIO) -> int:
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except OSError:  # says that it is a terminal, and is none
        columns = 0
    return _readable(columns or 80)


def _readable(columns: int) -> int:
    """Neither too narrow for a table nor too wide for eyes."""
    return max(40, min(columns, 200))


def put(text: str, format_: str) -> None:
    """Print a document. Raises BadUsage where that cannot be; a pipe that has closed saw enough."""
    stdout = _stdout()
    encoding = stdout.encoding or "utf-8"
    if "utf" not in encoding.lower():
        text = in_ascii(text, format_)
    try:
        stdout.write(text.encode(encoding, "replace").decode(encoding))
        stdout.flush()
    except OSError as error:
        # Python's own flush at exit must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        # `guard trace ... | head -1` has seen enough: the answer is what it is.
        if not isinstance(error, BrokenPipeError):
            raise _unwritable("standard output", error) from error


def in_ascii(text: str, format_: str) -> str:
    r"""The same document in ASCII, escaped as its format allows, so that nothing is lost.

    >>> print(in_ascii("müde", "html"), in_ascii('"müde"', "json"), in_ascii("müde", "text"))
    m&#252;de "m\u00fcde" m\xfcde
    """
    if format_ in ("html", "markdown"):
        return text.encode("ascii", "xmlcharrefreplace").decode()
    if format_ != "text":
        import json
        import re

        return re.sub("[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)
    return text.encode("ascii", "backslashreplace").decode()


def write(path: str, text: str) -> None:
    """Write a document to a file. Raises BadUsage where it cannot be."""
    try:
        with open(path, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(what: str, error: OSError) -> BadUsage:
    return BadUsage(f"{what} cannot be written: {error.strerror}", hint="choose another -o FILE")


def _stdout() -> TextIO:
    if sys.stdout is None:
        raise BadUsage("there is no standard output", hint="use -o FILE")
    return sys.stdout
