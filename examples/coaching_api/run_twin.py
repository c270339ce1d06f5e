"""The incident happening, and not happening with the guard on, on this machine.

python3 run.py twin                      the incident, then each policy of the guard
python3 run.py twin lost-update          one scenario, or several
python3 run.py twin all --real-time      a second of the incident takes a second
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from examples.coaching_api.client import Exchange  # noqa: E402  # found only from here on
from examples.coaching_api.scenarios import GUARDED, POLICIES, UNGUARDED, Played  # noqa: E402
from examples.coaching_api.stage import Stage, stage  # noqa: E402

GUARD: Final = Path(sys.executable).with_name("guard")
DEFAULT: Final = ("incident", "inline-or-defer", "defer", "explicit")
KNOWN: Final = ("all", *UNGUARDED, *GUARDED)
SCALE: Final = 0.05
BUDGET: Final = ("--extraction-budget-s", "25")
"""With the guard on, an extraction may take what a request has: it is answered or handed over in time."""


def main(words: list[str]) -> int:
    """Play, tell and trace what was asked for."""
    parser = _parser()
    asked = parser.parse_args(words)
    if unknown := set(asked.scenarios) - set(KNOWN):
        parser.error(f"{min(unknown)!r} is none of {', '.join(KNOWN)}")
    scale = 1.0 if asked.real_time else asked.scale
    names = [*UNGUARDED, *GUARDED] if "all" in asked.scenarios else asked.scenarios or list(DEFAULT)
    folder = Path(tempfile.mkdtemp(prefix="coaching-twin-"))
    print(f"One second of the incident takes {scale:g} s here. Seconds below are the incident's.")
    rows = []
    for policies, scenarios in (("", UNGUARDED), (POLICIES, GUARDED)):
        chosen = {name: play for name, play in scenarios.items() if name in names}
        if chosen:
            with stage(policies, scale=scale) as theatre:
                played = {name: play(theatre) for name, play in chosen.items()}
                _tell_all(played, theatre, folder / ("guarded" if policies else "unguarded"))
            rows += [row(name, each) for name, each in played.items()]
    print("\n== In short\n" + "\n".join((*HEADER, *rows)))
    print(f"\nThe logs are in {folder}; the command itself is {GUARD}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run.py twin", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("scenarios", nargs="*", help=", ".join(KNOWN), metavar="SCENARIO")
    parser.add_argument("--real-time", action="store_true", help="a second of the incident takes a second")
    parser.add_argument(
        "--scale", type=float, default=SCALE, help="or so many seconds (default: %(default)s)"
    )
    return parser


def _tell_all(played: dict[str, Played], theatre: Stage, folder: Path) -> None:
    theatre.save_logs(folder)
    for name, each in played.items():
        print("\n" + "\n".join(story(name, each)), flush=True)
        trace(each.session_id, folder, theatre.limit_ms, *(BUDGET if name in GUARDED else ()))


def story(name: str, played: Played) -> Iterator[str]:
    """What the client saw, and what the table holds."""
    guard = "the guard on" if name in GUARDED else "no guard"
    play = (UNGUARDED | GUARDED)[name]
    yield f"== {name}, {guard}: {(play.__doc__ or '').strip()}"
    yield "   sent   answered  the client asked, and was told"
    for told, group in groupby(played.exchanges, _told):
        yield _lines(told, list(group))
    result = "with its result" if played.has_result else "without a result"
    lost = [reply for reply in _replies(played) if reply not in played.said]
    yield (
        f"   The table: {played.status}, {result}; {len(played.said)} messages, "
        f"{len(lost)} of the answers that the client was given are missing; {played.writes} writes"
    )


def _told(each: Exchange) -> str:
    told = [str(each.body.get(key)) for key in ("status", "code", "message") if each.body.get(key)]
    told += ["with the result"] if each.result else []
    told += ["replayed"] if "idempotent-replayed" in each.headers else []
    path = each.request.split("sess_")[0] + ("..." if "sess_" in each.request else "")
    return f"{path:27} {each.status} {', '.join(told)}"


def _lines(told: str, group: list[Exchange]) -> str:
    times = f", {len(group)} times" if len(group) > 1 else ""
    return f"{group[0].sent:7.1f} {group[-1].answered:8.1f}    {told}{times}"


def _replies(played: Played) -> list[str]:
    told = (each.body.get("message") for each in played.exchanges if each.status == 200)
    return [each for each in told if isinstance(each, str)]


HEADER: Final = (
    "| scenario | first answer, s | status | result, s | requests until then | writes | queue messages |",
    "|---|--:|--:|--:|--:|--:|--:|",
)


def row(name: str, played: Played) -> str:
    """What was measured, as a line of a table."""
    found = played.with_result
    result = "never" if found is None else f"{found.answered:.1f}"
    requests = "" if found is None else str(played.exchanges.index(found) + 1)
    status = played.exchanges[0].status
    return (
        f"| {name} | {played.until_answer:.1f} | {status} | {result} | {requests} | "
        f"{played.writes} | {played.messages} |"
    )


def trace(session_id: str, logs: Path, limit_ms: int, *more: str) -> None:
    """The command as an engineer on call would type it."""
    asked = [
        "trace",
        "--session",
        session_id,
        "--logs",
        str(logs),
        "--gateway-limit-ms",
        str(limit_ms),
        *more,
    ]
    print("\n$ guard", *asked, flush=True)
    subprocess.run([str(GUARD), *asked], check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
