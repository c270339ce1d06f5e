"""Errors as the service names them."""

from __future__ import annotations


class ApiError(Exception):
    """What is answered instead of a result."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def invalid(message: str) -> ApiError:
    """A parameter that the service does not take."""
    return ApiError("InvalidParameterException", message)


def missing(what: str) -> ApiError:
    """A group, stream or query that does not exist."""
    return ApiError("ResourceNotFoundException", f"The specified {what} does not exist.")


def malformed(message: str) -> ApiError:
    """A query that cannot be understood."""
    return ApiError("MalformedQueryException", message)


THROTTLED = ApiError("ThrottlingException", "Rate exceeded")
EXPIRED = ApiError("ExpiredTokenException", "The security token included in the request is expired")
TOO_MANY_QUERIES = ApiError("LimitExceededException", "LimitExceededException: too many concurrent queries")
UNAVAILABLE = ApiError("ServiceUnavailableException", "The service cannot complete the request.", 500)
DENIED = ApiError("AccessDeniedException", "User is not authorized to perform the operation")
