"""What ``guard models check`` answers: each pair of models against the gateway's limit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from textwrap import wrap
from typing import Any, Final

from guards.models import Pair, Registry
from guards.names import CONVERSATION, EXTRACTION


@dataclass(frozen=True, slots=True)
class Verdict:
    """The pair asked for, and all others."""

    asked: Pair
    pairs: tuple[Pair, ...]
    limit: timedelta
    """The gateway gives up here."""
    registry: str

    @property
    def fits(self) -> bool:
        """Whether the pair asked for does."""
        return self.asked.fits(self.limit)


def judge(registry: Registry, codes: tuple[str, str], limit: timedelta, margin: timedelta) -> Verdict:
    """Every pair of a registry, and the conversation and extraction model asked for. Raises BadUsage."""
    return Verdict(registry.pair(*codes, margin), registry.pairs(margin), limit, registry.source)


def as_text(verdict: Verdict) -> str:
    """The verdict first, then by conversation model which extraction models fit beside it, and which not."""
    words = "fits" if verdict.fits else "does not fit"
    asked = verdict.asked
    first = f"{_names(asked)} {words}: {_sum(asked)} of {verdict.limit.total_seconds():g} s, declared p95"
    head = f"All pairs, as conversation + extraction, with their sums in seconds (margin {_margin(asked)} s):"
    by_conversation = groupby(verdict.pairs, lambda pair: pair.conversation)
    lines = [line for _, pairs in by_conversation for line in _lines(list(pairs), verdict.limit)]
    return "\n".join((first, "", head, *lines)) + "\n"


def as_json(verdict: Verdict) -> str:
    """All of it, in seconds."""
    told = {
        "asked": _told(verdict.asked, verdict.limit),
        "limit_s": verdict.limit.total_seconds(),
        "margin_s": verdict.asked.margin.total_seconds(),
        "registry": verdict.registry,
        "pairs": [_told(pair, verdict.limit) for pair in verdict.pairs],
    }
    return json.dumps(told, indent=2) + "\n"


def _names(pair: Pair) -> str:
    return f"{pair.conversation.code} + {pair.extraction.code}"


def _seconds(pair: Pair) -> tuple[float, float]:
    conversation, extraction = pair.conversation.p95[CONVERSATION], pair.extraction.p95[EXTRACTION]
    return conversation.total_seconds(), extraction.total_seconds()


def _sum(pair: Pair) -> str:
    parts = (*_seconds(pair), pair.margin.total_seconds())
    return f"{' + '.join(f'{part:.1f}' for part in parts)} = {pair.total.total_seconds():.1f} s"


def _margin(pair: Pair) -> str:
    return f"{pair.margin.total_seconds():g}"


def _lines(pairs: Sequence[Pair], limit: timedelta) -> Iterator[str]:
    """One conversation model with each extraction model."""
    yield f"{pairs[0].conversation.code} +"
    for word, wanted in (("fits", True), ("too long", False)):
        told = [_extraction(pair) for pair in pairs if pair.fits(limit) is wanted]
        if told:
            lines = wrap(", ".join(told), 100, initial_indent=f"  {word:8}  ", subsequent_indent=" " * 12)
            yield from (line.replace(_NO_BREAK, " ") for line in lines)


def _extraction(pair: Pair) -> str:
    return f"{pair.extraction.code}{_NO_BREAK}{pair.total.total_seconds():.1f}"


_NO_BREAK: Final = "\N{NO-BREAK SPACE}"
"""Between a code and its sum no line breaks."""


def _told(pair: Pair, limit: timedelta) -> dict[str, Any]:
    conversation, extraction = _seconds(pair)
    return {
        "conversation": pair.conversation.code,
        "extraction": pair.extraction.code,
        "conversation_p95_s": conversation,
        "extraction_p95_s": extraction,
        "total_s": pair.total.total_seconds(),
        "fits": pair.fits(limit),
    }
