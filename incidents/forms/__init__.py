"""Every form in which CloudWatch logs are saved, recognised by content and read as events.

>>> form = recognise(b"2026-03-17T14:05:03.250000+00:00 stream START", None)
>>> [event] = form.events([b"2026-03-17T14:05:03.250000+00:00 stream START\\n"], Origin("tail.txt", None))
>>> event.log_stream, event.message, event.place
('stream', 'START', 'tail.txt:1')
"""

from incidents.forms.base import Form, Origin
from incidents.forms.recognition import FORMS, recognise

__all__ = ["FORMS", "Form", "Origin", "recognise"]
