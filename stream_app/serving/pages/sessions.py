"""Sessions of the pages: a cookie that names a key and is signed with its secret; nothing is kept here.

Who takes a key out of the settings ends its sessions.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from stream_app.serving.api.keys import ApiKeys, Caller

COOKIE = "stream_app_session"
LASTS_SECONDS = 12 * 3_600


class Sessions:
    """Reads and writes the cookie; `clock` gives epoch seconds."""

    def __init__(self, keys: ApiKeys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock

    def begin(self, request: Request, response: Response, caller: Caller) -> None:
        """Let a client ask as a caller from now on. No page of another site can have it sent."""
        ends_at = int(self._clock()) + LASTS_SECONDS
        response.set_cookie(
            COOKIE,
            f"{caller.name}.{ends_at}.{self._sign(caller.name, ends_at)}",
            max_age=LASTS_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def end(self, response: Response) -> None:
        """Let the client ask as nobody."""
        response.delete_cookie(COOKIE)

    def caller(self, request: Request) -> Caller | None:
        """Who a client asks as; None without a cookie, or with one that is over or not ours."""
        name, _, rest = request.cookies.get(COOKIE, "").partition(".")
        ends_at, _, signature = rest.partition(".")
        known = self._keys.named(name)
        if known is None or not (ends_at.isascii() and ends_at.isdecimal()):
            return None
        is_ours = hmac.compare_digest(signature.encode(), self._sign(name, int(ends_at)).encode())
        return known[1] if is_ours and self._clock() < int(ends_at) else None

    def _sign(self, name: str, ends_at: int) -> str:
        known = self._keys.named(name)
        assert known is not None
        return hmac.new(known[0], f"session.{name}.{ends_at}".encode(), sha256).hexdigest()
