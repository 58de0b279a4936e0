"""Write keys: which one a request shows, and whether it is one of ours."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence

from starlette.requests import Request

from stream_app.serving.collector.refusals import RefusalReason, RefusedError

SOURCES = "by HTTP Basic as the user name, as `writeKey` in the body, or as the query parameter writeKey"


class WriteKeys:
    """The keys that are taken; with none of them any request from this machine is."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    @property
    def are_asked(self) -> bool:
        """Whether a request must show one."""
        return bool(self._keys)

    def check(self, shown: str | None) -> str:
        """The key that a request shows; empty where none is asked.

        Raises:
            RefusedError: it shows none, or another.
        """
        if not self._keys:
            return ""
        if not shown:
            raise RefusedError(RefusalReason.WRITE_KEY, f"show a write key {SOURCES}")
        given = shown.encode("utf-8", "surrogatepass")
        # Each is compared in full, so that the time tells nothing of how much of a key was right.
        matches = [hmac.compare_digest(given, key) for key in self._keys]
        if not any(matches):
            raise RefusedError(RefusalReason.WRITE_KEY, "the write key is not one of the collector's")
        return shown


def shown_outside_body(request: Request) -> str | None:
    """The key in the Authorization header or the address of a request."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user_name = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            raise RefusedError(
                RefusalReason.WRITE_KEY, "the Authorization header is not HTTP Basic: send base64 of `KEY:`"
            ) from None
        if user_name:
            return user_name
    return request.query_params.get("writeKey")
