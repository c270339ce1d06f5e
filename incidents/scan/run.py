"""A scan of saved files, from their names to the answer."""

from __future__ import annotations

from collections.abc import Sequence

from guards.errors import SourceFailed
from guards.limits import GatewayKind
from incidents.events import Skip
from incidents.files import FileSource
from incidents.paths import NO_LOGS
from incidents.rules.registry import Budgets
from incidents.scan.files import FilePass
from incidents.scan.judge import Scan, judged
from incidents.scan.signs import Tally, Wanted
from incidents.scan.sweep import Sweep


def scan_files(
    paths: Sequence[str],
    wanted: Wanted,
    gateway: GatewayKind = "http",
    budgets: Budgets | None = None,
    begun: Sweep | None = None,
) -> Scan:
    """What went wrong in saved logs; ``begun`` is a pass over one of them that has begun already.

    Raises SourceFailed where no file can be read.
    """
    tally = Tally(wanted)
    skips: list[Skip] = []
    failed: list[SourceFailed] = []
    size = 0
    sources = [FileSource(path) for path in paths]
    for number, (path, source) in enumerate(zip(paths, sources, strict=True)):
        one = FilePass(source, number, tally, begun if begun and begun.path == path else None)
        try:
            one.run()
        except SourceFailed as error:
            failed.append(error)
            skips.append(Skip(path, str(error)))
        skips += one.skips
        size += one.size
    if failed and len(failed) == len(paths):
        raise failed[0]
    found = judged(sources, tally, gateway, budgets)
    cut = any(one.where in paths and one.reason != NO_LOGS for one in skips)
    return Scan(
        requests=tally.requests,
        per_minute=tuple(tally.per_minute()),
        past=dict(tally.past),
        cases=found.cases,
        left_out=tally.left_out,
        sources=tuple(paths),
        skips=tuple(skips),
        complete=not (failed or cut or found.unjudged),
        bytes=size,
        since=wanted.since,
        until=wanted.until,
        unjudged=found.unjudged,
        throttled=tally.past["throttled"] if wanted.throttled else None,
    )
