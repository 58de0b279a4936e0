"""What pages of other sites may do: send events, and read their trackers' start-up files.

Source: the Fetch standard's CORS protocol. Trackers send requests with or without credentials (cookies), and
`*` is not allowed for those with credentials, so the answer names the page's own site. This is safe: routes
that accept events read no cookies and reveal nothing, and routes that reveal data are excluded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.serving.collector.refusals import RefusalReason, RefusedError

PREFLIGHT_SECONDS = 86_400
ANY = "*"
NO_SITE = "null"  # of a page without an origin, such as a file
_HEADER_NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~ ,-]{1,2000}")


class CrossOrigin:
    """ASGI middleware. `routes` are the methods and paths that pages of other sites may use.

    `note_refusal` is called with the refusal of each preflight that is not granted.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: tuple[str, ...],
        routes: Iterable[tuple[str, str]],
        note_refusal: Callable[[RefusedError], None],
    ) -> None:
        self._app = app
        self._origins = frozenset(origin.lower() for origin in origins)
        self._routes = re.compile("|".join(f"{method} {_pattern(path)}" for method, path in routes))
        self._note_refusal = note_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight; let the page of any other request read its answer, if it may."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        asks_before = (
            headers.get("access-control-request-method") if scope.get("method") == "OPTIONS" else None
        )
        method = asks_before or scope.get("method")
        if origin is None or not self._routes.fullmatch(f"{method} {scope['path']}"):
            await self._app(scope, receive, send)
            return
        is_allowed = ANY in self._origins or origin.lower() in self._origins
        if asks_before is not None:
            await self._answer_preflight(is_allowed, origin, headers)(scope, receive, send)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer.add_vary_header("Origin")
                if is_allowed:
                    answer.update(_grant(origin))
                    answer["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        await self._app(scope, receive, send_readable)

    def _answer_preflight(self, is_allowed: bool, origin: str, headers: Headers) -> Response:
        asked = headers.get("access-control-request-headers", "")
        if not is_allowed or (asked and not _HEADER_NAMES.fullmatch(asked)):
            refusal = RefusedError(
                RefusalReason.ORIGIN, "pages of this site may not send: add it to STREAM_APP_CORS_ORIGINS"
            )
            self._note_refusal(refusal)
            return refusal.response()
        granted = {
            **_grant(origin),
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            "Vary": "Origin, Access-Control-Request-Headers",
        }
        if asked:
            granted["Access-Control-Allow-Headers"] = asked
        return Response(headers=granted)


def _pattern(path: str) -> str:
    return re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))


def _grant(origin: str) -> dict[str, str]:
    if origin == NO_SITE:  # any page can use it, so it gets no credentials
        return {"Access-Control-Allow-Origin": ANY}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true"}
