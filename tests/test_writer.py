"""Records are written in one piece, at once or not at all, and each that is not is counted."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from guards import writer as module
from guards.records import MAX_BYTES
from guards.writer import Writer

LINE = '{"guard":"phase.start/1"}\n'
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True, params=["now or never", "with a look before"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux can refuse to write where it would have to wait; older ones and other systems cannot."""
    if request.param != "now or never":
        monkeypatch.setattr(module, "_NOWAIT", 0)
        monkeypatch.setattr(module.writer, "_nowait", False)


def refusing(monkeypatch: pytest.MonkeyPatch, error: int) -> list[int]:
    """A kernel that knows the flag, and answers each write with an error; whom it was asked for."""
    asked: list[int] = []

    def pwritev(descriptor: int, buffers: object, offset: int, flags: int) -> int:
        asked.append(descriptor)
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(module, "_NOWAIT", 8)
    monkeypatch.setattr(module.os, "pwritev", pwritev, raising=False)
    return asked


def pipe_as_stdout(monkeypatch: pytest.MonkeyPatch) -> tuple[int, io.TextIOWrapper]:
    read, write = os.pipe()
    out = os.fdopen(write, "w", buffering=1)
    monkeypatch.setattr(sys, "stdout", out)
    return read, out


def test_line_goes_past_what_is_buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program's unflushed prints hold no record back."""
    read, out = pipe_as_stdout(monkeypatch)
    out.write("not flushed")
    writer = Writer()

    assert writer.write(LINE)
    assert LINE.encode() == os.read(read, 100)


def test_full_pipe_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads: the writer comes back, and as soon as somebody does it writes again."""
    read, _ = pipe_as_stdout(monkeypatch)
    writer, line = Writer(), "x" * (MAX_BYTES - 1) + "\n"
    taken = sum(writer.write(line) for _ in range(100))

    assert 0 < taken < 100
    assert (100 - taken, 0) == (writer.dropped.take(), writer.dropped.take())
    while taken:
        taken -= os.read(read, MAX_BYTES).count(b"\n")
    assert writer.write(line)


def test_full_pipe_stays_a_blocking_one_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipe is shared with the program's own prints, which would fail on a non-blocking one."""
    read, out = pipe_as_stdout(monkeypatch)
    writer = Writer()
    for _ in range(30):
        writer.write("x" * (MAX_BYTES - 1) + "\n")

    assert os.get_blocking(out.fileno())
    os.close(read)


def test_closed_or_missing_standard_output_drops_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is raised, whatever sys.stdout is."""
    closed = io.StringIO()
    closed.close()
    read, broken = pipe_as_stdout(monkeypatch)
    os.close(read)
    writer = Writer()
    for out in (None, closed, object(), broken):
        monkeypatch.setattr(sys, "stdout", out)
        assert not writer.write(LINE)

    assert 4 == writer.dropped.take()


def test_stream_that_is_closed_later_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its descriptor may be another file's by then."""
    _, out = pipe_as_stdout(monkeypatch)
    other, into = os.pipe()
    writer = Writer()
    assert writer.write(LINE)
    descriptor = out.fileno()
    out.close()
    os.dup2(into, descriptor)

    assert not writer.write(LINE)
    os.set_blocking(other, False)
    with pytest.raises(BlockingIOError):
        os.read(other, 1)


def test_standard_output_in_memory_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's or a test's own stream has no file descriptor."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)

    assert Writer().write(LINE)
    assert LINE == out.getvalue()


def test_line_over_the_contracts_size_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could not be written in one piece."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    writer = Writer()

    assert not writer.write("x" * (MAX_BYTES + 1))
    assert 1 == writer.dropped.take()


def test_lines_of_many_threads_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many write at once."""
    read, out = pipe_as_stdout(monkeypatch)
    writer = Writer()
    threads = [
        threading.Thread(target=lambda n=n: [writer.write(f"{n}" * 900 + "\n") for _ in range(50)])
        for n in range(8)
    ]
    chunks: list[bytes] = []
    reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: os.read(read, 65536), b"")))
    for thread in (reader, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    out.close()
    reader.join()
    lines = b"".join(chunks).splitlines()

    assert 400 == len(lines) + writer.dropped.take()
    assert all(len(line) == 900 and len(set(line)) == 1 for line in lines)


def test_thread_that_does_not_come_back_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has many records: all of them together may not wait for longer than one."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    writer, waited = Writer(), []
    free = False

    class Held:
        def acquire(self, blocking: bool, timeout: float = 0) -> bool:
            if blocking:
                waited.append(timeout)
            return free

        def release(self) -> None: ...

    monkeypatch.setattr(writer, "_lock", Held())
    dropped = [writer.write(LINE) for _ in range(20)]
    free = True
    taken = writer.write(LINE)
    free = False
    dropped.append(writer.write(LINE))

    assert ([False] * 21, True) == (dropped, taken)
    assert [0.05] * 2 == waited
    assert 21 == writer.dropped.take()


def test_process_with_closed_stdout_runs_on() -> None:
    """`handler >&-`: the program ends as it would without guards."""
    code = "import sys; from guards import phase\nwith phase('extraction'): pass\nsys.exit(7)"
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" >&-', sys.executable, code], cwd=ROOT, capture_output=True, timeout=60
    )

    assert (7, b"") == (done.returncode, done.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_of_a_process_that_waits_for_a_full_pipe_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forked while another thread waits for a reader, and holds the lock: neither is the child's."""
    read, out = pipe_as_stdout(monkeypatch)
    os.set_blocking(out.fileno(), False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(out.fileno(), b"x" * MAX_BYTES)
    os.set_blocking(out.fileno(), True)
    monkeypatch.setattr(module, "_DRAINING_MS", 20_000)
    waiting = threading.Thread(target=module.writer.write, args=(LINE,), daemon=True)
    waiting.start()
    time.sleep(0.2)  # until it waits
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:  # never returns to pytest
        try:
            os.dup2(tell, out.fileno())  # the same number, which the parent waits for
            os.write(tell, f"{module.writer.write(LINE)}".encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(tell)
    try:
        assert LINE.encode() + b"True" == os.read(told, 1000)
    finally:
        os.close(told)
        os.close(read)  # lets the parent's thread go
        waiting.join(10)
        module.writer.dropped.take()


def test_line_behind_a_torn_one_begins_on_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that was full may have taken a part: that is lost and counted, and what follows is whole."""
    read, _ = pipe_as_stdout(monkeypatch)
    writer, write = Writer(), os.write
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "write", lambda descriptor, data: write(descriptor, data[:5]))
        patch.setattr(
            module.os, "pwritev", lambda descriptor, data, *_: write(descriptor, data[0][:5]), False
        )
        assert not writer.write(LINE)
    assert writer.write(LINE) and writer.write(LINE)

    assert LINE.encode()[:5] + b"\n" + 2 * LINE.encode() == os.read(read, 1000)
    assert 1 == writer.dropped.take()


def test_full_pipe_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few milliseconds for the first record, nothing for those behind it until one was taken."""
    pipe_as_stdout(monkeypatch)
    waited: list[int] = []
    full = True

    class Poll:
        def poll(self, milliseconds: int) -> list[tuple[int, int]]:
            if milliseconds:
                waited.append(milliseconds)
            return [] if full else [(1, select.POLLOUT)]

    def pwritev(descriptor: int, data: tuple[bytes], *_: int) -> int:
        if full:
            raise BlockingIOError
        return os.write(descriptor, data[0])

    monkeypatch.setattr(module, "_poll_of", lambda descriptor: Poll())
    monkeypatch.setattr(module.os, "pwritev", pwritev, raising=False)
    writer = Writer()
    dropped = [writer.write(LINE) for _ in range(3)]
    full = False
    taken = writer.write(LINE)
    full = True
    dropped.append(writer.write(LINE))

    assert ([False] * 4, True) == (dropped, taken)
    assert [5, 5] == waited


def test_full_pipe_that_was_read_from_is_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once more, each time that it has taken a record in between."""
    read, _ = pipe_as_stdout(monkeypatch)
    writer, waited, looked = Writer(), [], module._poll_of

    class Poll:
        def __init__(self, descriptor: int) -> None:
            self.poll_it = looked(descriptor)

        def poll(self, milliseconds: int) -> list[tuple[int, int]]:
            if milliseconds:
                waited.append(milliseconds)
            return self.poll_it.poll(0)

    monkeypatch.setattr(module, "_poll_of", Poll)
    for _ in range(2):
        while writer.write(LINE):
            pass
        assert not writer.write(LINE)
        os.read(read, 1 << 20)

    assert [5, 5] == waited


def test_pipe_that_fills_up_behind_the_look_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread's prints may take the room that a look has found: nobody waits for a reader then."""
    read, _ = pipe_as_stdout(monkeypatch)
    writer = Writer()
    monkeypatch.setattr(writer, "_takes_a_line", lambda descriptor: writer._nowait)
    lets_go = threading.Timer(10, os.close, [read])  # of who would wait for a reader
    lets_go.start()
    written = [writer.write("x" * (MAX_BYTES - 1) + "\n") for _ in range(30)]
    lets_go.cancel()

    os.close(read)  # fails where it had to let go
    assert (0 < sum(written) < 30) == writer._nowait
    assert 30 - sum(written) == writer.dropped.take()


def test_kernel_that_cannot_refuse_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older one does not know it of pipes, none knows it of a file: the record goes out all the same."""
    read, out = pipe_as_stdout(monkeypatch)
    asked = refusing(monkeypatch, errno.EOPNOTSUPP)
    writer = Writer()

    assert writer.write(LINE) and writer.write(LINE)
    assert [out.fileno()] == asked
    assert LINE.encode() * 2 == os.read(read, 1000)
