"""Links into the AWS console, in the partition of the Region.

>>> console("cn-north-1")
'https://cn-north-1.console.amazonaws.cn/cloudwatch/home?region=cn-north-1'
>>> console(None)
'https://console.aws.amazon.com/cloudwatch/home'
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

_DOMAINS: Final = (("cn-", "amazonaws.cn"), ("us-gov-", "amazonaws-us-gov.com"))
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html names the partitions."""

_SAFE: Final = "-_.!'"


def partition(region: str | None) -> str:
    """The partition of a Region; aws where it is not known.

    >>> partition("us-gov-west-1")
    'aws-us-gov'
    """
    known = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in known.items() if (region or "").startswith(prefix)), "aws")


def console(region: str | None) -> str:
    """CloudWatch's start page; without a Region the console opens the one last used."""
    domain = next(
        (domain for prefix, domain in _DOMAINS if (region or "").startswith(prefix)), "aws.amazon.com"
    )
    if region is None:
        return f"https://console.{domain}/cloudwatch/home"
    return f"https://{region}.console.{domain}/cloudwatch/home?region={region}"


def insights(region: str | None, query: str, log_groups: Sequence[str], *, hours: int = 3) -> str:
    """Logs Insights with a query filled in, over the last hours.

    The console reads a notation of its own: lists and objects in ``~(...)``, texts after an apostrophe with
    ``*`` for ``%``, and the whole escaped with ``$`` for ``%``.

    >>> insights("eu-west-1", "limit 5", ["/aws/lambda/f"])[-79:]
    '$257E$2527limit*205$257Esource$257E$2528$257E$2527*2Faws*2Flambda*2Ff$2529$2529'
    """
    sources = "".join(f"~{_text(name)}" for name in log_groups)
    detail = (
        f"~(end~0~start~-{hours * 3600}~timeType~'RELATIVE~unit~'seconds"
        f"~editorString~{_text(query)}~source~({sources}))"
    )
    return f"{console(region)}#logsV2:logs-insights$3FqueryDetail$3D{_escaped(detail)}"


def _text(value: str) -> str:
    return "'" + quote(value, safe=_SAFE).replace("%", "*")


def _escaped(detail: str) -> str:
    once = "".join(f"%{ord(each):02X}" if each in "~()'" else each for each in detail)
    return once.replace("%", "$25")
