"""What went wrong at a call, in words, and whether it is worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "throttled", "busy", "passing", "credentials", "refused", "unknown-query", "empty", "interrupted"
]
"""throttled: the rate; busy: too many queries at once; passing: the network or the service, for a moment;
credentials: nothing more can be asked; refused: this one call;
unknown-query: a query that is not understood there; empty: a time before the group was made."""


class Fault(Exception):
    """A call that got no answer."""

    def __init__(self, kind: Kind, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.kind, self.what, self.fix = kind, what, fix

    @property
    def ends_all(self) -> bool:
        """Whether any other call would go the same way."""
        return self.kind in ("credentials", "interrupted", "throttled", "passing")


@dataclass(frozen=True, slots=True)
class _Known:
    kind: Kind
    what: str
    fix: str


_SIGN_IN: Final = "sign in again (aws sso login, or new keys)"
_LATER: Final = "wait a minute"
_EXPIRED: Final = _Known("credentials", "the credentials expired", _SIGN_IN)
_UNKNOWN: Final = _Known("credentials", "the credentials are not valid", "check AWS_PROFILE or --profile")
DENIED: Final = "access is denied"
_DENIED: Final = _Known("refused", DENIED, "the role needs logs:{operation}")
_RATE: Final = _Known("throttled", "CloudWatch Logs throttled every try", _LATER)
_DOWN: Final = _Known("passing", "CloudWatch Logs did not answer properly", _LATER)

_BY_CODE: Final[dict[str, _Known]] = {
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "UnrecognizedClientException": _UNKNOWN,
    "InvalidSignatureException": _UNKNOWN,
    "MissingAuthenticationTokenException": _UNKNOWN,
    "AccessDeniedException": _DENIED,
    "ThrottlingException": _RATE,
    "Throttling": _RATE,
    "TooManyRequestsException": _RATE,
    "RequestLimitExceeded": _RATE,
    "LimitExceededException": _Known("busy", "too many queries run at once in this account", _LATER),
    "ResourceNotFoundException": _Known(
        "refused", "it does not exist here", "check the name, --region and --profile"
    ),
    "ServiceUnavailableException": _DOWN,
    "InternalFailure": _DOWN,
    "InternalServerError": _DOWN,
}
_BEFORE_CREATION: Final = "before the log groups creation time"


def from_answer(operation: str, code: str, message: str, status: int) -> Fault:
    """The fault that an error answer is.

    >>> from_answer("FilterLogEvents", "AccessDeniedException", "...", 400).fix
    'the role needs logs:FilterLogEvents'
    """
    if code == "MalformedQueryException" and _BEFORE_CREATION in message:
        return Fault("empty", "the log group is younger", "ask for a later time")
    if code == "MalformedQueryException":
        return Fault("unknown-query", "Insights does not know this query", "name 30 minutes at most")
    known = _BY_CODE.get(code) or (_DOWN if status >= 500 else None)
    if known is None:
        told = f": {message[:200]}" if message else ""
        return Fault("refused", f"{operation} was refused with {code}{told}", "check the options")
    return Fault(known.kind, known.what, known.fix.format(operation=operation))


def from_error(error: Exception) -> Fault:
    """The fault that an error of boto3's own is: no credentials, no network, no sense in the answer."""
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return Fault("credentials", "no credentials were found", "set AWS_PROFILE or --profile, or sign in")
    if name in ("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"):
        return Fault("credentials", "the sign-on has expired", _SIGN_IN)
    if name in ("ReadTimeoutError", "ConnectTimeoutError"):
        return Fault("passing", "CloudWatch Logs did not answer in time", _LATER)
    if name == "EndpointConnectionError":
        return Fault("passing", "CloudWatch Logs cannot be reached", "check --region and the network")
    return Fault("passing", f"the connection failed ({name})", _LATER)


INTERRUPTED: Final = Fault("interrupted", "interrupted", "run it again")
