"""The corpus of the benchmark: a day of the coaching API's logs, one session with four requests in it.

Requests are told by templates (templates.py); eight log streams run them side by side. Two ways of logging:

- ``on-line``: structured logs, Lambda's request ID and the session ID on every line of the application
- ``carried``: as the API really logs; the session ID stands on a few lines, Lambda's request ID on START,
  END and REPORT only, and all else belongs to the START..REPORT of its stream

The same parameters give the same bytes; a corpus that is there already is used again.
"""

from __future__ import annotations

import hashlib
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from templates import EXAMPLES, HERE, Kind, Template, Templates

LOG_GROUP = "/aws/lambda/coaching-api-4b4d001"
SEED = 20260209
STREAMS = 8
SLOT_MS = 40_000
"""In each slot every stream runs one request: 1,200 MB last about a day."""
MIDNIGHT_MS = 1_770_595_200_000  # 2026-02-09
GZIP_LEVEL = 6


_TEXT = (
    "we care about honest work and small steps because people trust what they see every day so our "
    "team learned to listen first ask why twice write it down share early keep promises rest when "
    "tired help new colleagues measure less talk more build things that last value time courage "
    "craft patience growth family freedom"
)
_WORDS = _TEXT.split()


@dataclass(frozen=True)
class Corpus:
    """One corpus and what is true of it."""

    kind: Kind
    path: str
    size: int
    lines: int
    session_id: str
    request_ids: tuple[str, ...]
    """Lambda's, in order of start."""
    request_lines: int
    """Lines of the four requests, START to REPORT."""
    init_lines: int
    """Lines of the init that the first of them waited for."""
    naming_session: int
    """Lines that hold the session ID."""
    naming_request: int
    """Lines that hold one of the request IDs."""


def make(kind: Kind, size_mb: int, folder: Path, seed: int = SEED) -> Corpus:
    """The corpus of a kind, at least so large, in a folder; made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{kind}-{size_mb}mb-"
    facts, path = (folder / f"{name}{_version(seed)}.{ending}" for ending in ("json", "ndjson"))
    if facts.exists() and path.exists():
        known = json.loads(facts.read_text())
        if path.stat().st_size == known["size"]:
            return Corpus(**{**known, "path": str(path), "request_ids": tuple(known["request_ids"])})
    for stale in folder.glob(f"{name}*"):
        stale.unlink()
    with path.open("wb", buffering=0) as file:
        corpus = _Writer(kind, random.Random(seed), file).write(size_mb * 1_000_000, str(path))
    facts.write_text(json.dumps(asdict(corpus), indent=1))
    return corpus


def gzipped(corpus: Corpus) -> Path:
    """The corpus as one gzip member, made with zlib at level 6 if it is not there."""
    path = Path(corpus.path + ".gz")
    if not path.exists():
        part = path.with_suffix(".part")
        packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
        with open(corpus.path, "rb") as plain, part.open("wb") as packed:
            while piece := plain.read(1 << 20):
                packed.write(packer.compress(piece))
            packed.write(packer.flush())
        part.rename(path)
    return path


def _version(seed: int) -> str:
    # Whatever writes the bytes is part of their name, so that no stale corpus is used.
    sources = [Path(__file__), HERE / "templates.py", *sorted(EXAMPLES.glob("*.py"))]
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources) + str(seed).encode()).hexdigest()[
        :8
    ]


@dataclass
class _User:
    """Somebody with a session; when it is over, somebody else comes."""

    ids: dict[bytes, bytes]
    turns_left: int


class _Writer:
    """Writes slot after slot until the file is large enough."""

    def __init__(self, kind: Kind, rng: random.Random, file: BinaryIO) -> None:
        self._kind: Kind = kind
        self._rng = rng
        self._file = file
        self._templates = Templates(kind)
        names = [f"2026/02/09/[$LATEST]{rng.randbytes(16).hex()}" for _ in range(STREAMS)]
        self._heads = [
            f'{{"logGroup": "{LOG_GROUP}", "logStream": "{name}", "timestamp": '.encode() for name in names
        ]
        self._users = [self._user() for _ in range(STREAMS)]
        self._iso = _IsoTimes()
        self._lines = 0

    def write(self, size: int, path: str) -> Corpus:
        """Write the corpus and tell what is true of it."""
        target, wanted = self._user(), self._story()
        written = slot = 0
        ours: list[tuple[Template, dict[bytes, bytes]]] = []
        while written < size or wanted:
            requests = [self._everyday(user) for user in self._users]
            if wanted and written >= size * 0.6:
                template = wanted.pop(0)
                if template is not None:
                    requests[0] = (template, self._values(template, target.ids))
                    ours.append(requests[0])
            self._rng.shuffle(requests)
            written += self._file.write(self._slot(slot, requests))
            slot += 1
        return self._facts(path, written, target.ids, ours)

    def _story(self) -> list[Template | None]:
        """What the session that is searched for does, slot by slot."""
        of = self._templates
        rest: list[Template | None] = [None] * 4
        return [of.start, *rest, of.turns[3], *rest, of.endings[0], None, of.refused]

    def _everyday(self, user: _User) -> tuple[Template, dict[bytes, bytes]]:
        of, rng = self._templates, self._rng
        if rng.random() < 0.1:
            return of.health[0], self._values(of.health[0], user.ids)
        user.turns_left -= 1
        template = rng.choice(of.turns if user.turns_left else of.endings)
        values = self._values(template, user.ids)
        if not user.turns_left:
            user.ids, user.turns_left = (new := self._user()).ids, new.turns_left
        return template, values

    def _user(self) -> _User:
        ids = {name: self._uuid() for name in (b"session", b"tenant", b"user")}
        return _User(ids, self._rng.randint(4, 14))

    def _values(self, template: Template, ids: dict[bytes, bytes]) -> dict[bytes, bytes]:
        made = {name: self._value(kind) for name, kind in template.holes}
        return {**ids, b"request": self._uuid(), **made}

    def _value(self, kind: str) -> bytes:
        if kind == "uuid":
            return self._uuid()
        if kind == "hash":
            return self._rng.randbytes(32).hex().encode()
        if kind == "address":
            return b"0x7f%b0" % self._rng.randbytes(5).hex()[:9].encode()
        return " ".join(self._rng.choices(_WORDS, k=self._rng.randint(8, 60))).encode()

    def _uuid(self) -> bytes:
        text = self._rng.randbytes(16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}".encode()

    def _slot(self, slot: int, requests: list[tuple[Template, dict[bytes, bytes]]]) -> bytes:
        begin = MIDNIGHT_MS + slot * SLOT_MS
        rows = [
            (start + offset, head, text, values if holes else None)
            for head, (template, values) in zip(self._heads, requests, strict=True)
            for start in [begin + self._rng.randrange(SLOT_MS - template.rows[-1][0])]
            for offset, text, holes in template.rows
        ]
        rows.sort(key=itemgetter(0))
        self._lines += len(rows)
        return b"".join(self._formatted(rows))

    def _formatted(self, rows: list[tuple[int, bytes, bytes, dict[bytes, bytes] | None]]) -> Iterator[bytes]:
        before = event_id = 0
        for at, head, text, values in rows:
            # As CloudWatch's: 56 digits, the time in the upper bits, counting up within a millisecond.
            event_id = event_id + 1 if at == before else (at << 144) + self._rng.getrandbits(140)
            before = at
            if values is not None:
                values[b"iso"] = self._iso.of(at, event_id)
                text = text % values
            ingested = at + 3_000 + (event_id & 63)
            yield b'%b%d, "ingestionTime": %d, "message": %b, "eventId": "%d"}\n' % (
                head, at, ingested, text, event_id,
            )  # fmt: skip

    def _facts(
        self, path: str, size: int, ids: dict[bytes, bytes], ours: list[tuple[Template, dict[bytes, bytes]]]
    ) -> Corpus:
        rows = [
            (text, b"%(session)b" in text, b"%(request)b" in text) for t, _ in ours for _, text, _ in t.rows
        ]
        init = sum(
            next(index for index, row in enumerate(template.rows) if row[1].startswith(b'"START '))
            for template, _ in ours
        )
        return Corpus(
            kind=self._kind,
            path=path,
            size=size,
            lines=self._lines,
            session_id=f"sess_{ids[b'session'].decode()}",
            request_ids=tuple(values[b"request"].decode() for _, values in ours),
            request_lines=len(rows) - init,
            init_lines=init,
            naming_session=sum(session for _, session, _ in rows),
            naming_request=sum(request for _, _, request in rows),
        )


class _IsoTimes:
    """ISO 8601 times with microseconds; a second is formatted once."""

    def __init__(self) -> None:
        self._second = -1
        self._text = b""

    def of(self, at: int, noise: int) -> bytes:
        second, ms = divmod(at, 1000)
        if second != self._second:
            self._second = second
            self._text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).strftime(
                "%Y-%m-%dT%H:%M:%S"
            ).encode()  # fmt: skip
        return b"%b.%03d%03dZ" % (self._text, ms, noise % 1000)
