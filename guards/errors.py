"""The errors of coaching-guard.

Every error says what happened, to what, and what to do next, and carries the
exit code that the command ``guard`` ends with::

    GuardError            1   the root: catch this one
    ├── BadUsage          2   the question itself is off (an ID that is none, an unknown format)
    ├── NothingMatched    3   the sources were read and hold no answer
    │   └── NothingMatchedYet  5   ... as far as they could be read
    ├── SourceFailed      4   a source failed and nothing could be read from it
    ├── MissingExtra      2   a part is not installed; names the one command that installs it
    └── RecordTooLarge    1   a record cannot be cut down to the size that CloudWatch keeps whole
"""

from __future__ import annotations

_NAME = "coaching-guard"


class GuardError(Exception):
    """What happened, to what, and what to do next, in one text.

    >>> error = GuardError("no log file matches 'x*.gz'", hint="check the path")
    >>> print(error)
    no log file matches 'x*.gz'; check the path
    """

    exit_code = 1

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what if hint is None else f"{what}; {hint}")
        self.what = what
        self.hint = hint


class BadUsage(GuardError):
    """The question itself is off: nothing was read."""

    exit_code = 2


class NothingMatched(GuardError):
    """The sources were read and hold no answer to the question."""

    exit_code = 3


class NothingMatchedYet(NothingMatched):
    """The part of the sources that could be read holds no answer to the question."""

    exit_code = 5


class SourceFailed(GuardError):
    """A source failed before anything could be read from it."""

    exit_code = 4

    def __init__(self, what: str, *, source: str, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.source = source
        """The name of the source."""

    @classmethod
    def of_file(cls, name: str, error: OSError) -> SourceFailed:
        """What a file is called that cannot be opened or read at all.

        >>> print(SourceFailed.of_file("app.log", PermissionError(13, "Permission denied")))
        app.log cannot be read: Permission denied; check that it is a file that you may read
        """
        what = f"{name} cannot be read: {error.strerror or error}"
        return cls(what, source=name, hint="check that it is a file that you may read")


class MissingExtra(GuardError, ImportError):
    """A part that the user asked for is not installed.

    >>> print(MissingExtra("reading zstd", extra="fast"))  # doctest: +ELLIPSIS
    reading zstd needs an extra that is not installed; run: pip install '...[fast]'
    """

    exit_code = 2

    def __init__(self, what: str, *, extra: str) -> None:
        super().__init__(
            f"{what} needs an extra that is not installed",
            hint=f"run: {install_command(extra)}",
        )


def install_command(extra: str) -> str:
    """The command that installs an extra from where the package itself came: a folder, else by its name."""
    return f"pip install '{_source()}[{extra}]'"


def _source() -> str:
    """The folder that the package was installed from; its name where it came from anywhere else.

    What pip notes of it: https://packaging.python.org/specifications/direct-url/
    """
    # Only who lacks an extra waits for these imports.
    import json
    import os
    from importlib.metadata import PackageNotFoundError, distribution
    from urllib.parse import unquote, urlsplit

    try:
        told = json.loads(distribution(_NAME).read_text("direct_url.json") or "{}")
        url = urlsplit(told["url"])
        folder = unquote(url.path)
    except (PackageNotFoundError, OSError, ValueError, LookupError, TypeError, AttributeError):
        return _NAME
    is_ours = url.scheme == "file" and "vcs_info" not in told and os.path.isdir(folder)
    return folder if is_ours and folder.isprintable() and "'" not in folder else _NAME


class RecordTooLarge(GuardError):
    """A record does not fit the size that the contract allows."""
