"""Write keys: which one a request shows, whether it is one of ours, and what it may be used for."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from starlette.requests import Request

from stream_app.serving.collector.refusals import RefusalReason, RefusedError

SOURCES = "by HTTP Basic as the user name, as `writeKey` in the body, or as the query parameter writeKey"


class Scope(StrEnum):
    """Where a key is kept, and so what it proves."""

    PAGE = "page"  # in pages and apps, where anybody reads it
    SERVER = "server"  # on servers, where nobody else does
    LOCAL = "local"  # no key at all: the client is of this machine


class ShownKey(NamedTuple):
    """The key that a request shows: its text, its scope, and a name by which it is counted."""

    text: str
    scope: Scope
    name: str

    @property
    def is_trusted(self) -> bool:
        """Whether what comes with it is its owner's word."""
        return self.scope is not Scope.PAGE


class WriteKeys:
    """The keys that are taken, by scope; with none of them any request from this machine is."""

    def __init__(self, page_keys: Sequence[str], server_keys: Sequence[str] = ()) -> None:
        scoped = ((Scope.PAGE, page_keys), (Scope.SERVER, server_keys))
        self._keys = [
            (key.encode(), ShownKey(key, scope, name_of_key(key))) for scope, keys in scoped for key in keys
        ]

    @property
    def are_asked(self) -> bool:
        """Whether a request must show one."""
        return bool(self._keys)

    @property
    def known(self) -> list[ShownKey]:
        """Every key that is taken."""
        return [key for _, key in self._keys]

    def check(self, shown: str | None) -> ShownKey:
        """The key that a request shows.

        Raises:
            RefusedError: it shows none, or another.
        """
        if not self._keys:
            return ShownKey("", Scope.LOCAL, "none")
        if not shown:
            raise RefusedError(RefusalReason.WRITE_KEY, f"show a write key {SOURCES}")
        given = shown.encode("utf-8", "surrogatepass")
        # Each is compared in full, so that the time tells nothing of how much of a key was right.
        matches = [key for secret, key in self._keys if hmac.compare_digest(given, secret)]
        if not matches:
            raise RefusedError(RefusalReason.WRITE_KEY, "the write key is not one of the collector's")
        return matches[0]


def name_of_key(key: str) -> str:
    """Eight hex digits by which a key is told from others, and from which nobody finds it out."""
    return sha256(key.encode()).hexdigest()[:8]


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
