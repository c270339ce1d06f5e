"""The catalog as one JSON document, for those who deploy with Pulumi, Terraform or a script of their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from alarms.access_log import FORMATS
from alarms.catalog import Catalog, catalog
from alarms.checks import check
from alarms.composite import deploy_command
from alarms.cost import monthly, total
from alarms.index_policy import FIELDS
from alarms.model import Topic
from alarms.properties import composite_alarm, metric_alarm, metric_filter, query_definition
from alarms.settings import Settings
from alarms.subscribers import unheard

_GRANT: Final = (
    "its key's policy must allow cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey*, "
    "or the alarms tell nobody"
)
_TOPICS: Final[dict[Topic, str]] = {"ticket": "TICKET-TOPIC-ARN", "page": "PAGE-TOPIC-ARN"}


def document(settings: Settings) -> dict[str, Any]:
    """Everything that CloudWatch is told, under the names of its own API, and what it costs."""
    made = catalog(*settings.services)
    check(made)
    return {
        **_told(made, settings),
        "access_log_formats": {service.name: FORMATS[service.api.kind] for service in made.services},
        "index_fields": list(FIELDS),
        "deployment_step": {service.name: deploy_command(service) for service in made.services},
        "usd_a_month": [asdict(line) for line in monthly(made, dashboard=settings.dashboard)],
    }


def summary(settings: Settings, *, template: bool = True) -> tuple[str, ...]:
    """What to know beside the template, a sentence each: how much, what it costs, and what it still needs.

    ``template``: whether it stands beside a template, which makes topics, or beside the catalog alone.
    """
    made = catalog(*settings.services)
    given = tuple(arn for arn in (settings.ticket_topic, settings.page_topic) if arn)
    usd = total(monthly(made, dashboard=settings.dashboard, topics_made=len(given) < 2))
    told = [
        f"{len(made.alarms)} alarms and {len(made.composites)} composite; at most {usd:.2f} USD a month",
        *(
            f"so that no deployment pages, its first step is: {deploy_command(each)}"
            for each in made.services
        ),
    ]
    told += filter(None, (_heard(settings, template), _pages(settings)))
    if given:
        told.append(f"if {' or '.join(given)} is encrypted, {_GRANT}")
    return tuple(told)


def given_topics(settings: Settings) -> dict[Topic, str | None]:
    """The ARNs of topics that stand already; None where the stack makes one."""
    return {"ticket": settings.ticket_topic, "page": settings.page_topic}


def _heard(settings: Settings, template: bool) -> str | None:
    if template:
        return unheard(settings.email, given_topics(settings))
    open_ = [_TOPICS[name] for name, arn in given_topics(settings).items() if arn is None]
    if not open_:
        return None
    return f"write a topic's ARN for {' and for '.join(open_)}, one that somebody is subscribed to"


def _pages(settings: Settings) -> str | None:
    """What to do about runbooks: a path cannot be opened from a mail."""
    if all(each.runbooks for each in settings.services):
        return None
    return "the alarms name runbooks by path: publish docs/runbooks, and add -c runbooks=URL for links"


def _told(made: Catalog, settings: Settings) -> dict[str, Any]:
    topics = {name: arn or _TOPICS[name] for name, arn in given_topics(settings).items()}
    return {
        "alarms": [metric_alarm(each, topics) for each in made.alarms],
        "composite_alarms": [composite_alarm(each, topics) for each in made.composites],
        "metric_filters": [metric_filter(each) for each in made.filters],
        "query_definitions": [query_definition(each) for each in made.queries],
    }
