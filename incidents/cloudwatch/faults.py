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

    def __init__(self, kind: Kind, what: str, fix: str, date: str | None = None) -> None:
        super().__init__(f"{what}; {fix}")
        self.kind, self.what, self.fix = kind, what, fix
        self.date = date
        """When the service says that it refused: its header Date; None where nobody answered."""

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
_DENIED: Final = _Known("refused", DENIED, "the role needs {action}")
_RATE: Final = _Known("throttled", "{service} throttled every try", _LATER)
_DOWN: Final = _Known("passing", "{service} did not answer properly", _LATER)
NOT_THERE: Final = "it does not exist here"
_NOT_THERE: Final = _Known("refused", NOT_THERE, "check the name, --region and --profile")

_BY_CODE: Final[dict[str, _Known]] = {
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "RequestExpired": _EXPIRED,
    "UnrecognizedClientException": _UNKNOWN,
    "InvalidClientTokenId": _UNKNOWN,
    "InvalidSignatureException": _UNKNOWN,
    "SignatureDoesNotMatch": _UNKNOWN,
    "MissingAuthenticationToken": _UNKNOWN,
    "MissingAuthenticationTokenException": _UNKNOWN,
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "AuthorizationError": _DENIED,
    "ThrottlingException": _RATE,
    "Throttling": _RATE,
    "TooManyRequestsException": _RATE,
    "RequestLimitExceeded": _RATE,
    "ProvisionedThroughputExceededException": _RATE,
    "LimitExceededException": _Known("busy", "too many queries run at once in this account", _LATER),
    "ResourceNotFoundException": _NOT_THERE,
    "NotFoundException": _NOT_THERE,
    "NotFound": _NOT_THERE,
    "ServiceUnavailableException": _DOWN,
    "InternalFailure": _DOWN,
    "InternalServerError": _DOWN,
}
_BEFORE_CREATION: Final = "before the log groups creation time"


SERVICES: Final = {
    "logs": "CloudWatch Logs",
    "cloudwatch": "CloudWatch",
    "dynamodb": "DynamoDB",
    "apigateway": "API Gateway",
    "apigatewayv2": "API Gateway",
    "lambda": "Lambda",
    "sns": "SNS",
}
"""The services that are asked, as boto3 and as people call them."""


def action(service: str, operation: str) -> str:
    """What a role must be allowed for an operation: API Gateway's reads are all one.

    >>> action("logs", "StartQuery"), action("apigatewayv2", "GetStages")
    ('logs:StartQuery', 'apigateway:GET')
    """
    return "apigateway:GET" if service.startswith("apigateway") else f"{service}:{operation}"


def from_answer(operation: str, code: str, message: str, status: int, service: str = "logs") -> Fault:
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
    words = {"service": SERVICES.get(service, service), "action": action(service, operation)}
    return Fault(known.kind, known.what.format(**words), known.fix.format(**words))


def of_role(code: str) -> Fault:
    """The fault that a profile's role is, where STS does not give it."""
    if code in ("ExpiredToken", "ExpiredTokenException"):
        return Fault("credentials", "the credentials that the profile's role is taken with expired", _SIGN_IN)
    fix = "check role_arn and source_profile, and that the role trusts the source"
    return Fault("credentials", f"the profile's role was not given ({code})", fix)


_MISCONFIGURED: Final = (
    "InvalidConfigError",
    "InfiniteLoopConfigError",
    "ProfileNotFound",
    "RefreshWithMFAUnsupportedError",
    "UnknownCredentialError",
)


def from_error(error: Exception, service: str = "logs") -> Fault:
    """The fault that an error of boto3's own is: no credentials, no network, no sense in the answer."""
    name, asked = type(error).__name__, SERVICES.get(service, service)
    if name in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return Fault("credentials", "no credentials were found", "set AWS_PROFILE or --profile, or sign in")
    if name in ("TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError"):
        return Fault("credentials", "the sign-on has expired", _SIGN_IN)
    if name in _MISCONFIGURED:
        return Fault("credentials", f"the profile cannot be used: {error}", "correct it in ~/.aws/config")
    if name in ("ReadTimeoutError", "ConnectTimeoutError"):
        return Fault("passing", f"{asked} did not answer in time", _LATER)
    if name == "EndpointConnectionError":
        return Fault("passing", f"{asked} cannot be reached", "check --region and the network")
    return Fault("passing", f"the connection failed ({name})", _LATER)


INTERRUPTED: Final = Fault("interrupted", "interrupted", "run it again")
