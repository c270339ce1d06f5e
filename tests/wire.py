"""HTTP/1.1 as servers on loopback need it: read a request, write an answer, in one piece each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedIOBase

_LONGEST_LINE = 2 << 20
"""Lambda's runtime client sends up to 1 MiB in one header, where http.server takes 64 KiB."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


def read_request(stream: BufferedIOBase) -> Request | None:
    """The next request of a connection; None where it ended, be it in the middle of one."""
    words = stream.readline(_LONGEST_LINE).decode("latin-1").split()
    if len(words) != 3:
        return None
    headers = dict(iter(lambda: _header(stream), ("", "")))
    length = int(headers.get("content-length", 0))
    body = stream.read(length)
    return Request(words[0], words[1], headers, body) if len(body) == length else None


def answer(status: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A response, as it goes over the wire; ``status`` is like ``200 OK``."""
    every = {"Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in every.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1") + body


def _header(stream: BufferedIOBase) -> tuple[str, str]:
    name, _, value = stream.readline(_LONGEST_LINE).decode("latin-1").partition(":")
    return name.strip().lower(), value.strip()
