"""One call after another: paced to the service's rates, tried again where that helps, counted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from incidents.cloudwatch.faults import SERVICES, Fault, Kind, from_answer, from_error, of_role

PER_SECOND: Final = {"FilterLogEvents": 5.0, "GetQueryResults": 5.0, "StartQuery": 5.0}
"""Calls a second to begin with: what an account gets at least, or less."""

TRIES: Final[dict[Kind, int]] = {"throttled": 8, "busy": 6, "passing": 3}
"""How often a call is tried in all, by what went wrong; anything else once."""

_ALWAYS: Final = {"FilterLogEvents": "events", "StartQuery": "queryId", "GetQueryResults": "status"}
"""What each true answer holds."""

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.25, 8.0
_SLOWEST_PER_SECOND: Final = 0.25
_SPEED_UP: Final = 1.1

Answer = dict[str, Any]


class Calls:
    """Calls of one client."""

    def __init__(
        self,
        client: Any,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._sleep, self._clock = client, sleep, clock
        self._rates = dict(PER_SECOND)
        self._last: dict[str, float] = {}
        self.made: Counter[str] = Counter()
        """Calls by operation, each try counted."""
        self.throttled = 0
        """Tries that the service turned away for their rate."""

    @property
    def service(self) -> str:
        """Who is asked, as boto3 calls the service."""
        return str(self._client.meta.service_model.service_name)

    @property
    def region(self) -> str:
        """Where the client asks."""
        return str(self._client.meta.region_name)

    def call(self, operation: str, **parameters: Any) -> Answer:
        """What the service answers. Raises Fault when no try got an answer."""
        tried = 0
        while True:
            self._keep_pace(operation)
            tried += 1
            try:
                answer = self._once(operation, parameters)
            except Fault as fault:
                if tried >= TRIES.get(fault.kind, 1):
                    raise
                self._after(operation, fault, tried)
            else:
                self._go_faster(operation)
                return answer

    def wait(self, seconds: float) -> None:
        """Let some time pass."""
        self._sleep(seconds)

    def _once(self, operation: str, parameters: dict[str, Any]) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.parsers import ResponseParserError

        method = getattr(self._client, _snake(operation))
        self.made[operation] += 1
        try:
            answer: Answer = method(**parameters)
        except ClientError as error:
            raise self._refused(operation, error) from error
        except (BotoCoreError, HTTPClientError, ResponseParserError, OSError) as error:
            raise from_error(error, self.service) from error
        if _ALWAYS.get(operation, "ResponseMetadata") not in answer:
            # boto3 makes an empty answer of a body that is none, which would pass for "no more events".
            asked = SERVICES.get(self.service, self.service)
            raise Fault("passing", f"the answer was none of {asked}", "check for proxies")
        return answer

    def pages(self, operation: str, token: str = "NextToken", **parameters: Any) -> Iterator[Answer]:
        """All pages of an operation whose answers lead on by a token. Raises Fault.

        A token that comes back as it was sent leads nowhere: it ends the reading.
        """
        sent: object = None
        while True:
            answer = self.call(operation, **parameters)
            yield answer
            if not answer.get(token) or answer[token] == sent:
                return
            sent = parameters[token] = answer[token]

    def _refused(self, operation: str, error: Any) -> Fault:
        """A refusal: of the operation, or of the role that it was to be asked for with."""
        told, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        if error.operation_name != operation:  # botocore asked somebody else first
            return of_role(told.get("Code", ""))
        fault = from_answer(
            operation,
            told.get("Code", ""),
            told.get("Message", ""),
            metadata.get("HTTPStatusCode", 0),
            self.service,
        )
        fault.date = metadata.get("HTTPHeaders", {}).get("date")
        return fault

    def _keep_pace(self, operation: str) -> None:
        rate, last = self._rates.get(operation), self._last.get(operation)
        if rate is not None and last is not None:
            early = last + 1 / rate - self._clock()
            if early > 0:
                self._sleep(early)
        self._last[operation] = self._clock()

    def _after(self, operation: str, fault: Fault, tried: int) -> None:
        if fault.kind == "throttled":
            self.throttled += 1
            rate = self._rates.get(operation, 5.0)
            self._rates[operation] = max(rate / 2, _SLOWEST_PER_SECOND)
        # Some chance in the wait, so that two programs that were turned away do not come back together.
        wait = min(_FIRST_WAIT_S * 2**tried, _LONGEST_WAIT_S)
        self._sleep(wait * (0.75 + random.random() / 2))

    def _go_faster(self, operation: str) -> None:
        if operation in self._rates:
            self._rates[operation] = min(
                self._rates[operation] * _SPEED_UP, PER_SECOND.get(operation, self._rates[operation])
            )


def _snake(operation: str) -> str:
    """The method of a client.

    >>> _snake("FilterLogEvents")
    'filter_log_events'
    """
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
