"""Every form in which CloudWatch logs are saved, recognised by content and read as events.

>>> form = recognise(b"2026-03-17T14:05:03.250000+00:00 stream START", None)
>>> [event] = form.events([b"2026-03-17T14:05:03.250000+00:00 stream START\\n"], Origin("tail.txt", None))
>>> event.log_stream, event.message, event.place
('stream', 'START', 'tail.txt:1')
"""

from __future__ import annotations

from incidents.forms.base import Form, Origin
from incidents.forms.ndjson import NDJSON, looks_like_ndjson

__all__ = ["NDJSON", "Form", "Origin", "recognise"]


def recognise(head: bytes, path: str | None) -> Form:
    """The form of the file that begins with ``head``; never fails: the last resort is bare Lambda lines.

    >>> recognise(b'{"timestamp": 1770680888688, "message": "START"}\\n', None).name
    'NDJSON of events'
    """
    if looks_like_ndjson(head):
        return NDJSON
    from incidents.forms import recognition  # here: a large NDJSON file needs no other form's module

    return recognition.recognise(head, path)
