"""What every request passes first: its host must be ours, and its body small."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.serving.api.access import KnownHosts
from stream_app.serving.api.problems import ProblemError

MOST_BODY_BYTES = 65_536


class Gate:
    """ASGI middleware. A page elsewhere can let its own name lead to this machine: the Host header tells."""

    def __init__(self, app: ASGIApp, hosts: KnownHosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if headers.get("host", "") not in self._hosts:
            problem = ProblemError(421, "ask by a name of this server: STREAM_APP_API_HOSTS lists them")
            await problem.response()(scope, receive, send)
            return
        if int(headers.get("content-length", "0") or 0) > MOST_BODY_BYTES:
            await _too_large().response()(scope, receive, send)
            return
        if "transfer-encoding" in headers:
            body = await _read_within_bounds(Request(scope, receive))
            if body is None:
                await _too_large().response()(scope, receive, send)
                return
            receive = _replay(body, receive)
        await self._app(scope, receive, send)


async def _read_within_bounds(request: Request) -> bytes | None:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


def _too_large() -> ProblemError:
    return ProblemError(413, f"a request may have {MOST_BODY_BYTES:,} bytes")
