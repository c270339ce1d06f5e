"""What is wrong with a filter pattern, where, and what to write instead."""

from __future__ import annotations

from guards.errors import BadUsage


class FilterPatternError(BadUsage):
    """CloudWatch Logs would refuse this pattern.

    >>> print(FilterPatternError("it ends inside a quoted phrase", at=4, hint='add the closing "'))
    at character 5 of the filter pattern: it ends inside a quoted phrase; add the closing "
    """

    def __init__(self, what: str, *, at: int, hint: str) -> None:
        super().__init__(f"at character {at + 1} of the filter pattern: {what}", hint=hint)
        self.at = at
        """Index into the pattern, from 0."""
