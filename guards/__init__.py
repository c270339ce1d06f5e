"""What runs inside the Lambda: phases, the deadline, the roots of requests; and what all else shares with it.

Importing this package imports nothing beyond the standard library, and each name only what it needs: who
wants the errors or the limits alone does not load what times a handler.

>>> import guards
>>> issubclass(guards.GuardError, Exception)
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from guards.errors import GuardError

if TYPE_CHECKING:
    from guards.deadlines import Deadline
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

_HOMES = {
    "Deadline": "guards.deadlines",
    "GuardMiddleware": "guards.middleware",
    "bind": "guards.request",
    "deadline": "guards.request",
    "guard_handler": "guards.handler",
    "phase": "guards.phases",
}


def __getattr__(name: str) -> object:
    """A name from its module, which is imported when the name is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'guards' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
