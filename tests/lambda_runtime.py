"""A Lambda execution environment on loopback: handlers run under the real awslambdaric.

    with function(folder, "def handler(event, context): return event['n'] + 1") as environment:
        assert 2 == environment.invoke({"n": 1}).response

What Lambda writes into the log stands in ``environment.log``, beside what the handler printed.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from types import TracebackType
from typing import Any, Self

from tests.lambda_api import Happening, Invocation
from tests.lambda_course import Course, Outcome, in_ms
from tests.lambda_log import LambdaLog
from tests.lambda_process import LambdaProcess

_LONGEST_INIT_S = 60.0
"""Lambda itself gives 10 s; a busy machine may need more."""
_ENDING_S = 10.0
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class LambdaEnvironment:
    """One execution environment: a process that runs the handler, its Runtime API, and the log of both.

    The process starts with the first invocation. Between invocations it is frozen. After it has ended it is
    started again inside the next invocation, as Lambda does: that init counts into Duration and is not told.
    """

    def __init__(
        self,
        handler: str,
        folder: Path,
        *,
        environ: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        freeze: bool = True,
        tell_exits: bool = True,
        name: str = "coaching-api",
        memory_mb: int = 1024,
    ) -> None:
        """``handler`` is module.function, found in ``folder`` or installed; ``timeout`` is in seconds.

        With ``tell_exits`` false the log holds nothing of a process that died in mid-invocation: neither what
        it died of, nor END, nor REPORT.
        """
        self._handler, self._folder, self._timeout, self._freeze = handler, folder, timeout, freeze
        self._name, self._memory_mb, self._tell_exits = name, memory_mb, tell_exits
        self._process: LambdaProcess | None = None
        self._init_s: float | None = None
        stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        self.log = LambdaLog(f"/aws/lambda/{name}", stream)
        self._environ = {**self._standard_environ(), **(environ or {})}

    def __enter__(self) -> Self:
        """Itself; nothing runs yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process and close all that was opened."""
        self.kill()
        self.log.close()

    @property
    def pid(self) -> int | None:
        """Of the process that runs the handler; None where none does."""
        return self._process.pid if self._process and self._process.alive else None

    def start(self) -> None:
        """Start the process before any invocation, and wait until it is ready or has ended."""
        self.log.write(
            f"INIT_START Runtime Version: {_PYTHON.replace('python', 'python:')}.v1\tRuntime Version ARN: "
            f"arn:aws:lambda:us-east-1::runtime:{'0' * 64}"
        )
        began = time.monotonic()
        process = self._new_process()
        happening = process.happening(began + _LONGEST_INIT_S)
        while happening and happening.what == "init error":
            happening = process.happening(began + _LONGEST_INIT_S)
        self._init_s = time.monotonic() - began
        self._rest(process)
        if happening is None or happening.what != "next":
            self.log.write(f"INIT_REPORT Init Duration: {in_ms(self._init_s)}\tPhase: init\tStatus: error")
            self._init_s = None
            self.kill()

    def kill(self) -> None:
        """End the process, between invocations."""
        if self._process:
            self._process.close()
            self.log.end_line()

    def invoke(
        self,
        event: object,
        *,
        request_id: str | None = None,
        trace_id: str | None = None,
        timeout: float | None = None,
        kill_after: float | None = None,
        kill_when: str | None = None,
    ) -> Outcome:
        """Run the handler once and wait for its end, at most for ``timeout`` seconds.

        ``trace_id`` is the X-Ray header (None: a new one; empty: none is sent). The process gets SIGKILL
        ``kill_after`` so many seconds from when it took the event, or when a line that holds the text
        ``kill_when`` has come out of it.
        """
        if self._process is None:
            self.start()
        limit = self._timeout if timeout is None else timeout
        invocation = self._invocation(event, request_id or str(uuid.uuid4()), trace_id, limit)
        self.log.write(f"START RequestId: {invocation.request_id} Version: $LATEST")
        course = Course(invocation, limit, kill_after)
        process = self._process_for(course)
        with self.log.when(kill_when, process.kill):
            process.thaw()
            process.hand_out(invocation)
            self._follow(course, process)
        used_mb = process.memory_mb()
        self._rest(process)
        self._tell_end(course, used_mb)
        return course.outcome()

    def _process_for(self, course: Course) -> LambdaProcess:
        if self._process is not None and self._process.alive:
            course.taken = course.began
            return self._process
        self.kill()
        return self._new_process()

    def _new_process(self) -> LambdaProcess:
        self._process = LambdaProcess(self._handler, self._folder, self._environ, self.log.writing_end)
        return self._process

    def _follow(self, course: Course, process: LambdaProcess) -> None:
        """Until the invocation is over; whoever is late is killed."""
        while True:
            happening = process.happening(min(course.deadline, course.killing))
            if happening is None:
                course.ended = "timeout" if course.deadline <= course.killing else "exited"
                process.kill()
                happening = _exit_of(process)
            if course.note(happening):
                return

    def _rest(self, process: LambdaProcess) -> None:
        """Freeze what lives, so that nothing more is printed, and take what was."""
        if not process.alive:
            self.log.end_line()
        elif self._freeze:
            process.freeze()

    def _tell_end(self, course: Course, used_mb: int | None) -> None:
        init, self._init_s = self._init_s, None
        if course.ended == "exited" and not self._tell_exits:
            return
        if complaint := course.complaint():
            self.log.write(complaint)
        self.log.write(f"END RequestId: {course.invocation.request_id}")
        self.log.write(course.report(self._memory_mb, used_mb, init))

    def _invocation(self, event: object, request_id: str, trace_id: str | None, limit: float) -> Invocation:
        trace_id = _new_trace_id() if trace_id is None else trace_id
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{self._name}"
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + limit) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": arn,
            **({"Lambda-Runtime-Trace-Id": trace_id} if trace_id else {}),
        }
        return Invocation(request_id, json.dumps(event).encode(), headers)

    def _standard_environ(self) -> dict[str, str]:
        """What Lambda sets; of our own environment only where programs are."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": str(self._folder),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": self._handler,
            "LAMBDA_TASK_ROOT": str(self._folder),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{_PYTHON}",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log.stream,
        }


def function(folder: Path, source: str, **options: Any) -> LambdaEnvironment:
    """The environment of a function whose module is ``source`` and whose handler is called ``handler``."""
    (folder / "function.py").write_text(dedent(source), encoding="utf-8")
    return LambdaEnvironment("function.handler", folder, **options)


def _exit_of(process: LambdaProcess) -> Happening:
    """How a killed process ended; what it still posted came too late."""
    until = time.monotonic() + _ENDING_S
    while happening := process.happening(until):
        if happening.what == "exited":
            return happening
    raise AssertionError(f"process {process.pid} did not end within {_ENDING_S:.0f} s of SIGKILL")


def _new_trace_id() -> str:
    half = uuid.uuid4().hex
    return f"Root=1-{int(time.time()):08x}-{half[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
