"""The catalog: every alarm of one or more services, as plain data.

>>> from alarms.inputs import FunctionInput, HttpApi, ServiceInput
>>> service = ServiceInput(FunctionInput("coaching-api", timeout_s=300), HttpApi("abc123"))
>>> [alarm.kind for alarm in catalog(service).alarms]
['duration-warning', 'duration-critical', 'api-5xx', 'outlived-gateway', 'retry-refused', 'deploying']
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from alarms.composite import deploying, users_hit
from alarms.gateway_alarms import gateway_alarms
from alarms.inputs import ServiceInput
from alarms.lambda_alarms import lambda_alarms
from alarms.log_alarms import log_alarms, log_filters
from alarms.model import CompositeAlarm, MetricAlarm, MetricFilter, QueryDefinition
from alarms.queries import queries
from alarms.record_alarms import record_alarms
from guards.errors import BadUsage


@dataclass(frozen=True, slots=True)
class Catalog:
    """What is deployed, drawn, linted and replayed."""

    services: tuple[ServiceInput, ...]
    alarms: tuple[MetricAlarm, ...]
    composites: tuple[CompositeAlarm, ...]
    filters: tuple[MetricFilter, ...]
    queries: tuple[QueryDefinition, ...]

    def of(self, service: ServiceInput, kind: str) -> MetricAlarm | None:
        """The alarm of a kind that watches a service; None where it has none."""
        found = (each for each in self.alarms if (each.service, each.kind) == (service.name, kind))
        return next(found, None)


def catalog(*services: ServiceInput) -> Catalog:
    """The alarms, filters and queries of these services. Raises BadUsage where two share a name."""
    _check_names(services)
    alarms = tuple(alarm for service in services for alarm in _alarms(service))
    return Catalog(
        services=services,
        alarms=alarms,
        composites=tuple(users_hit(service, alarms) for service in services),
        filters=tuple(each for service in services for each in log_filters(service)),
        queries=tuple(query for service in services for query in queries(service)),
    )


def _alarms(service: ServiceInput) -> tuple[MetricAlarm, ...]:
    return (
        *lambda_alarms(service),
        *gateway_alarms(service),
        *log_alarms(service),
        *record_alarms(service),
        deploying(service),
    )


def _check_names(services: tuple[ServiceInput, ...]) -> None:
    if not services:
        raise BadUsage("there is no service to watch", hint="name a function and its API")
    name, count = Counter(service.name for service in services).most_common(1)[0]
    if count > 1:
        raise BadUsage(
            f"{count} services are called {name!r}, and their alarms would have the same names",
            hint="give each a service name of its own, such as coaching-dev and coaching-prod",
        )
