"""What runs inside the Lambda: phases, the deadline, the roots of requests; and what all else shares with it.

Importing this package imports nothing beyond the standard library.

>>> import guards
>>> issubclass(guards.GuardError, Exception)
True
"""

from __future__ import annotations

from guards.deadline import Deadline
from guards.errors import GuardError
from guards.handler import guard_handler
from guards.middleware import GuardMiddleware
from guards.phases import phase
from guards.request import bind, deadline

__version__ = "0.1.0"

__all__ = [
    "Deadline",
    "GuardError",
    "GuardMiddleware",
    "__version__",
    "bind",
    "deadline",
    "guard_handler",
    "phase",
]
