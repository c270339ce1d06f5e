"""What `guard trace` is measured against, where it is Python: each a process of its own, started by trace.py.

    python benchmarks/contestants.py read FILE
    python benchmarks/contestants.py gunzip FILE
    python benchmarks/contestants.py on-line|carried FILE SESSION OUT
    python benchmarks/contestants.py duckdb-on-line|duckdb-carried FILE SESSION OUT

Each writes to OUT, as they stand in the file, all lines of the session's requests from START to REPORT;
DuckDB writes their messages.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_PIECE = 1 << 20
_START = re.compile(rb'"message": "START RequestId: ([0-9a-f-]{36})')
_AROUND_MS = 15 * 60 * 1000

_COLUMNS = "columns = {logStream: 'VARCHAR', \"timestamp\": 'BIGINT', message: 'VARCHAR'}"
_LINES = f"read_json(?, format = 'newline_delimited', {_COLUMNS})"


def read(path: str) -> None:
    """The floor of a plain file: each byte is looked at by nobody."""
    buffer = bytearray(_PIECE)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def gunzip(path: str) -> None:
    """The floor of a gzip file: decoded once, with isal where it is installed."""
    gzip = import_module("isal.igzip" if find_spec("isal") else "gzip")
    buffer = bytearray(_PIECE)
    with gzip.open(path, "rb") as file:
        while file.readinto(buffer):
            pass


def on_line(path: str, session: str, out: str) -> None:
    """Two passes, as one does by hand: the session's lines, then those with the request IDs found on them."""
    with open(path, "rb") as file:
        ids = {_request_id(line) for line in file if session.encode() in line}
    wanted = [each.encode() for each in ids if each]
    with open(path, "rb") as file, open(out, "wb") as found:
        found.writelines(line for line in file if any(each in line for each in wanted))


def _request_id(line: bytes) -> str | None:
    try:
        found = json.loads(json.loads(line)["message"])
    except (ValueError, KeyError):
        return None
    return found.get("aws_request_id") if isinstance(found, dict) else None


def carried(path: str, session: str, out: str) -> None:
    """One pass that keeps each stream's lines since START, for as long as it may yet name the session."""
    with open(path, "rb") as file, open(out, "wb") as found:
        for request in _requests(file, session.encode()):
            found.writelines(request)


def _requests(lines: Any, session: bytes) -> Iterator[list[bytes]]:
    since: dict[bytes, list[bytes]] = defaultdict(list)
    named: set[bytes] = set()
    for line in lines:
        begin = line.find(b'"logStream": "') + 14
        stream = line[begin : line.find(b'"', begin)]
        if b'"message": "START RequestId: ' in line:
            since[stream] = []
        since[stream].append(line)
        if session in line:
            named.add(stream)
        if b'"message": "REPORT RequestId: ' in line:
            if stream in named:
                named.discard(stream)
                yield since[stream]
            since[stream] = []


def duckdb_on_line(path: str, session: str, out: str) -> None:
    """Two queries: the request IDs on the session's lines, then all lines that hold one of them."""
    import duckdb

    found = duckdb.execute(
        f"""SELECT DISTINCT regexp_extract(message, '"aws_request_id": "([0-9a-f-]{{36}})"', 1) AS id
        FROM {_LINES} WHERE message LIKE ?""",
        [path, f"%{session}%"],
    ).fetchall()
    likes = " OR ".join("message LIKE ?" for _ in found)
    rows = duckdb.execute(
        f"SELECT message FROM {_LINES} WHERE {likes}", [path, *(f"%{each}%" for (each,) in found)]
    ).fetchall()
    _write(out, rows)


def duckdb_carried(path: str, session: str, out: str) -> None:
    """Two queries: streams and times of the session's lines, then what stands there; carried by a window."""
    import duckdb

    streams, first, last = duckdb.execute(
        f"""SELECT list(DISTINCT logStream), min("timestamp"), max("timestamp")
        FROM {_LINES} WHERE message LIKE ?""",
        [path, f"%{session}%"],
    ).fetchone() or ([], 0, 0)
    duckdb.execute(
        f"""CREATE TABLE near AS SELECT * FROM {_LINES}
        WHERE "timestamp" BETWEEN ? AND ? AND list_contains(?, logStream)""",
        [path, first - _AROUND_MS, last + _AROUND_MS, streams],
    )
    rows = duckdb.execute(
        """WITH counted AS (SELECT rowid AS place, *, sum((message LIKE 'START RequestId: %')::INT)
            OVER (PARTITION BY logStream ORDER BY rowid) AS request FROM near)
        SELECT message FROM counted JOIN
            (SELECT DISTINCT logStream, request FROM counted WHERE message LIKE ?) USING (logStream, request)
        WHERE request IS NOT NULL ORDER BY place""",
        [f"%{session}%"],
    ).fetchall()
    _write(out, rows)


def _write(out: str, rows: list[tuple[str]]) -> None:
    Path(out).write_text("".join(json.dumps(message) + "\n" for (message,) in rows))


MODES: dict[str, Callable[..., None]] = {
    "read": read,
    "gunzip": gunzip,
    "on-line": on_line,
    "carried": carried,
    "duckdb-on-line": duckdb_on_line,
    "duckdb-carried": duckdb_carried,
}

if __name__ == "__main__":
    MODES[sys.argv[1]](*sys.argv[2:])
