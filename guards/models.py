"""Which models there are, how long they take, and whether two of them fit one request.

>>> from guards.limits import GATEWAY_LIMITS
>>> registry = load()
>>> registry.pair("CLAUDE_3_5_SONNET_V2", "CLAUDE_3_5_HAIKU").fits(GATEWAY_LIMITS["http"])
True
>>> registry.pair("CLAUDE_3_5_SONNET_V2", "CLAUDE_3_5_SONNET_V2").fits(GATEWAY_LIMITS["http"])
False
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from guards.errors import BadUsage
from guards.names import CONVERSATION, EXTRACTION
from guards.safe import model_name
from guards.tally import Tally

VARIABLE: Final = "GUARD_MODELS"
"""The environment's variable that names a registry of one's own."""
MARGIN: Final = timedelta(seconds=5)
"""For the rest of a request: its session's load and save, the prompt, the answer."""
SETTING: Final = "conversation_config.extraction_model_code"

fell_back: Final = Tally()
"""How many times a configured extraction model was not in the registry, since the last take()."""

_log: Final = logging.getLogger("guards.models")
_PHASES: Final = (CONVERSATION, EXTRACTION)


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the registry."""

    code: str
    provider: str
    p95: Mapping[str, timedelta]
    """By phase, conversation or extraction: 95 of 100 calls stay below. As declared."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The two models of a final turn that converses and extracts in one request."""

    conversation: Model
    extraction: Model
    margin: timedelta = MARGIN

    @property
    def total(self) -> timedelta:
        """Both p95 and the margin."""
        return self.conversation.p95[CONVERSATION] + self.extraction.p95[EXTRACTION] + self.margin

    def fits(self, limit: timedelta) -> bool:
        """Whether the request should be over before the gateway gives up."""
        return self.total <= limit


@dataclass(frozen=True, slots=True)
class Registry:
    """All models, and which two are meant where none is named."""

    models: Mapping[str, Model]
    conversation: str
    """The default's code."""
    extraction: str
    """The default's code."""
    source: str
    """The file."""

    def model(self, code: str) -> Model:
        """The model of a code. Raises BadUsage, which lists the codes there are."""
        if code not in self.models:
            raise unknown(code, self)
        return self.models[code]

    def pair(self, conversation: str, extraction: str, margin: timedelta = MARGIN) -> Pair:
        """Two models by their codes. Raises BadUsage for a code that is none."""
        return Pair(self.model(conversation), self.model(extraction), margin)

    def pairs(self, margin: timedelta = MARGIN) -> tuple[Pair, ...]:
        """Every pair, in the registry's order."""
        models = tuple(self.models.values())
        return tuple(Pair(one, other, margin) for one in models for other in models)

    def extraction_model(self, code: object) -> Model:
        """The model to extract with: the configured one, else one that is in the registry. Never raises.

        At run time an unknown code must not cost a user the session: it is counted (fell_back), logged, and
        the registry's default is taken.
        """
        if isinstance(code, str) and code in self.models:
            return self.models[code]
        if code is not None:
            fell_back.add()
            _log.warning(
                "%s is %s, which is not in the registry: %s instead", SETTING, shown(code), self.extraction
            )
        return self.models[self.extraction]


def unknown(code: object, registry: Registry, setting: str | None = None) -> BadUsage:
    """The error for a code that is none: what was given, where, and which codes there are."""
    what = f"{shown(code)} is not a model of {registry.source}"
    return BadUsage(
        f"{setting}: {what}" if setting else what, hint=f"use one of: {', '.join(registry.models)}"
    )


def validate(conversation_config: Mapping[str, object], registry: Registry) -> None:
    """Check a topic's conversation_config when it is saved. Raises BadUsage, which lists the valid codes.

    >>> validate({"extraction_model_code": "CLAUDE_3_5_HAIKU"}, load())
    """
    code = conversation_config.get("extraction_model_code")
    if code is not None and not (isinstance(code, str) and code in registry.models):
        raise unknown(code, registry, SETTING)


def load(path: str | Path | None = None) -> Registry:
    """A registry: the file given, else the one that GUARD_MODELS names, else the one that comes along.

    Raises BadUsage where it cannot be read or does not hold together.
    """
    file = Path(path or os.environ.get(VARIABLE) or Path(__file__).with_name("models.toml"))
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not TOML"
        raise BadUsage(
            f"the model registry {file} cannot be read: {reason}", hint="check the path"
        ) from error
    return _registry(said, file)


def _registry(said: Mapping[str, Any], file: Path) -> Registry:
    try:
        models = {code: _model(code, about) for code, about in said["models"].items()}
        defaults = said["defaults"]
        registry = Registry(models, defaults[CONVERSATION], defaults[EXTRACTION], file.name)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise BadUsage(
            f"the model registry {file} is not in order: {error}",
            hint="each [models.CODE] needs provider and p95_s = { conversation = ..., extraction = ... }; "
            "[defaults] names a conversation and an extraction model",
        ) from error
    for code in (registry.conversation, registry.extraction):
        registry.model(code)
    return registry


def _model(code: str, about: Mapping[str, Any]) -> Model:
    p95 = {phase: timedelta(seconds=float(about["p95_s"][phase])) for phase in _PHASES}
    if min(p95.values()) <= timedelta(0):
        raise ValueError(f"{code}'s p95_s must be above 0")
    return Model(code, str(about["provider"]), p95)


def shown(code: object) -> str:
    """A code as it may be shown: anything that cannot be one could be a user's words."""
    return repr(model_name(code)) if isinstance(code, str) else f"a {type(code).__name__}"
