"""The usual end of a request, read from the bytes of its line: how long it took, and when it ended.

What says more than that, or says it otherwise, is not usual: it is read as an event, key by key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

FIRST_MS: Final = 1_388_534_400_000
END_MS: Final = 4_102_444_800_000
"""Times that an event may have, as `incidents.forms.times` takes them."""

_WHOLE: Final = rb"(?:0|[1-9][0-9]{0,18})(?![0-9.eE])"
_MS: Final = rb"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,3})?"
# An attribute of the object that the line is, but for the two that count: a plain text or a whole number.
_OTHER: Final = rb'"(?!message"|timestamp")[^"\\]*+" *+: *+(?:"[^"\\]*+"|' + _WHOLE + rb")"
_NEXT: Final = rb" *+, *+"
_AT: Final = rb'"timestamp" *+: *+([1-9][0-9]{12})(?![0-9.eE])'

# ~ stands for what separates the parts: a tab, as JSON writes it, or a space.
_TEXT: Final = (
    rb'"REPORT RequestId: [0-9a-f-]{36}~Duration: (' + _MS + rb") ms~Billed Duration: " + _MS + rb" ms"
    rb"~Memory Size: [0-9]{1,6} MB~Max Memory Used: [0-9]{1,6} MB(?:~Init Duration: (" + _MS + rb") ms)?"
    rb"~*+(?:\\n)?"
    rb"(?:XRAY TraceId: [0-9a-f-]{1,64}~SegmentId: [0-9a-f]{1,32}(?:~Sampled: (?:true|false))?~*+(?:\\n)?)?"
    rb'"'
).replace(b"~", rb"(?:\\t| )")
# ' stands for a quote within the message.
_JSON: Final = (
    rb"\"\{'time':'[0-9TZ:.-]{20,32}','type':'platform\.report','record':\{'requestId':'[0-9a-f-]{36}',"
    rb"'metrics':\{'durationMs':(" + _MS + rb"),'billedDurationMs':" + _MS + rb","
    rb"'memorySizeMB':[1-9][0-9]{0,5},'maxMemoryUsedMB':[1-9][0-9]{0,5}"
    rb"(?:,'initDurationMs':(" + _MS + rb"))?\},'status':'success'\}\}(?:\\n)?\""
).replace(b"'", rb'\\"')


def _lines() -> tuple[re.Pattern[bytes], ...]:
    """Whole lines in either format, with the time before the message or after it."""
    before, after = rb"(?:" + _OTHER + _NEXT + rb")*+", rb"(?:" + _NEXT + _OTHER + rb")*+"
    messages = [rb'"message" *+: *+' + says for says in (_TEXT, _JSON)]
    orders = [(_AT, says) for says in messages] + [(says, _AT) for says in messages]
    return tuple(
        re.compile(rb"\{ *+" + before + first + _NEXT + before + second + after + rb" *+\}[ \r]*+")
        for first, second in orders
    )


_LINES: Final = _lines()


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual: a request shorter than a mark."""

    below_ms: float
    since_ms: int = FIRST_MS
    """The first millisecond that is asked for ..."""
    until_ms: int = END_MS
    """... and the first one that is not."""

    @classmethod
    def of(cls, mark: timedelta, since: datetime | None, until: datetime | None) -> Usual:
        """Requests shorter than the mark, that ended no earlier and no later than asked for.

        >>> Usual.of(timedelta(seconds=25), None, datetime(2026, 2, 9, tzinfo=UTC)).until_ms
        1770595200001
        """
        day = timedelta(days=1)
        return cls(
            min(mark, day) / timedelta(milliseconds=1),
            FIRST_MS if since is None else max(FIRST_MS, -(-_micros(since) // 1000)),
            END_MS if until is None else min(END_MS, _micros(until) // 1000 + 1),
        )

    def minute(self, line: bytes) -> int | None:
        """The minute in which a usual request ended, since 1970: -1 outside the time asked for.

        None where the line is not a usual one.
        """
        for number, pattern in enumerate(_LINES):
            if (found := pattern.fullmatch(line)) is not None:
                at, took, init = found.groups() if number < 2 else (found[3], found[1], found[2])
                break
        else:
            return None
        # A millisecond of room: the sum of two fractions may be off by less than that.
        if float(took) + float(init or 0) >= self.below_ms - 1:
            return None
        ms = int(at)
        if not FIRST_MS <= ms < END_MS:
            return None
        return ms // 60_000 if self.since_ms <= ms < self.until_ms else -1


def _micros(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
