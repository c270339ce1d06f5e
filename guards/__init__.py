"""What runs inside the Lambda, and the names, limits and records that everything else shares with it.

Importing this package imports nothing beyond the standard library.

>>> import guards
>>> issubclass(guards.GuardError, Exception)
True
"""

from __future__ import annotations

from guards.errors import GuardError

__version__ = "0.1.0"

__all__ = ["GuardError", "__version__"]
