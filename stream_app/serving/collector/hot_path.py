"""The way of nearly every request: to an address that takes events, straight to the collector.

A web framework's routing, dependencies and responses cost more than what is done with one event. Whatever is
no such request (a page, a preflight, an unknown path or method) goes on to the application behind.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from stream_app.intake.trackers.declaration import Answer
from stream_app.serving.collector.addresses import Address
from stream_app.serving.collector.refusals import RefusedError

# A start-up file contains the requested host name, so caches must not share it.
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Accept = Callable[[Request, Address], Awaitable[Answer]]


class _Route(NamedTuple):
    """An address, and the path by which its requests are counted."""

    path: str
    address: Address


class HotPath:
    """ASGI application before another. Addresses whose paths have parts to be filled in are left to that one.

    `accept` makes a request's events durable; `note_refusal` is called with the refusal of each that is not.
    """

    def __init__(
        self,
        app: ASGIApp,
        addresses: Mapping[tuple[str, str], Address],
        accept: Accept,
        note_refusal: Callable[[RefusedError], None],
    ) -> None:
        self._app = app
        self._routes = {
            (method, path): _Route(path, address)
            for (method, path), address in addresses.items()
            if "{" not in path
        }
        self._accept = accept
        self._note_refusal = note_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            answer = await self._accept(Request(scope, receive), route.address)
        except RefusedError as refusal:
            self._note_refusal(refusal)
            await refusal.response()(scope, receive, send)
            return
        status, headers = _head_of(answer)
        await send({"type": "http.response.start", "status": status, "headers": headers.copy()})
        await send({"type": "http.response.body", "body": answer.body})


def response_of(answer: Answer) -> Response:
    """An answer as a response of the application."""
    headers = {**HEADERS, "Location": answer.location} if answer.location else HEADERS
    return Response(answer.body, answer.status, headers, answer.media_type)


@lru_cache(maxsize=256)
def _head_of(answer: Answer) -> tuple[int, list[tuple[bytes, bytes]]]:
    response = response_of(answer)
    return response.status_code, response.raw_headers
