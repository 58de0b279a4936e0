"""Write keys: which one a request presents, whether it is valid, and what it allows."""

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
    """Where a key is stored, and so what it proves."""

    PAGE = "page"  # in pages and apps, where anyone can read it
    SERVER = "server"  # on servers only
    LOCAL = "local"  # no key at all: the client is on this machine


class ShownKey(NamedTuple):
    """The key that a request presents: its text, its scope, and the name under which it is counted."""

    text: str
    scope: Scope
    name: str

    @property
    def is_trusted(self) -> bool:
        """Whether events sent with it come from the operator."""
        return self.scope is not Scope.PAGE


class WriteKeys:
    """The valid keys by scope; without any keys, every request from this machine is accepted."""

    def __init__(self, page_keys: Sequence[str], server_keys: Sequence[str] = ()) -> None:
        scoped = ((Scope.PAGE, page_keys), (Scope.SERVER, server_keys))
        self._keys = [
            (key.encode(), ShownKey(key, scope, name_of_key(key))) for scope, keys in scoped for key in keys
        ]

    @property
    def are_asked(self) -> bool:
        """Whether a request must present a key."""
        return bool(self._keys)

    @property
    def known(self) -> list[ShownKey]:
        """Every valid key."""
        return [key for _, key in self._keys]

    def check(self, shown: str | None) -> ShownKey:
        """Return the key that a request presents.

        Raises:
            RefusedError: it presents none, or an invalid one.
        """
        if not self._keys:
            return ShownKey("", Scope.LOCAL, "none")
        if not shown:
            raise RefusedError(RefusalReason.WRITE_KEY, f"show a write key {SOURCES}")
        given = shown.encode("utf-8", "surrogatepass")
        # Keys are compared in constant time, so that timing reveals nothing about them.
        matches = [key for secret, key in self._keys if hmac.compare_digest(given, secret)]
        if not matches:
            raise RefusedError(RefusalReason.WRITE_KEY, "the write key is not one of the collector's")
        return matches[0]


def name_of_key(key: str) -> str:
    """Eight hex digits that identify a key without revealing it."""
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
