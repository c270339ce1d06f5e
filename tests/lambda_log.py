"""What a Lambda's processes print, as CloudWatch keeps it: one event a line, stamped when it arrived."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PIPE = 1 << 20
"""A pipe holds no more: one read takes what stands in it."""
_FILLER = b"." * 4095 + b"\n"
"""As much as a pipe takes in one piece."""


class LambdaLog:
    """One log stream: the read end of the processes' standard output, and the platform's own lines.

    The pipe's reader can be paused, so that the pipe runs full, and its end closed, so that writes fail.
    """

    def __init__(self, group: str, stream: str) -> None:
        self.group, self.stream = group, stream
        self._reading_end, self.writing_end = os.pipe()
        self._wake, self._waker = os.pipe()
        self._lock = threading.RLock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._open = True
        self._awaited: tuple[str, Callable[[], None]] | None = None
        self._partial = b""
        self._events: list[dict[str, object]] = []
        self._arrived = threading.Condition(self._lock)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def events(self) -> list[dict[str, object]]:
        """All so far, in order, as CloudWatch gives them: timestamp in ms, message, logGroup, logStream."""
        with self._lock:
            return list(self._events)

    def lines(self) -> list[str]:
        """The messages so far, without their line ends."""
        return [str(event["message"]).rstrip("\n") for event in self.events()]

    def save(self, path: Path) -> Path:
        """Write the events so far to a file, one JSON object a line, which ``guard trace`` reads."""
        path.write_text("".join(json.dumps(event) + "\n" for event in self.events()), encoding="utf-8")
        return path

    def write(self, text: str) -> None:
        """One event of the platform's own, after what the processes have printed so far."""
        with self._lock:
            self.drain()
            self._keep(text.encode() + b"\n")

    def wait_for(self, text: str, *, seconds: float) -> bool:
        """Wait until a line that holds the text has arrived; False where none has in so many seconds."""
        with self._lock:
            return self._arrived.wait_for(lambda: any(text in line for line in self.lines()), seconds)

    @contextmanager
    def when(self, text: str | None, do: Callable[[], None]) -> Iterator[None]:
        """Meanwhile do something, once, when a line that holds the text arrives."""
        with self._lock:
            self._awaited = (text, do) if text else None
        try:
            yield
        finally:
            with self._lock:
                self._awaited = None

    def drain(self) -> None:
        """Take what stands in the pipe now, unless the reader is paused."""
        with self._lock:
            if self._flowing.is_set() and self._open and select.select([self._reading_end], [], [], 0)[0]:
                self._take()

    def end_line(self) -> None:
        """The process that was printing has ended: what it left unfinished is an event, too."""
        with self._lock:
            self.drain()
            if self._partial:
                self._keep(self._partial)
                self._partial = b""

    def pause(self) -> None:
        """From now on nothing is read: the pipe fills."""
        with self._lock:
            self._flowing.clear()

    def resume(self) -> None:
        """Read on."""
        self._flowing.set()

    def fill(self) -> int:
        """Pause and fill the pipe to the brim, so that no write fits; the bytes that it took.

        While this runs no process may print: freeze it first.
        """
        self.pause()
        filled = 0
        while select.select([], [self.writing_end], [], 0)[1]:
            filled += os.write(self.writing_end, _FILLER)
        return filled

    def close_reading_end(self) -> None:
        """From now on whoever prints gets BrokenPipeError; what was not read is lost."""
        if self._open:
            self._open = False
            self.resume()
            os.write(self._waker, b"!")
            # A pipe is open for as long as somebody waits for it.
            self._reader.join(5)
            os.close(self._reading_end)

    def close(self) -> None:
        """End the reader and close the pipe; events stay."""
        self.resume()
        self.end_line()
        self.close_reading_end()
        for end in (self.writing_end, self._wake, self._waker):
            os.close(end)

    def _read(self) -> None:
        while self._flowing.wait() and self._open:
            select.select([self._reading_end, self._wake], [], [])
            self.drain()

    def _take(self) -> None:
        *lines, self._partial = (self._partial + os.read(self._reading_end, _PIPE)).split(b"\n")
        for line in lines:
            self._keep(line + b"\n")

    def _keep(self, line: bytes) -> None:
        message = line.decode(errors="replace")
        event = {"timestamp": time.time_ns() // 1_000_000, "message": message}
        self._events.append({"logGroup": self.group, "logStream": self.stream, **event})
        self._arrived.notify_all()
        if self._awaited and self._awaited[0] in message:
            do, self._awaited = self._awaited[1], None
            do()
