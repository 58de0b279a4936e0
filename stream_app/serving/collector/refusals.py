"""Why the collector refuses a request, as a typed reason and a status code.

A refusal is all or nothing: no event of a refused request was accepted.
"""

from __future__ import annotations

from enum import StrEnum

from starlette.responses import JSONResponse


class RefusalReason(StrEnum):
    """What was wrong with a request."""

    BAD_JSON = "bad_json"
    TOO_DEEP = "too_deep"
    BAD_FORM = "bad_form"
    BAD_ENCODING = "bad_encoding"
    WRITE_KEY = "write_key"
    SCOPE = "scope"
    ORIGIN = "origin"
    NOT_FOUND = "not_found"
    SLOW_BODY = "slow_body"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    RATE = "rate"
    OVERLOADED = "overloaded"
    NOT_DURABLE = "not_durable"


STATUS = {
    RefusalReason.BAD_JSON: 400,
    RefusalReason.TOO_DEEP: 400,
    RefusalReason.BAD_FORM: 400,
    RefusalReason.BAD_ENCODING: 400,
    RefusalReason.WRITE_KEY: 401,
    RefusalReason.SCOPE: 403,
    RefusalReason.ORIGIN: 403,
    RefusalReason.NOT_FOUND: 404,
    RefusalReason.SLOW_BODY: 408,
    RefusalReason.TOO_LARGE: 413,
    RefusalReason.MEDIA_TYPE: 415,
    RefusalReason.RATE: 429,
    RefusalReason.OVERLOADED: 503,
    RefusalReason.NOT_DURABLE: 503,
}


class RefusedError(Exception):
    """A request is refused; `detail` says what the sender can do, without repeating its values."""

    def __init__(self, reason: RefusalReason, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status code."""
        return STATUS[self.reason]

    def response(self) -> JSONResponse:
        """The answer, with `Retry-After` in seconds if trying again can help."""
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.reason is RefusalReason.WRITE_KEY:
            # The scheme `Basic` would make a browser ask its user for a password.
            headers["WWW-Authenticate"] = "WriteKey"
        # Amplitude's SDKs evaluate the `code` in the body, not the status.
        content = {"success": False, "code": self.status, "reason": self.reason, "message": self.detail}
        return JSONResponse(content, self.status, headers)
